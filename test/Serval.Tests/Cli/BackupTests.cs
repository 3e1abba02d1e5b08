using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.ApiServer.Pipeline;
using Serval.ApiServer.Store;
using Serval.Cli;
using Serval.Images;
using Serval.Kube;

namespace Serval.Tests.Cli;

/// <summary><c>serval backup</c> and <c>serval restore</c>, on directories and on files that are not what they should be.</summary>
public sealed class BackupTests : IDisposable
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly TestCli _cli = new();

    public void Dispose() => _cli.Dispose();

    [Theory]
    [InlineData("b.tar")]
    [InlineData("b.tar.gz")]
    public async Task Restored_IsWhatWasBackedUp(string name)
    {
        await FillAsync();
        var written = await _cli.RunAsync("backup", _cli[name], "-o", "json");
        Assert.Equal((ExitCodes.Ok, ""), (written.Code, written.Error));
        Assert.Equal(_cli[name], (string?)JsonNode.Parse(written.Out)!["file"]);
        Assert.Equal([_cli[name]], Directory.GetFiles(_cli.Root));

        var restored = await RestoreAsync(_cli[name]);
        Assert.Equal((ExitCodes.Ok, ""), (restored.Code, restored.Error));
        Assert.Equal("kept", await ReadAsync(_cli["new"]));
        Assert.Equal("the authority", await File.ReadAllTextAsync(Path.Combine(_cli["new"], "certificates", "ca.key")));
        Assert.False(File.Exists(Path.Combine(_cli["new"], "pods", "log")));
        var root = await new ImageStore(_cli["new"]).OpenRootAsync("hello:v1");
        Assert.Equal("program", await File.ReadAllTextAsync(Path.Combine(root.RootDirectory, "run")));
        Assert.Equal(["certificates", "images", "serval.db", "serval.lock", "serval.pid"], Names(_cli["new"]));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(Private, File.GetUnixFileMode(_cli[name]));
            Assert.Equal(Private | UnixFileMode.UserExecute, File.GetUnixFileMode(_cli["new"]));
            Assert.Equal(Private, File.GetUnixFileMode(Path.Combine(_cli["new"], "serval.db")));
            Assert.Equal(Private, File.GetUnixFileMode(Path.Combine(_cli["new"], "certificates", "ca.key")));
        }
    }

    [Fact]
    public async Task ADirectoryInUse_IsBackedUp()
    {
        await FillAsync();
        await using var store = await SqliteStore.OpenAsync(new StoreOptions { Directory = _cli.Data });
        await WriteAsync(store, "now");
        Assert.Equal(ExitCodes.Ok, (await _cli.RunAsync("backup", _cli["b.tar"], "--without-images")).Code);
        await RestoreAsync(_cli["b.tar"]);
        Assert.Equal("now", await ReadAsync(_cli["new"]));
        Assert.DoesNotContain("images", Names(_cli["new"]));
    }

    [Fact]
    public async Task ToStandardOutput_TheBackupAlone()
    {
        await FillAsync();
        Assert.Equal(ExitCodes.Usage, (await _cli.RunAsync("backup", "-", "-o", "json")).Code);
        var names = new List<string>();
        var raw = new MemoryStream();
        var context = new CliContext { In = TextReader.Null, Out = TextWriter.Null, RawOut = raw, Error = TextWriter.Null };
        Assert.Equal(ExitCodes.Ok, await CommandLineApp.RunAsync(["backup", "-", "--data-dir", _cli.Data], context, CancellationToken.None));
        raw.Position = 0;
        await using var tar = new TarReader(raw);
        while (await tar.GetNextEntryAsync() is { } entry)
        {
            names.Add(entry.Name);
        }
        Assert.Equal(("serval.db", "manifest.json"), (names[0], names[^1]));
    }

    [Fact]
    public async Task NothingToBackUp_OrAFileThatExists_IsRefused_AndNothingIsLeft()
    {
        var none = await _cli.RunAsync("backup", _cli["b.tar"]);
        Assert.Equal(ExitCodes.Failed, none.Code);
        Assert.Contains($"there is no database in {_cli.Data}", none.Error, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(_cli.Root));

        await FillAsync();
        await File.WriteAllTextAsync(_cli["b.tar"], "mine");
        var taken = await _cli.RunAsync("backup", _cli["b.tar"]);
        Assert.Equal(ExitCodes.Usage, taken.Code);
        Assert.Contains("exists already", taken.Error, StringComparison.Ordinal);
        Assert.Equal("mine", await File.ReadAllTextAsync(_cli["b.tar"]));
    }

    [Fact]
    public async Task Restore_OnADirectoryThatIsNotEmpty_Refuses_AndWithForceMovesAside()
    {
        await BackUpAsync();
        await using (var store = await SqliteStore.OpenAsync(new StoreOptions { Directory = _cli["new"] }))
        {
            await WriteAsync(store, "later");
        }
        Directory.CreateDirectory(Path.Combine(_cli["new"], "theirs"));
        var before = Names(_cli["new"]);
        var refused = await RestoreAsync(_cli["b.tar"]);
        Assert.Equal(ExitCodes.Failed, refused.Code);
        Assert.Contains("is not empty", refused.Error, StringComparison.Ordinal);
        Assert.Contains("--force", refused.Error, StringComparison.Ordinal);
        Assert.Equal(before, Names(_cli["new"]));
        Assert.Equal("later", await ReadAsync(_cli["new"]));

        var forced = await RestoreAsync(_cli["b.tar"], "--force", "-o", "json");
        Assert.Equal((ExitCodes.Ok, ""), (forced.Code, forced.Error));
        Assert.Equal("kept", await ReadAsync(_cli["new"]));
        Assert.Equal("later", await ReadAsync((string)JsonNode.Parse(forced.Out)!["replaced"]!));
        Assert.Contains("theirs", Names(_cli["new"]));
    }

    [Fact]
    public async Task Restore_OnADirectoryOfSomebodyElse_LeavesNothingThere()
    {
        await BackUpAsync();
        Directory.CreateDirectory(Path.Combine(_cli["new"], "theirs"));
        Assert.Equal(ExitCodes.Failed, (await RestoreAsync(_cli["b.tar"])).Code);
        Assert.Equal(["theirs"], Names(_cli["new"]));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Restore_OnADirectoryInUse_NamesWhoHasIt(bool force)
    {
        await BackUpAsync();
        await using var store = await SqliteStore.OpenAsync(new StoreOptions { Directory = _cli["new"] });
        await WriteAsync(store, "running");
        var refused = await RestoreAsync(_cli["b.tar"], force ? ["--force"] : []);
        Assert.Equal(ExitCodes.Failed, refused.Code);
        Assert.Contains($"is in use by the process {Environment.ProcessId}", refused.Error, StringComparison.Ordinal);
        await WriteAsync(store, "still running");
    }

    [Fact]
    public async Task Restore_AfterOneThatWasCutShort_Succeeds()
    {
        await BackUpAsync();
        Directory.CreateDirectory(Path.Combine(_cli["new"], ".serval-restoring", "certificates"));
        Assert.Equal(ExitCodes.Ok, (await RestoreAsync(_cli["b.tar"])).Code);
        Assert.Equal("kept", await ReadAsync(_cli["new"]));
    }

    public static TheoryData<string, string> Damages => new()
    {
        { "no tar", "damaged" },
        { "empty", "holds nothing" },
        { "cut in the middle", "damaged" },
        { "cut before the manifest", "it is cut short, it has no manifest.json" },
        { "gzip cut", "damaged" },
        { "database changed", "serval.db is not what was backed up" },
        { "certificate changed", "certificates/ca.key is not what was backed up" },
        { "member missing", "certificates/ca.key is missing" },
        { "member added", "certificates/extra is not in its manifest.json" },
        { "member twice", "holds \"certificates/ca.key\"" },
        { "manifest rubbish", "its manifest.json is not readable" },
        { "manifest empty", "its manifest.json is not readable" },
        { "newer format", "written by a newer Serval (9.9, format 2" },
        { "newer layout", "b.tar was written by a newer Serval (layout 99" },
        { "no database", "it has no serval.db" },
        { "../escaped", "holds \"../escaped\"" },
        { "certificates/../../escaped", "holds \"certificates/../../escaped\"" },
        { "certificates/..", "holds \"certificates/..\"" },
        { "images/tags/sub/../../../../escaped", "holds \"images/tags/sub/../../../../escaped\"" },
        { "/ROOT/escaped", "/escaped\", which no backup does" },
        { "serval.lock", "holds \"serval.lock\"" },
        { "pods/x", "holds \"pods/x\"" },
        { "certificates/a\nerror: b", "holds \"certificates/a?error: b\"" },
        { "link", "holds \"certificates/link\"" },
        { "directory", "holds \"certificates/directory\"" },
    };

    /// <summary>Nothing of a file that is not a whole backup is used, and nothing outside of the directory is written.</summary>
    [Theory]
    [MemberData(nameof(Damages))]
    public async Task Restore_OfSomethingElse_IsRefused(string damage, string expected)
    {
        await BackUpAsync();
        await DamageAsync(damage);
        var refused = await RestoreAsync(_cli["b.tar"]);
        Assert.True(refused.Code is ExitCodes.Usage or ExitCodes.Failed, refused.Out);
        Assert.Contains(expected, refused.Error, StringComparison.Ordinal);
        Assert.StartsWith("error: ", Assert.Single(refused.Error.TrimEnd().Split('\n')), StringComparison.Ordinal);
        Assert.Equal(["serval.lock", "serval.pid"], Names(_cli["new"]));
        Assert.Equal(["b.tar", "data", "new"], Names(_cli.Root));
    }

    [Fact]
    public async Task Restore_OfNoFile_SaysSo()
    {
        var refused = await RestoreAsync(_cli["none.tar"]);
        Assert.Equal(ExitCodes.Usage, refused.Code);
        Assert.Contains("there is no file", refused.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_cli["new"]));
    }

    private static string[] Names(string directory) =>
        [.. Directory.EnumerateFileSystemEntries(directory).Select(e => Path.GetFileName(e)).Order(StringComparer.Ordinal)];

    private static KubeObject Note(string text) => KubeObject.Parse(Encoding.UTF8.GetBytes(
        $$$"""{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"note","namespace":"default"},"data":{"text":"{{{text}}}"}}"""));

    private static async Task WriteAsync(SqliteStore store, string text)
    {
        var client = new EmbeddedKubeClient(store, TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance);
        var options = WriteOptions.By("test");
        if (client.Cache(Kinds.Namespace).Get(ObjectKey.Cluster("default")) is null)
        {
            await client.CreateAsync(Kinds.Namespace, KubeObject.Parse("""{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"default"}}"""u8.ToArray()), options);
        }
        await (client.Cache(Kinds.ConfigMap).Get(new ObjectKey("default", "note")) is null
            ? client.CreateAsync(Kinds.ConfigMap, Note(text), options)
            : client.UpdateAsync(Kinds.ConfigMap, Note(text), options));
    }

    private static async Task<string?> ReadAsync(string directory)
    {
        await using var store = await SqliteStore.OpenAsync(new StoreOptions { Directory = directory });
        return (string?)store.Cache(Kinds.ConfigMap).Get(new ObjectKey("default", "note"))?.ToTree()["data"]!["text"];
    }

    private Task<CliResult> RestoreAsync(string file, params string[] more) => _cli.RunAsync(["restore", file, "--data-dir", _cli["new"], .. more]);

    private async Task FillAsync()
    {
        await using (var store = await SqliteStore.OpenAsync(new StoreOptions { Directory = _cli.Data }))
        {
            await WriteAsync(store, "kept");
        }
        await File.WriteAllTextAsync(Path.Combine(Directory.CreateDirectory(Path.Combine(_cli.Data, "certificates")).FullName, "ca.key"), "the authority");
        await File.WriteAllTextAsync(Path.Combine(Directory.CreateDirectory(Path.Combine(_cli.Data, "pods")).FullName, "log"), "of that run");
        var app = Directory.CreateDirectory(Path.Combine(_cli.Data, "work", "app")).FullName;
        await File.WriteAllTextAsync(Path.Combine(app, "run"), "program");
        await new ImageStore(_cli.Data).AddDirectoryAsync("hello:v1", app, new ImageConfig { Entrypoint = ["/run"] });
    }

    private async Task BackUpAsync()
    {
        await FillAsync();
        Assert.Equal(ExitCodes.Ok, (await _cli.RunAsync("backup", _cli["b.tar"])).Code);
    }

    private async Task DamageAsync(string damage)
    {
        var path = _cli["b.tar"];
        var bytes = await File.ReadAllBytesAsync(path);
        switch (damage)
        {
            case "no tar":
                Array.Fill(bytes, (byte)'x');
                await File.WriteAllBytesAsync(path, bytes);
                break;
            case "empty":
                await File.WriteAllBytesAsync(path, []);
                break;
            case "cut in the middle":
                await File.WriteAllBytesAsync(path, bytes[..5000]);
                break;
            case "gzip cut":
                using (var packed = new MemoryStream())
                {
                    await using (var gzip = new GZipStream(packed, CompressionMode.Compress, leaveOpen: true))
                    {
                        await gzip.WriteAsync(bytes);
                    }
                    await File.WriteAllBytesAsync(path, packed.ToArray()[..(int)(packed.Length / 2)]);
                }
                break;
            default:
                var members = await MembersAsync(path);
                Edit(members, damage);
                await WriteTarAsync(path, members);
                break;
        }
    }

    private void Edit(List<(string Name, byte[] Content, TarEntryType Type)> members, string damage)
    {
        void Change(string name, Func<byte[], byte[]> change) =>
            members[members.FindIndex(m => m.Name == name)] = (name, change([.. members.Find(m => m.Name == name).Content]), TarEntryType.RegularFile);
        void ChangeManifest(Action<JsonObject> change) => Change("manifest.json", m =>
        {
            var json = JsonNode.Parse(m)!.AsObject();
            change(json);
            return Encoding.UTF8.GetBytes(json.ToJsonString());
        });
        byte[] Flip(byte[] content)
        {
            content[^1] ^= 1;
            return content;
        }
        switch (damage)
        {
            case "cut before the manifest":
                members.RemoveAll(m => m.Name == "manifest.json");
                break;
            case "database changed":
                Change("serval.db", Flip);
                break;
            case "certificate changed":
                Change("certificates/ca.key", Flip);
                break;
            case "member missing":
                members.RemoveAll(m => m.Name == "certificates/ca.key");
                break;
            case "member added":
                members.Add(("certificates/extra", [1], TarEntryType.RegularFile));
                break;
            case "member twice":
                members.Add(members.Find(m => m.Name == "certificates/ca.key"));
                break;
            case "manifest rubbish":
                Change("manifest.json", _ => "rubbish"u8.ToArray());
                break;
            case "manifest empty":
                Change("manifest.json", _ => "{}"u8.ToArray());
                break;
            case "newer format":
                ChangeManifest(m => (m["format"], m["version"]) = (2, "9.9"));
                break;
            case "newer layout":
                Change("serval.db", d =>
                {
                    d[63] = 99; // the user version in the header (SQLite, database file format)
                    return d;
                });
                ChangeManifest(m => m["files"]!["serval.db"] = Convert.ToHexStringLower(SHA256.HashData(members.Find(f => f.Name == "serval.db").Content)));
                break;
            case "no database":
                members.RemoveAll(m => m.Name == "serval.db");
                ChangeManifest(m => m["files"]!.AsObject().Remove("serval.db"));
                break;
            case "link":
                members.Insert(0, ("certificates/link", [], TarEntryType.SymbolicLink));
                break;
            case "directory":
                members.Insert(0, ("certificates/directory", [], TarEntryType.Directory));
                break;
            default:
                members.Insert(0, (damage.Replace("/ROOT", _cli.Root, StringComparison.Ordinal), [1], TarEntryType.RegularFile));
                break;
        }
    }

    private static async Task<List<(string Name, byte[] Content, TarEntryType Type)>> MembersAsync(string path)
    {
        var members = new List<(string, byte[], TarEntryType)>();
        await using var tar = new TarReader(File.OpenRead(path));
        while (await tar.GetNextEntryAsync() is { } entry)
        {
            using var content = new MemoryStream();
            await entry.DataStream!.CopyToAsync(content);
            members.Add((entry.Name, content.ToArray(), entry.EntryType));
        }
        return members;
    }

    private static async Task WriteTarAsync(string path, List<(string Name, byte[] Content, TarEntryType Type)> members)
    {
        await using var tar = new TarWriter(File.Create(path), TarEntryFormat.Gnu);
        foreach (var (name, content, type) in members)
        {
            using var data = new MemoryStream(content);
            var entry = new GnuTarEntry(type, name);
            switch (type)
            {
                case TarEntryType.RegularFile:
                    entry.DataStream = data;
                    break;
                case TarEntryType.SymbolicLink:
                    entry.LinkName = "../..";
                    break;
            }
            await tar.WriteEntryAsync(entry);
        }
    }
}
