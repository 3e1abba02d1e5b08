using System.Text;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.ApiServer.Store;
using Serval.Kube;

namespace Serval.StoreConformance;

/// <summary>What an earlier version wrote is read by this one, and is still there for that one.</summary>
public sealed class MigrationTests : IDisposable
{
    private static readonly ObjectKey s_kept = new("old", "kept");

    // The moment after the last change of layout-1.sql: its history is not old yet.
    private static readonly DateTimeOffset s_written = DateTimeOffset.FromUnixTimeMilliseconds(1_795_259_906_000);

    private readonly ScratchDirectory _directory = new();

    public MigrationTests()
    {
        using var script = new StreamReader(GetType().Assembly.GetManifestResourceStream("layout-1.sql")!);
        using var database = Database();
        database.Execute(script.ReadToEnd());
    }

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Layout1_IsReadWithItsHistory_AndGoesOn()
    {
        await using (var opened = await OpenAsync())
        {
            Assert.Equal("it's kept", opened.Client.Cache(Kinds.ConfigMap).Get(s_kept)!.Text("data", "key"));
            await using var watch = new WatchReader(ct => opened.Client.WatchAsync(Kinds.ConfigMap, "old", new WatchOptions { ResourceVersion = "27" }, ct));
            Assert.Equal(["Added removed", "Deleted removed"], await watch.TakeAsync(2));
            Assert.True((await opened.Create("new")).Version > 29);
        }
        using (var database = Database())
        {
            Assert.Equal(StoreSchema.Current, Layout(database));
        }
        await using var again = await OpenAsync();
        Assert.NotNull(again.Client.Cache(Kinds.ConfigMap).Get(s_kept));
        Assert.NotNull(again.Client.Cache(Kinds.ConfigMap).Get(new ObjectKey("facts", "new")));
    }

    [Fact]
    public async Task Layout1_ObjectsThatItsLogNoLongerHolds_AreKept()
    {
        using (var database = Database())
        {
            database.Execute("DELETE FROM changes WHERE rv <= 27; UPDATE meta SET value = 27 WHERE name = 'compacted'");
        }
        for (var start = 0; start < 2; start++)
        {
            await using var opened = await OpenAsync();
            Assert.Equal(("it's kept", "27"), (opened.Client.Cache(Kinds.ConfigMap).Get(s_kept)!.Text("data", "key"), opened.Client.Cache(Kinds.ConfigMap).Get(s_kept)!.Metadata.ResourceVersion));
            await using var watch = new WatchReader(ct => opened.Client.WatchAsync(Kinds.ConfigMap, "old", new WatchOptions { ResourceVersion = "27" }, ct));
            Assert.Equal(["Added removed", "Deleted removed"], await watch.TakeAsync(2));
        }
    }

    /// <summary>What must be mended by hand is named.</summary>
    [Theory]
    [InlineData("'{'")]
    [InlineData("'{}'")]
    [InlineData("""'{"metadata":{"resourceVersion":"x"}}'""")]
    public async Task Layout1_WithADamagedObject_IsNotMigrated(string body)
    {
        using (var database = Database())
        {
            database.Execute($"UPDATE objects SET body = CAST({body} AS BLOB) WHERE name = 'kept'");
        }
        var refused = await Assert.ThrowsAsync<StoreException>(() => SqliteStore.OpenAsync(new StoreOptions { Directory = _directory.Path }));
        Assert.Equal(
            $"the database in {_directory.Path} is damaged: configmaps old/kept is not readable: restore a backup, or delete that row of the table objects", refused.Message);
        using (var database = Database())
        {
            database.Execute("DELETE FROM objects WHERE name = 'kept'");
        }
        await using var opened = await OpenAsync();
        Assert.Null(opened.Client.Cache(Kinds.ConfigMap).Get(s_kept));
    }

    [Fact]
    public async Task Migrated_TheLogIsShortAgain()
    {
        using (var database = Database())
        {
            database.Execute("DELETE FROM changes WHERE rv <= 27; UPDATE meta SET value = 27 WHERE name = 'compacted'");
            database.Execute("UPDATE objects SET body = CAST(json_set(CAST(body AS TEXT), '$.data.large', hex(zeroblob(4000000))) AS BLOB) WHERE name = 'kept'");
        }
        await using var opened = await OpenAsync();
        Assert.Equal(8_000_000, opened.Client.Cache(Kinds.ConfigMap).Get(s_kept)!.Text("data", "large")?.Length);
        Assert.InRange(new FileInfo(SqliteStore.DatabasePath(_directory.Path) + "-wal").Length, 0, 1_000_000);
    }

    [Fact]
    public async Task Migrated_TheFileSaysWhoseItIs_AsANewOneDoes()
    {
        using var other = new ScratchDirectory();
        foreach (var directory in new[] { _directory, other })
        {
            await using (await OpenAsync(directory))
            {
                // opened and stopped
            }
            var header = await File.ReadAllBytesAsync(SqliteStore.DatabasePath(directory.Path));
            Assert.Equal("Srv1"u8, header.AsSpan(68, 4)); // SQLite, database file format: application id
        }
    }

    /// <summary>The copy of an attempt that was cut short is made anew.</summary>
    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData(".new")]
    public async Task BeforeMigrating_TheDatabaseIsCopied(string? leftover)
    {
        if (leftover is not null)
        {
            await File.WriteAllTextAsync(Copy + leftover, "half a copy");
        }
        await using (var opened = await OpenAsync())
        {
            await opened.Create("later");
        }
        using var copy = new SqliteDatabase(Copy);
        Assert.Equal(1, Layout(copy));
        Assert.Equal(3, copy.Scalar("SELECT count(*) FROM objects"));
        Assert.False(File.Exists(Copy + ".new"));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Copy));
        }
    }

    [Fact]
    public async Task WithoutTheCopy_NothingIsMigrated()
    {
        Directory.CreateDirectory(Copy + ".new"); // in its way
        var refused = await Assert.ThrowsAsync<StoreException>(() => SqliteStore.OpenAsync(new StoreOptions { Directory = _directory.Path }));
        Assert.Contains(_directory.Path, refused.Message, StringComparison.Ordinal);
        using (var database = Database())
        {
            Assert.Equal(1, Layout(database));
        }
        Directory.Delete(Copy + ".new");
        await using var opened = await OpenAsync();
        Assert.NotNull(opened.Client.Cache(Kinds.ConfigMap).Get(s_kept));
    }

    [Fact]
    public async Task ANewDatabase_AndOneOfToday_AreNotCopied()
    {
        using var other = new ScratchDirectory();
        for (var start = 0; start < 2; start++)
        {
            await using (await OpenAsync(other))
            {
                // opened and stopped
            }
            Assert.Empty(Directory.EnumerateFiles(other.Path, "*.before-*"));
        }
    }

    /// <summary>Earlier versions kept empty values that Go leaves out: they are gone before anybody looks, and so the first write of such an object changes nothing else.</summary>
    [Fact]
    public async Task Layout3_EmptyValuesAreTakenOut_AndNobodyOwnsThem()
    {
        using var directory = new ScratchDirectory();
        var key = new ObjectKey("facts", "d");
        KubeObject written;
        await using (var opened = await OpenAsync(directory))
        {
            var deployment = KubeObject.From(JsonNode.Parse("""
                {"metadata":{"name":"d","namespace":"facts"},
                 "spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}
                """)!.AsObject());
            written = await opened.Client.CreateAsync(Kinds.Deployment, deployment, Objects.Write with { Tracked = true, FieldManager = "kubectl" });
            var applied = new KubePatch(PatchType.Apply, """{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d","annotations":{}}}"""u8.ToArray());
            written = await opened.Client.PatchAsync(Kinds.Deployment, key, applied, Objects.Write with { Tracked = true, FieldManager = "one" });
        }
        Assert.Equal(2, ((JsonArray)written.ToTree()["metadata"]!["managedFields"]!).Count); // who applies an empty value owns it
        var before = written.With(tree =>
        {
            var fields = tree["metadata"]!["managedFields"]!.AsArray().Single(e => (string?)e!["manager"] == "kubectl")!["fieldsV1"]!;
            tree["metadata"]!["annotations"] = new JsonObject();
            tree["spec"]!["selector"]!["matchExpressions"] = new JsonArray(); // of what is replaced as a whole: owned as before
            tree["spec"]!["template"]!["spec"]!["hostNetwork"] = false;
            tree["spec"]!["template"]!["spec"]!["containers"]![0]!["args"] = new JsonArray();
            fields["f:spec"]!["f:template"]!["f:spec"]!["f:hostNetwork"] = new JsonObject();
            fields["f:spec"]!["f:template"]!["f:spec"]!["f:containers"]!["k:{\"name\":\"c\"}"]!["f:args"] = new JsonObject();
        });
        using (var database = new SqliteDatabase(SqliteStore.DatabasePath(directory.Path)))
        {
            using var update = database.Prepare("UPDATE changes SET body = ?1 WHERE rv = ?2");
            update.Bind(1, before.Json.Span).Bind(2, before.Version).Run();
            database.Execute("PRAGMA user_version = 3");
        }
        await using var again = await OpenAsync(directory);
        Assert.Equal(Encoding.UTF8.GetString(written.Json.Span), Encoding.UTF8.GetString(again.Client.Cache(Kinds.Deployment).Get(key)!.Json.Span));
        var labels = new KubePatch(PatchType.Merge, """{"metadata":{"labels":{"x":"y"}}}"""u8.ToArray());
        Assert.Equal(1, (await again.Client.PatchAsync(Kinds.Deployment, key, labels, Objects.Write)).Metadata.Generation);
    }

    private string Copy => $"{SqliteStore.DatabasePath(_directory.Path)}.before-{StoreSchema.Current}";

    private SqliteDatabase Database() => new(SqliteStore.DatabasePath(_directory.Path));

    private static long? Layout(SqliteDatabase database) => database.Scalar("PRAGMA user_version");

    private Task<OpenedStore> OpenAsync(ScratchDirectory? directory = null) => OpenedStore.OpenAsync(new StoreOptions
    {
        Directory = (directory ?? _directory).Path, TimeProvider = new ManualTime(s_written),
    });
}
