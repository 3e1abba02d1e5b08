using System.Diagnostics;
using System.Text.Json.Nodes;

namespace Serval.Images.Tests;

public sealed class ArchiveTests : IDisposable
{
    private static readonly ImageConfig s_config = new() { Entrypoint = ["/run"], Env = ["A=1"], Labels = new Dictionary<string, string> { ["k"] = "v" } };

    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Theory]
    [InlineData("layout")]
    [InlineData("layout.tar")]
    public async Task Save_ThenLoadElsewhere_KeepsDigestAndName(string file)
    {
        var added = await _scratch.Store().AddDirectoryAsync("dev.local/hello:v1", _scratch.App(), s_config);
        await _scratch.Store().SaveAsync("dev.local/hello:v1", _scratch[file]);

        var loaded = Assert.Single(await new ImageStore(_scratch["other"]).LoadAsync(_scratch[file]));

        Assert.Equal(("dev.local/hello:v1", added.Digest), (loaded.Reference, loaded.Digest));
    }

    [Fact]
    public async Task Save_Layout_IsReadAndConvertedBySkopeo()
    {
        var added = await _scratch.Store().AddDirectoryAsync("hello:v1", _scratch.App(), s_config);
        await _scratch.Store().SaveAsync("hello:v1", _scratch["layout"]);

        if (await SkopeoAsync("inspect", $"oci:{_scratch["layout"]}:v1") is not { } inspected)
        {
            return; // skopeo is not installed on this machine; the format is checked by the round trips
        }
        var json = JsonNode.Parse(inspected)!;
        Assert.Equal(added.Digest, (string?)json["Digest"]);
        Assert.Equal("A=1", (string?)json["Env"]![0]);
        Assert.Equal("v", (string?)json["Labels"]!["k"]);

        await SkopeoAsync("copy", $"oci:{_scratch["layout"]}:v1", $"docker-archive:{_scratch["docker.tar"]}:hello:fromskopeo");
        var store = new ImageStore(_scratch["other"]);
        Assert.Equal("hello:fromskopeo", Assert.Single(await store.LoadAsync(_scratch["docker.tar"])).Reference);
        var root = await store.OpenRootAsync("hello:fromskopeo");
        Assert.Equal(["/run"], root.Config.Entrypoint);
        Assert.Equal((UnixFileMode)0x1ED, File.GetUnixFileMode(Path.Combine(root.RootDirectory, "run")));

        await SkopeoAsync("copy", $"docker-archive:{_scratch["docker.tar"]}:hello:fromskopeo", $"oci-archive:{_scratch["oci.tar"]}:hello:again");
        Assert.Equal("hello:again", Assert.Single(await store.LoadAsync(_scratch["oci.tar"])).Reference);
        Assert.True(Directory.Exists((await store.OpenRootAsync("hello:again")).RootDirectory));

        await SkopeoAsync("copy", "--dest-compress-format", "zstd", "--dest-compress", $"oci:{_scratch["layout"]}:v1", $"oci:{_scratch["zstd"]}:hello:z");
        var refused = await Assert.ThrowsAsync<ImageException>(() => store.LoadAsync(_scratch["zstd"]));
        Assert.Equal(ImageError.Unsupported, refused.Error);
        Assert.Contains("zstd", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Load_GzippedDockerArchive_Loads()
    {
        var bytes = TarFile.Gzip(TarFile.DockerArchive("hello:v1", new TarFile().File("run").Bytes()));
        await File.WriteAllBytesAsync(_scratch["a.tgz"], bytes);

        Assert.Equal("hello:v1", Assert.Single(await _scratch.Store().LoadAsync(_scratch["a.tgz"])).Reference);
    }

    [Fact]
    public async Task Load_LayerThatDoesNotMatchItsDiffId_IsCorrupt()
    {
        var layer = new TarFile().File("run", "GOOD").Bytes();
        var archive = TarFile.DockerArchive("hello", layer);
        var at = archive.AsSpan().IndexOf("GOOD"u8);
        "EVIL"u8.CopyTo(archive.AsSpan(at));
        await File.WriteAllBytesAsync(_scratch["a.tar"], archive);

        var error = await Assert.ThrowsAsync<ImageException>(() => _scratch.Store().LoadAsync(_scratch["a.tar"]));

        Assert.Equal(ImageError.Corrupt, error.Error);
        Assert.Empty(_scratch.Store().List());
    }

    [Theory]
    [InlineData(100)]
    [InlineData(700)]
    [InlineData(2000)]
    public async Task Load_CutOffArchive_IsCorruptAndLeavesNothing(int length)
    {
        await File.WriteAllBytesAsync(_scratch["a.tar"], TarFile.DockerArchive("hello", new TarFile().File("run", new string('x', 4000)).Bytes())[..length]);
        var store = _scratch.Store();

        var error = await Assert.ThrowsAsync<ImageException>(() => store.LoadAsync(_scratch["a.tar"]));

        Assert.True(error.Error is ImageError.Corrupt or ImageError.Invalid, error.Message);
        Assert.Empty(store.List());
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(store.DirectoryPath, "tmp")));
    }

    [Fact]
    public async Task Load_MultiPlatformIndex_TakesThisMachines()
    {
        var added = await _scratch.Store().AddDirectoryAsync("hello", _scratch.App(), s_config);
        await _scratch.Store().SaveAsync("hello", _scratch["layout"]);
        var mine = JsonNode.Parse(await File.ReadAllTextAsync(_scratch["layout/index.json"]))!["manifests"]![0]!.DeepClone();
        mine["platform"] = new JsonObject { ["os"] = "linux", ["architecture"] = ImagePlatform.Architecture };
        await NestAsync(Foreign(), mine, Attestation());

        var loaded = Assert.Single(await new ImageStore(_scratch["other"]).LoadAsync(_scratch["layout"]));
        Assert.Equal(("multi:v1", added.Digest), (loaded.Reference, loaded.Digest));

        await NestAsync(Foreign());
        var error = await Assert.ThrowsAsync<ImageException>(() => new ImageStore(_scratch["third"]).LoadAsync(_scratch["layout"]));
        Assert.Contains("linux/s390x", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Load_LayoutWithOnlyATag_AsksForAName()
    {
        await _scratch.Store().AddDirectoryAsync("hello:v1", _scratch.App(), s_config);
        await _scratch.Store().SaveAsync("hello:v1", _scratch["layout"]);
        var index = JsonNode.Parse(await File.ReadAllTextAsync(_scratch["layout/index.json"]))!;
        index["manifests"]![0]!["annotations"]!.AsObject().Remove("io.containerd.image.name");
        await File.WriteAllTextAsync(_scratch["layout/index.json"], index.ToJsonString());
        var store = new ImageStore(_scratch["other"]);

        var error = await Assert.ThrowsAsync<ImageException>(() => store.LoadAsync(_scratch["layout"]));

        Assert.Contains("--name", error.Message, StringComparison.Ordinal);
        Assert.Equal("given:v9", Assert.Single(await store.LoadAsync(_scratch["layout"], "given:v9")).Reference);
    }

    [Fact]
    public async Task Load_NotAnArchive_SaysWhatItExpects()
    {
        await File.WriteAllTextAsync(_scratch["text"], "this is not a tar file");

        await Assert.ThrowsAsync<ImageException>(() => _scratch.Store().LoadAsync(_scratch["text"]));
        var directory = await Assert.ThrowsAsync<ImageException>(() => _scratch.Store().LoadAsync(_scratch.App()));
        Assert.Contains("serval image add", directory.Message, StringComparison.Ordinal);
    }

    private static JsonObject Foreign() => new()
    {
        ["mediaType"] = MediaTypes.Manifest, ["digest"] = ImageDigest.Of("other"u8), ["size"] = 5,
        ["platform"] = new JsonObject { ["os"] = "linux", ["architecture"] = "s390x" },
    };

    private static JsonObject Attestation() => new()
    {
        ["mediaType"] = MediaTypes.Manifest, ["digest"] = ImageDigest.Of("proof"u8), ["size"] = 5,
        ["platform"] = new JsonObject { ["os"] = "unknown", ["architecture"] = "unknown" },
    };

    private static async Task<string?> SkopeoAsync(params string[] arguments)
    {
        if (!File.Exists("/usr/bin/skopeo"))
        {
            return null;
        }
        using var process = Process.Start(new ProcessStartInfo("skopeo", ["--insecure-policy", .. arguments]) { RedirectStandardOutput = true, UseShellExecute = false })!;
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
        return output;
    }

    // The layout's index points at an index that lists the platforms.
    private async Task NestAsync(params JsonNode[] manifests)
    {
        var nested = System.Text.Encoding.UTF8.GetBytes(
            new JsonObject { ["schemaVersion"] = 2, ["mediaType"] = MediaTypes.Index, ["manifests"] = new JsonArray(manifests) }.ToJsonString());
        var digest = ImageDigest.Of(nested);
        await File.WriteAllBytesAsync(_scratch[$"layout/blobs/sha256/{ImageDigest.Hex(digest)}"], nested);
        var top = new JsonObject
        {
            ["mediaType"] = MediaTypes.Index, ["digest"] = digest, ["size"] = nested.Length,
            ["annotations"] = new JsonObject { ["org.opencontainers.image.ref.name"] = "multi:v1" },
        };
        await File.WriteAllTextAsync(_scratch["layout/index.json"], new JsonObject { ["schemaVersion"] = 2, ["manifests"] = new JsonArray(top) }.ToJsonString());
    }
}
