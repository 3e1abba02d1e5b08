namespace Serval.Images.Tests;

public sealed class ImageStoreTests : IDisposable
{
    private static readonly ImageConfig s_config = new()
    {
        Entrypoint = ["/run"],
        Cmd = ["--port", "8080"],
        Env = ["A=1"],
        WorkingDir = "/etc",
        ExposedPorts = new Dictionary<string, ImagePortDetails> { ["8080/tcp"] = new() },
        User = "1000:1000",
        Labels = new Dictionary<string, string> { ["z"] = "1", ["a"] = "2" },
    };

    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void Store_InADirectoryOpenToOthers_ClosesIt()
    {
        var images = _scratch.Store().DirectoryPath;
        File.SetUnixFileMode(images, (UnixFileMode)0x1ED);

        _ = _scratch.Store();

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(images));
    }

    [Fact]
    public async Task AddDirectory_ThenOpenRoot_GivesTheSameTreeAndConfig()
    {
        var store = _scratch.Store();
        var added = await store.AddDirectoryAsync("hello:v1", _scratch.App(), s_config);

        var root = await store.OpenRootAsync("hello:v1");

        Assert.Equal(added.Digest, root.Digest);
        Assert.Equal("#!/bin/sh\necho hello\n", await File.ReadAllTextAsync(Path.Combine(root.RootDirectory, "run")));
        Assert.Equal((UnixFileMode)0x1ED, File.GetUnixFileMode(Path.Combine(root.RootDirectory, "run")));
        Assert.Equal("deep/settings.json", new FileInfo(Path.Combine(root.RootDirectory, "etc", "link")).LinkTarget);
        Assert.Equal(s_config.Cmd, root.Config.Cmd);
        Assert.Equal(s_config.Env, root.Config.Env);
        Assert.Equal("/etc", root.Config.WorkingDir);
        Assert.Equal("1000:1000", root.Config.User);
        Assert.Equal("8080/tcp", Assert.Single(root.Config.ExposedPorts!).Key);
        Assert.Same(root, await store.OpenRootAsync(added.Digest));
    }

    [Fact]
    public async Task AddDirectory_SameContentElsewhereAndLater_SameDigest()
    {
        var longName = new string('n', 180);
        var first = _scratch.App(name: "one");
        var second = _scratch.App(name: "two");
        foreach (var app in (string[])[first, second])
        {
            var deep = Directory.CreateDirectory(Path.Combine(app, longName, longName)).FullName;
            await File.WriteAllTextAsync(Path.Combine(deep, "file"), "long");
            File.SetLastWriteTimeUtc(Path.Combine(deep, "file"), app == first ? DateTime.UnixEpoch : DateTime.UnixEpoch.AddYears(9));
        }
        var reordered = s_config with { Labels = new Dictionary<string, string> { ["a"] = "2", ["z"] = "1" } };

        var a = await _scratch.Store().AddDirectoryAsync("a", first, s_config);
        var b = await new ImageStore(_scratch["other"]).AddDirectoryAsync("b", second, reordered);

        Assert.Equal(a.Digest, b.Digest);
        var root = await _scratch.Store().OpenRootAsync("a");
        Assert.Equal("long", await File.ReadAllTextAsync(Path.Combine(root.RootDirectory, longName, longName, "file")));
    }

    [Fact]
    public async Task Resolve_EveryFormOfTheName_GivesOneDigest()
    {
        var store = _scratch.Store();
        var digest = (await store.AddDirectoryAsync("hello", _scratch.App(), s_config)).Digest;

        foreach (var form in (string[])["hello", "hello:latest", "docker.io/library/hello", $"hello@{digest}", $"hello:any@{digest}"])
        {
            var resolved = await _scratch.Store().ResolveAsync(form);
            Assert.Equal(new ImageResolution(digest, $"docker.io/library/hello@{digest}"), resolved);
        }
    }

    [Fact]
    public async Task Resolve_MissingImage_NamesItAndWhatToDo()
    {
        var error = await Assert.ThrowsAsync<ImageException>(async () => await _scratch.Store().ResolveAsync("dev.local/nothing:v3"));

        Assert.Equal(ImageError.NotFound, error.Error);
        Assert.Contains("dev.local/nothing:v3", error.Message, StringComparison.Ordinal);
        Assert.Contains("serval image add", error.Message, StringComparison.Ordinal);
        Assert.Contains("serval image load", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AddDirectory_TagMovesOn_OldDigestStillRuns()
    {
        var store = _scratch.Store();
        var old = await store.AddDirectoryAsync("hello", _scratch.App("old", "one"), s_config);
        var fresh = await store.AddDirectoryAsync("hello", _scratch.App("new", "two"), s_config);

        Assert.NotEqual(old.Digest, fresh.Digest);
        Assert.Equal(fresh.Digest, (await store.ResolveAsync("hello")).Digest);
        Assert.Equal("old", await File.ReadAllTextAsync(Path.Combine((await store.OpenRootAsync($"hello@{old.Digest}")).RootDirectory, "run")));
        Assert.Equal(["hello:latest", ""], store.List().Select(i => i.Reference));
    }

    [Fact]
    public async Task Remove_LastName_DeletesBlobsAndRootButKeepsSharedOnes()
    {
        var store = _scratch.Store();
        var a = await store.AddDirectoryAsync("a", _scratch.App(), s_config);
        var b = await store.AddDirectoryAsync("b", _scratch.App(), s_config with { Cmd = ["other"] }); // same layer
        await store.AddDirectoryAsync("a:second", _scratch.App(), s_config);
        var root = await store.OpenRootAsync("a");

        var first = await store.RemoveAsync("a");
        Assert.Empty(first.Deleted);
        Assert.True(Directory.Exists(root.RootDirectory));

        var second = await store.RemoveAsync("a:second");
        Assert.Equal([a.Digest], second.Deleted);
        Assert.True(second.FreedBytes > 0);
        Assert.False(Directory.Exists(root.RootDirectory));
        Assert.True(File.Exists(Path.Combine((await store.OpenRootAsync(b.Digest)).RootDirectory, "run")));

        await store.RemoveAsync(b.Digest);
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(store.DirectoryPath, "blobs", "sha256")));
        Assert.Empty(store.List());
        Assert.Equal(ImageError.NotFound, (await Assert.ThrowsAsync<ImageException>(() => store.RemoveAsync("a"))).Error);
    }

    [Fact]
    public async Task OpenRoot_DamagedLayer_SaysCorruptAndLeavesNoRoot()
    {
        var store = _scratch.Store();
        var digest = (await store.AddDirectoryAsync("hello", _scratch.App(), s_config)).Digest;
        var layer = new DirectoryInfo(Path.Combine(store.DirectoryPath, "blobs", "sha256")).GetFiles()
            .Single(f => File.ReadAllBytes(f.FullName) is [0x1f, 0x8b, ..]);
        var bytes = await File.ReadAllBytesAsync(layer.FullName);

        await File.WriteAllBytesAsync(layer.FullName, bytes[..^20]);
        var cut = await Assert.ThrowsAsync<ImageException>(async () => await store.OpenRootAsync(digest));
        bytes[bytes.Length / 2] ^= 0xff;
        await File.WriteAllBytesAsync(layer.FullName, bytes);
        var changed = await Assert.ThrowsAsync<ImageException>(async () => await store.OpenRootAsync(digest));

        Assert.Equal((ImageError.Corrupt, ImageError.Corrupt), (cut.Error, changed.Error));
        Assert.False(Directory.Exists(Path.Combine(store.DirectoryPath, "roots", digest[7..])));

        await store.AddDirectoryAsync("hello", _scratch.App(), s_config);
        Assert.True(Directory.Exists((await store.OpenRootAsync(digest)).RootDirectory));
    }

    [Fact]
    public async Task OpenRoot_DamagedManifest_SaysCorrupt()
    {
        var store = _scratch.Store();
        var digest = (await store.AddDirectoryAsync("hello", _scratch.App(), s_config)).Digest;
        await File.AppendAllTextAsync(Path.Combine(store.DirectoryPath, "blobs", "sha256", digest[7..]), " ");

        Assert.Equal(ImageError.Corrupt, (await Assert.ThrowsAsync<ImageException>(async () => await store.OpenRootAsync(digest))).Error);
    }

    [Fact]
    public async Task OpenRoot_ManyAtOnce_UnpacksOnce()
    {
        var store = _scratch.Store();
        await store.AddDirectoryAsync("hello", _scratch.App(), s_config);

        var roots = await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => Task.Run(async () => await store.OpenRootAsync("hello"))));

        Assert.Single(roots.Distinct());
    }

    [Fact]
    public async Task AddDirectory_Pipe_IsRefusedByName()
    {
        var app = _scratch.App();
        using var make = System.Diagnostics.Process.Start("mkfifo", Path.Combine(app, "pipe"));
        await make.WaitForExitAsync();

        var error = await Assert.ThrowsAsync<ImageException>(() => _scratch.Store().AddDirectoryAsync("x", app, s_config));

        Assert.Contains("pipe", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("UPPER", "app", true)]
    [InlineData("ok", "nowhere", true)]
    [InlineData("ok", "app", false)]
    public async Task AddDirectory_UnusableInput_IsInvalid(string name, string directory, bool entrypoint)
    {
        _scratch.App();
        var config = entrypoint ? s_config : new ImageConfig();

        var error = await Assert.ThrowsAsync<ImageException>(() => _scratch.Store().AddDirectoryAsync(name, _scratch[directory], config));

        Assert.Equal(ImageError.Invalid, error.Error);
    }
}
