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

    private string Copy => $"{SqliteStore.DatabasePath(_directory.Path)}.before-{StoreSchema.Current}";

    private SqliteDatabase Database() => new(SqliteStore.DatabasePath(_directory.Path));

    private static long? Layout(SqliteDatabase database) => database.Scalar("PRAGMA user_version");

    private Task<OpenedStore> OpenAsync(ScratchDirectory? directory = null) => OpenedStore.OpenAsync(new StoreOptions
    {
        Directory = (directory ?? _directory).Path, TimeProvider = new ManualTime(s_written),
    });
}
