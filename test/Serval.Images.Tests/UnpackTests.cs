using System.Diagnostics;

namespace Serval.Images.Tests;

public sealed class UnpackTests : IDisposable
{
    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    public static TheoryData<string, Func<TarFile, TarFile>> Escapes() => new()
    {
        { "absolute name", t => t.File("/tmp/serval-escaped") },
        { "dots", t => t.File("../escaped") },
        { "inner dots", t => t.File("a/../../escaped") },
        { "dots in a directory", t => t.Folder("../escaped") },
        { "link out", t => t.Link("out", "../../escaped") },
        { "link out from below", t => t.Folder("a").Link("a/out", "../../escaped") },
        { "absolute link with dots", t => t.Link("out", "/../../escaped") },
        { "through a link whose parent is the root", t => t.Folder("p/q/r").Link("p/q/r/s", "/").Link("t", "p/q/r/s/..").File("t/escaped") },
        { "hard link to dots", t => t.HardLink("x", "../../etc/passwd") },
        { "hard link to absolute", t => t.HardLink("x", "/etc/passwd") },
        { "hard link to nothing", t => t.HardLink("x", "missing") },
        { "hard link to a directory", t => t.Folder("a").HardLink("x", "a") },
        { "whiteout of the parent", t => t.Folder("a").File("a/.wh...") },
        { "whiteout of nothing", t => t.File(".wh.") },
        { "link loop", t => t.Link("a", "b").Link("b", "a").File("a/x") },
        { "file as directory", t => t.File("a").File("a/b") },
    };

    [Theory]
    [MemberData(nameof(Escapes))]
    public async Task OpenRoot_LayerThatReachesOutside_IsRefused(string what, Func<TarFile, TarFile> build)
    {
        var store = await LoadAsync(build(new TarFile()).Bytes());

        var error = await Assert.ThrowsAsync<ImageException>(async () => await store.OpenRootAsync("evil"));

        Assert.True(error.Error == ImageError.Unsafe, $"{what}: {error.Message}");
        Assert.Empty(Directory.EnumerateFileSystemEntries(_scratch.Root, "*escaped*", SearchOption.AllDirectories));
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(store.DirectoryPath, "tmp")));
        Assert.False(File.Exists("/tmp/serval-escaped"));
    }

    [Fact]
    public async Task OpenRoot_FileOverLinkToOutside_ReplacesTheLink()
    {
        var victim = _scratch["victim"];
        await File.WriteAllTextAsync(victim, "untouched");
        var store = await LoadAsync(new TarFile().Link("x", victim).Bytes(), new TarFile().File("x", "new").Bytes());

        var root = (await store.OpenRootAsync("evil")).RootDirectory;

        Assert.Equal("new", await File.ReadAllTextAsync(Path.Combine(root, "x")));
        Assert.Equal("untouched", await File.ReadAllTextAsync(victim));
    }

    [Fact]
    public async Task OpenRoot_DirectoryLinkToHostPath_WritesInsideTheRoot()
    {
        var victim = Directory.CreateDirectory(_scratch["victim"]).FullName;
        var store = await LoadAsync(new TarFile().Link("d", victim).Bytes(), new TarFile().File("d/x", "new").Bytes());

        var root = (await store.OpenRootAsync("evil")).RootDirectory;

        Assert.Empty(Directory.EnumerateFileSystemEntries(victim));
        Assert.Equal("new", await File.ReadAllTextAsync(root + victim + "/x"));
    }

    [Fact]
    public async Task OpenRoot_FilesOfOtherUsers_BelongToThemWhereTheyCan()
    {
        var store = await LoadAsync(new TarFile().Folder("home", 0x1C0).Of(501, 502).File("home/key", "x", 0x180).Of(501, 503).File("tool").Bytes());

        var root = (await store.OpenRootAsync("evil")).RootDirectory;

        using var stat = Process.Start(new ProcessStartInfo("stat", ["-c", "%u %g %a", root + "/home", root + "/home/key", root + "/tool"]) { RedirectStandardOutput = true })!;
        var seen = (await stat.StandardOutput.ReadToEndAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var (first, second) = Environment.IsPrivilegedProcess ? ("501 502 700", "501 503 600") : (seen[2][..^3] + "700", seen[2][..^3] + "600");
        Assert.Equal([first, second], seen[..2]);
        Assert.EndsWith("644", seen[2]);
    }

    [Fact]
    public async Task OpenRoot_AbsoluteLinks_BecomeRelativeToTheRoot()
    {
        var store = await LoadAsync(
            new TarFile().File("usr/lib/real", "found").Link("lib", "/usr/lib").Link("usr/bin/tool", "/usr/lib/real").File("lib/more", "merged").Bytes());

        var root = (await store.OpenRootAsync("evil")).RootDirectory;

        Assert.Equal("usr/lib", new FileInfo(Path.Combine(root, "lib")).LinkTarget);
        Assert.Equal("found", await File.ReadAllTextAsync(Path.Combine(root, "usr", "bin", "tool")));
        Assert.Equal("merged", await File.ReadAllTextAsync(Path.Combine(root, "usr", "lib", "more")));
    }

    [Theory]
    [InlineData("s/../../..", "../..")] // s leads to the root, so this would end two directories above it
    [InlineData("s/../s/../x", "x")]
    [InlineData("./c/..", ".")]
    [InlineData("../../a/b/c", "../../a/b/c")]
    public async Task OpenRoot_LinkThatClimbsAfterAName_GoesTheStraightWay(string target, string straight)
    {
        var store = await LoadAsync(new TarFile().Folder("a/b/c", 0x1ED).Link("a/b/out", target).Link("a/b/s", "../..").Bytes());

        var root = (await store.OpenRootAsync("evil")).RootDirectory;

        Assert.Equal(straight, new FileInfo(Path.Combine(root, "a", "b", "out")).LinkTarget);
    }

    [Fact]
    public async Task OpenRoot_Whiteouts_HideLowerLayersOnly()
    {
        var store = await LoadAsync(
            new TarFile().File("a/gone").File("a/stays").File("b/gone").File("c/old").File("dir/x").Bytes(),
            new TarFile().File("a/.wh.gone").File("b/new").File("b/.wh..wh..opq").File("b/new2").File("c/.wh.old").File("c/old", "again").File(".wh.dir").Bytes());

        var root = (await store.OpenRootAsync("evil")).RootDirectory;

        var files = Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(root, f)).Order(StringComparer.Ordinal);
        Assert.Equal(["a/stays", "b/new", "b/new2", "c/old"], files);
        Assert.Equal("again", await File.ReadAllTextAsync(Path.Combine(root, "c", "old")));
    }

    [Fact]
    public async Task OpenRoot_ModesLinksAndDevices_AreKeptMadeAndSkipped()
    {
        var store = await LoadAsync(
            new TarFile().Folder("ro", 0x16D).File("ro/suid", "s", 0x9ED).File("empty", "").HardLink("hard", "ro/suid").Device("dev/null").Pipe("pipe").Bytes());

        var root = (await store.OpenRootAsync("evil")).RootDirectory;

        Assert.Equal((UnixFileMode)0x16D, File.GetUnixFileMode(Path.Combine(root, "ro")));
        Assert.Equal((UnixFileMode)0x1ED, File.GetUnixFileMode(Path.Combine(root, "ro", "suid")));
        Assert.Equal("s", await File.ReadAllTextAsync(Path.Combine(root, "hard")));
        Assert.Equal(0, new FileInfo(Path.Combine(root, "empty")).Length);
        Assert.False(Path.Exists(Path.Combine(root, "dev", "null")) || Path.Exists(Path.Combine(root, "pipe")));
        await store.RemoveAsync("evil");
        Assert.False(Directory.Exists(root));
    }

    [Fact]
    public async Task OpenRoot_OverTheLimits_IsTooLarge()
    {
        var layer = new TarFile().File("a", new string('x', 600)).File("b", new string('x', 600)).Bytes();
        await LoadAsync(layer);

        foreach (var limits in (ImageLimits[])[new() { MaxUnpackedBytes = 1000 }, new() { MaxEntries = 1 }])
        {
            var error = await Assert.ThrowsAsync<ImageException>(async () => await _scratch.Store(limits).OpenRootAsync("evil"));
            Assert.Equal(ImageError.TooLarge, error.Error);
        }
    }

    private async Task<ImageStore> LoadAsync(params byte[][] layers)
    {
        var file = _scratch["image.tar"];
        await File.WriteAllBytesAsync(file, TarFile.DockerArchive("evil:latest", layers));
        var store = _scratch.Store();
        await store.LoadAsync(file);
        return store;
    }
}
