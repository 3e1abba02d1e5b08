using System.Globalization;
using Microsoft.Extensions.Logging;
using Serval.Api;
using Serval.ApiServer.Store;
using Serval.Kube;
using static Serval.StoreConformance.Objects;

namespace Serval.StoreConformance;

/// <summary>What only a store on a disk can do: stop, start, run out of space, be damaged.</summary>
public sealed class StoreTests : IDisposable
{
    private readonly ScratchDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task CleanStop_GoesOnWithTheNextVersion()
    {
        long last;
        await using (var opened = await OpenAsync())
        {
            last = (await opened.Create("a")).Version;
            await opened.Create("b");
            await opened.Client.DeleteAsync(Kinds.ConfigMap, new ObjectKey("facts", "a"), DeleteOptions.Background);
        }
        await using var again = await OpenAsync();
        Assert.Equal(last + 2, again.Store.Version);
        Assert.Equal(["b"], again.Client.Cache(Kinds.ConfigMap).List().Select(o => o.Metadata.Name));
        Assert.Equal(last + 3, (await again.Create("c")).Version);
        await using var watch = again.Watch(last);
        Assert.Equal(["Added b", "Deleted a", "Added c"], await watch.TakeAsync(3));
    }

    /// <summary>Each commit is a sync of the disk: there is not one for each kind.</summary>
    [Fact]
    public async Task NewDatabase_IsMadeInFewCommits()
    {
        await using var opened = await OpenAsync();
        Assert.InRange(new FileInfo(_directory.Log).Length, 1, 400_000);
    }

    [Fact]
    public async Task UncleanStop_BeginsTheNextBlock_AndKnowsTheGap()
    {
        var options = Options with { VersionBlock = 100 };
        long last;
        await using (var opened = await OpenAsync(options))
        {
            last = (await opened.Create("a")).Version;
            await opened.Store.AbandonAsync();
        }
        await using var again = await OpenAsync(options);
        var next = await again.Create("b");
        Assert.InRange(next.Version, last + 2, last + 102);
        await using var inside = again.Watch(last + 1);
        await Refused(410, () => inside.NextAsync());
        await using var atTheEdge = again.Watch(last);
        Assert.Equal(["Added b"], await atTheEdge.TakeAsync(1));
    }

    [Fact]
    public async Task Versions_CrossBlocks_WithoutRepeating()
    {
        await using var opened = await OpenAsync(Options with { VersionBlock = 3 });
        long last = 0;
        for (var i = 0; i < 40; i++)
        {
            var version = (await opened.Create($"m{i}")).Version;
            Assert.True(version > last);
            last = version;
        }
    }

    [Fact]
    public async Task Changes_AreBounded_AndOlderVersionsExpire()
    {
        await using var opened = await OpenAsync(Options with { MaxChanges = 100, RecentChanges = 5 });
        var first = (await opened.Create("a")).Version;
        for (var i = 0; i < 400; i++)
        {
            await opened.Touch("a", $"{i}");
        }
        Assert.InRange(await opened.Store.DoAsync(static d => d.Scalar("SELECT count(*) FROM changes")) ?? 0, 100, 300);
        await using var old = opened.Watch(first);
        Assert.Contains("too old resource version", (await Refused(410, () => old.NextAsync())).Message, StringComparison.Ordinal);
        await using var recent = opened.Watch(opened.Store.Version - 90);
        Assert.Equal(90, (await recent.TakeAsync(90)).Count);
    }

    /// <summary>What the log no longer holds is on the disk exactly as long as it is somebody's state, or the state before a change that the log holds.</summary>
    [Fact]
    public async Task ObjectsOlderThanTheLog_Stay_AndWhatTheyWereGoes()
    {
        await using (var opened = await OpenAsync(Options with { MaxChanges = 100 }))
        {
            await opened.Create("still", "as it was");
            await opened.Create("gone");
            await opened.Create("again", "before");
            for (var i = 0; i < 400; i++)
            {
                await opened.Touch("busy", $"{i}");
                if (i == 10)
                {
                    await opened.Client.DeleteAsync(Kinds.ConfigMap, new ObjectKey("facts", "gone"), new DeleteOptions());
                }
            }
            await opened.Touch("again", "after");
            var below = await opened.Store.DoAsync(static d => d.Scalar("SELECT count(*) FROM changes WHERE rv <= (SELECT value FROM meta WHERE name = 'compacted')"));
            Assert.Equal(4, below); // the namespace, "still", and what "again" and "busy" were before changes that are in the log
        }
        await using var later = await OpenAsync();
        Assert.Equal(["again after", "busy 399", "still as it was"],
            later.Client.Cache(Kinds.ConfigMap).List("facts").Select(o => $"{o.Metadata.Name} {o.Text("data", "key")}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Changes_AreBoundedInBytesToo()
    {
        const int Bound = 1_000_000;
        await using var opened = await OpenAsync(Options with { MaxChangeBytes = Bound, RecentChanges = 1 });
        var first = (await opened.Create("a")).Version;
        for (var i = 0; i < 60; i++)
        {
            await opened.Touch("a", new string((char)('a' + (i % 26)), 100_000));
        }
        Assert.InRange(await Bytes(opened), Bound / 2, Bound);
        await using var old = opened.Watch(first);
        await Refused(410, () => old.NextAsync());
        await using var recent = opened.Watch(opened.Store.Version - 5);
        Assert.Equal(5, (await recent.TakeAsync(5)).Count);

        await opened.DisposeAsync();
        await using var again = await OpenAsync(Options with { MaxChangeBytes = Bound / 4 });
        await again.Touch("b", "small");
        Assert.InRange(await Bytes(again), 1, Bound / 4);

        static async Task<long> Bytes(OpenedStore opened) => await opened.Store.DoAsync(static d => d.Scalar(
            "SELECT total(length(body)) FROM changes WHERE rv > (SELECT value FROM meta WHERE name = 'compacted')")) ?? 0;
    }

    /// <summary>Many changes, or few whose bytes are worth a checkpoint.</summary>
    [Theory]
    [InlineData(800, 1)]
    [InlineData(4, 1_000_000)]
    public async Task ALongLog_IsMovedIntoTheDatabase(int changes, int bytes)
    {
        await using var opened = await OpenAsync(Options with { CheckpointBytes = 2_000_000, LogBytes = 400_000 });
        for (var i = 0; i < changes; i++)
        {
            await opened.Touch($"m{i % 4}", new string((char)('a' + (i % 26)), bytes));
        }
        await Poll.UntilAsync(() => new FileInfo(_directory.Log).Length < 3_000_000); // of 4 MB and more that were written to it
    }

    /// <summary>The log starts over without being cut, whatever is written meanwhile: cutting it takes tens of milliseconds, in which no write ends.</summary>
    [Fact]
    public async Task ALog_UnderWritesWithoutAPause_StartsOver()
    {
        await using var opened = await OpenAsync(Options with { CheckpointBytes = 200_000, LogBytes = long.MaxValue });
        var before = Starts();
        await Task.WhenAll(Enumerable.Range(0, 8).Select(w => Task.Run(async () =>
        {
            for (var i = 0; i < 1500 && Starts() - before < 10; i++)
            {
                await opened.Touch($"m{w}", $"{i}");
            }
        })));
        Assert.True(Starts() - before >= 10, $"started over {Starts() - before} times");

        uint Starts() // SQLite, WAL file format: the checkpoint sequence number is the header's fourth word
        {
            using var log = new FileStream(_directory.Log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            Span<byte> header = stackalloc byte[16];
            log.ReadExactly(header);
            return System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(header[12..]);
        }
    }

    [Fact]
    public async Task Changes_Age()
    {
        var clock = new ManualTime();
        await using var opened = await OpenAsync(Options with { TimeProvider = clock, RecentChanges = 1 });
        var first = (await opened.Create("a")).Version;
        await opened.Touch("a", "1");
        clock.Advance(TimeSpan.FromHours(2));
        await opened.Touch("a", "2");
        await using var old = opened.Watch(first);
        await Refused(410, () => old.NextAsync());
    }

    /// <summary>What an object was before a change lies on the disk as long as the change does; a database of an older layout may lack it.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task SelectorWatch_KnowsWhatWasBeforeTheLog_OrExpires(bool lost)
    {
        await using var opened = await OpenAsync(Options with { MaxChanges = 20, RecentChanges = 1 });
        var first = await opened.Create("a");
        for (var i = 0; i < 200; i++)
        {
            await opened.Touch("b", $"{i}");
        }
        var from = opened.Store.Version;
        await opened.Touch("a", "x");
        await opened.Touch("b", "x");
        await using var watch = opened.Watch(from, "data.key=x");
        if (!lost)
        {
            Assert.Equal(["Added a", "Added b"], await watch.TakeAsync(2));
            return;
        }
        await opened.Store.DoAsync(d => d.Scalar($"DELETE FROM changes WHERE rv = {first.Version}"));
        await Refused(410, () => watch.NextAsync());
    }

    [Fact]
    public async Task SlowWatcher_IsCutOff()
    {
        await using var opened = await OpenAsync(Options with { WatchBuffer = 8 });
        var start = (await opened.Create("a")).Version;
        await using var watch = opened.Watch(start);
        await opened.Touch("a", "first");
        await watch.NextAsync();
        for (var i = 0; i < 20; i++)
        {
            await opened.Touch("a", $"{i}");
        }
        await watch.TakeAsync(8);
        await Refused(410, () => watch.NextAsync());
    }

    /// <summary>A bookmark says "all up to here was shown". One that came between the last buffered change and the 410 would skip what was dropped.</summary>
    [Fact]
    public async Task SlowWatcher_GetsNoBookmarkAboveWhatItMissed()
    {
        var clock = new ManualTime();
        await using var opened = await OpenAsync(Options with { WatchBuffer = 8, TimeProvider = clock });
        var start = await opened.Create("a");
        await using var watch = new WatchReader(ct =>
            opened.Client.WatchAsync(Kinds.ConfigMap, "facts", new WatchOptions { ResourceVersion = start.Metadata.ResourceVersion, AllowBookmarks = true }, ct));
        var waiting = watch.NextAsync(); // stands at the live end now, with its timer set
        await opened.Touch("a", "first");
        await waiting;
        for (var i = 0; i < 20; i++)
        {
            await opened.Touch("a", $"{i}");
        }
        clock.Advance(Options.BookmarkInterval);
        Assert.DoesNotContain("Bookmark", string.Join(',', await watch.TakeAsync(8)), StringComparison.Ordinal);
        await Refused(410, () => watch.NextAsync());
    }

    [Fact]
    public async Task QuietWatcher_GetsABookmarkAtEachInterval()
    {
        var clock = new ManualTime();
        await using var opened = await OpenAsync(Options with { TimeProvider = clock });
        var start = await opened.Create("a");
        await using var watch = new WatchReader(ct =>
            opened.Client.WatchAsync(Kinds.ConfigMap, "facts", new WatchOptions { ResourceVersion = start.Metadata.ResourceVersion, AllowBookmarks = true }, ct));
        for (var i = 0; i < 3; i++)
        {
            var waiting = watch.NextAsync();
            var other = await opened.Client.CreateAsync(Kinds.Lease, Lease($"l{i}"), Write);
            clock.Advance(Options.BookmarkInterval);
            var mark = await waiting;
            Assert.Equal(WatchEventType.Bookmark, mark.Type);
            Assert.Equal(other.Version, mark.Object.Version);
        }
    }

    [Fact]
    public async Task FullDisk_RefusesWrites_StaysReadable_AndRecovers()
    {
        var log = new LogLines();
        await using var opened = await OpenAsync(Options with { Logger = log });
        var kept = await opened.Create("kept");
        await opened.Store.DoAsync(static d => d.Scalar($"PRAGMA max_page_count={d.Scalar("PRAGMA page_count")}"));
        var refused = await Refused(507, async () =>
        {
            for (var i = 0; i < 200; i++)
            {
                await opened.Create($"m{i}", new string('x', 2000));
            }
        });
        Assert.Contains("full", refused.Message, StringComparison.Ordinal);
        await Refused(507, () => opened.Create("once-more", new string('x', 20_000)));
        Assert.StartsWith($"Error: The database in {_directory.Path} cannot be written", Assert.Single(log.Lines), StringComparison.Ordinal);
        Assert.True(kept.SameAs(await opened.Client.GetAsync(Kinds.ConfigMap, kept.Key)));
        var listed = (await opened.Client.ListAsync(Kinds.ConfigMap, null, ListOptions.All)).Items.Count;
        await opened.Store.DoAsync(static d => d.Scalar("PRAGMA max_page_count=1000000"));
        var later = await opened.Create("later");
        Assert.True(later.Version > kept.Version);
        Assert.EndsWith("can be written again; 2 writes were refused meanwhile", log.Lines[^1], StringComparison.Ordinal);
        Assert.Equal(listed + 1, opened.Client.Cache(Kinds.ConfigMap).List().Count);
        await using var watch = opened.Watch(kept.Version);
        Assert.Equal(listed, (await watch.TakeAsync(listed)).Count);
    }

    /// <summary>A template that an earlier version stored without today's defaults is not another one because its number changes: its pods would start again.</summary>
    [Fact]
    public async Task AScale_OfATemplateOfBefore_LeavesItAsItIs()
    {
        await using var opened = await OpenAsync();
        var made = await opened.Client.CreateAsync(Kinds.Deployment, Deployment("d"), Write);
        var former = made.With(tree => Assert.True(tree["spec"]!["template"]!["spec"]!.AsObject().Remove("dnsPolicy")));
        await opened.Store.WriteAsync(new StoreWrite
        {
            Table = opened.Store.Table(Kinds.Deployment), Action = StoreAction.Replace, Key = made.Key, Expected = made.Version, Next = former,
        });
        var template = former.Node("spec", "template")!.ToJsonString();
        await opened.Client.PatchAsync(Kinds.Deployment, made.Key, Merge("""{"spec":{"replicas":2}}"""), Scale);
        await RequireAsync("2", 2);
        var scale = new KubePatch(PatchType.Apply, """{"apiVersion":"autoscaling/v1","kind":"Scale","metadata":{"name":"d"},"spec":{"replicas":3}}"""u8.ToArray());
        await opened.Client.PatchAsync(Kinds.Deployment, made.Key, scale, Scale with { Force = true });
        await RequireAsync("3", 3);

        async Task RequireAsync(string replicas, int generation)
        {
            var now = await opened.Client.GetAsync(Kinds.Deployment, made.Key);
            Assert.Equal((replicas, generation, template), (now.Text("spec", "replicas"), now.Metadata.Generation, now.Node("spec", "template")!.ToJsonString()));
        }
    }

    [Fact]
    public async Task AContendedWrite_ThatGrowsTooLarge_IsRefused()
    {
        await using var opened = await OpenAsync();
        var stored = await opened.Create("a");
        var write = new StoreWrite
        {
            Table = opened.Store.Table(Kinds.ConfigMap), Action = StoreAction.Replace, Key = stored.Key, Expected = stored.Version - 1, Next = stored,
            Otherwise = present => present.With(tree => tree["data"]!["key"] = new string('x', ObjectSize.Most)),
        };
        await Refused(413, () => opened.Store.WriteAsync(write));
        Assert.True(stored.SameAs(await opened.Client.GetAsync(Kinds.ConfigMap, stored.Key)));
    }

    /// <summary>The writer's own thread hands in the second write while it works on the first, and sees in it whether the first is readable, that is committed.</summary>
    [Theory]
    [InlineData(true, true, true)]
    [InlineData(true, false, true)]
    [InlineData(false, false, true)]
    [InlineData(false, true, false)] // its transaction would not be synced
    public async Task AWriteThatComesMeanwhile_SharesTheTransaction(bool synced, bool secondSynced, bool shares)
    {
        await using var opened = await OpenAsync();
        var (a, b) = (await opened.Create("a"), await opened.Create("b"));
        await opened.Store.DoAsync(static _ => 0); // the transaction before is done with
        var table = opened.Store.Table(Kinds.ConfigMap);
        Task<WriteResult>? second = null;
        KubeObject? seen = null;
        var first = await opened.Store.WriteAsync(Replace(a, synced, present =>
        {
            second = opened.Store.WriteAsync(Replace(b, secondSynced, next =>
            {
                seen = table.Get(a.Key);
                return Changed(next);
            }));
            return Changed(present);
        }));
        Assert.Equal((WriteOutcome.Done, WriteOutcome.Done), (first.Outcome, (await second!).Outcome));
        Assert.Equal(shares ? a.Version : first.Object!.Version, seen!.Version);
        Assert.Equal(first.Object!.Version + 1, (await second).Object!.Version);

        StoreWrite Replace(KubeObject present, bool sync, Func<KubeObject, KubeObject?> otherwise) => new()
        {
            Table = table, Action = StoreAction.Replace, Key = present.Key, Expected = present.Version - 1, Next = present, Synced = sync, Otherwise = otherwise,
        };
        static KubeObject Changed(KubeObject present) => present.With(static tree => tree["data"]!["key"] = "changed");
    }

    [Fact]
    public async Task SyncedWrites_AreSynced_AndDerivedOnesAreNotWaitedFor()
    {
        await using var opened = await OpenAsync();
        await opened.Create("a");
        Assert.Equal(2, await opened.Store.DoAsync(static d => d.Scalar("PRAGMA synchronous")));
        await opened.Client.CreateAsync(Kinds.Lease, Lease("a"), Write);
        Assert.Equal(1, await opened.Store.DoAsync(static d => d.Scalar("PRAGMA synchronous")));
        await opened.Touch("a", "b");
        Assert.Equal(2, await opened.Store.DoAsync(static d => d.Scalar("PRAGMA synchronous")));
        await opened.Client.CreateAsync(Kinds.Deployment, Deployment("d"), Write);
        await opened.Client.PatchAsync(Kinds.Deployment, new ObjectKey("facts", "d"), Merge("""{"status":{"replicas":1}}"""), Status);
        Assert.Equal(1, await opened.Store.DoAsync(static d => d.Scalar("PRAGMA synchronous")));
        await opened.Client.PatchAsync(Kinds.Deployment, new ObjectKey("facts", "d"), Merge("""{"spec":{"replicas":2}}"""), Scale);
        Assert.Equal(2, await opened.Store.DoAsync(static d => d.Scalar("PRAGMA synchronous")));
        await opened.Client.PatchAsync(Kinds.Deployment, new ObjectKey("facts", "d"), Merge("""{"spec":{"replicas":3}}"""), WriteOptions.By("autoscaler", "scale"));
        Assert.Equal(1, await opened.Store.DoAsync(static d => d.Scalar("PRAGMA synchronous")));
    }

    [Fact]
    public async Task TooManyWaitingWrites_AreToldWhenToComeBack()
    {
        await using var opened = await OpenAsync();
        using var disk = new ManualResetEventSlim();
        var slow = opened.Store.DoAsync(_ => disk.Wait(TimeSpan.FromMinutes(1)));
        ApiException? refused = null;
        var waiting = new List<Task>();
        while (refused is null)
        {
            try
            {
                waiting.Add(opened.Store.DoAsync(static _ => 0));
            }
            catch (ApiException e)
            {
                refused = e;
            }
        }
        Assert.Equal((429, 1), (refused.Code, (int?)refused.Details?["retryAfterSeconds"]));
        disk.Set();
        await Task.WhenAll([slow, .. waiting]);
        await opened.Create("a");
    }

    [Fact]
    public async Task TheSecondHolder_IsToldAboutTheFirst()
    {
        await using var opened = await OpenAsync();
        var refused = await Assert.ThrowsAsync<DirectoryInUseException>(() => SqliteStore.OpenAsync(Options));
        Assert.Contains(Environment.ProcessId.ToString(CultureInfo.InvariantCulture), refused.Message, StringComparison.Ordinal);
        Assert.Contains(_directory.Path, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ANewerLayout_IsRefusedWithAdvice()
    {
        await using (var opened = await OpenAsync())
        {
            await opened.Store.DoAsync(static d => d.Scalar("PRAGMA user_version=99"));
        }
        var refused = await Assert.ThrowsAsync<StoreException>(() => SqliteStore.OpenAsync(Options));
        Assert.Contains("newer Serval", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ADamagedDatabase_IsOneClearError()
    {
        await File.WriteAllBytesAsync(SqliteStore.DatabasePath(_directory.Path), new byte[20_000].Select((_, i) => (byte)(i * 7)).ToArray());
        var refused = await Assert.ThrowsAsync<StoreException>(() => SqliteStore.OpenAsync(Options));
        Assert.Contains("damaged", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnUnreadableObject_IsNamed()
    {
        await using (var opened = await OpenAsync())
        {
            await opened.Create("victim");
            await opened.Store.DoAsync(static d =>
            {
                d.Execute("UPDATE changes SET body = x'7b22' WHERE rv = (SELECT rv FROM objects WHERE name = 'victim')");
                return 0;
            });
        }
        var refused = await Assert.ThrowsAsync<StoreException>(() => SqliteStore.OpenAsync(Options));
        Assert.Contains("facts/victim", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ADirectoryThatIsAFile_IsOneClearError()
    {
        var file = Path.Combine(_directory.Path, "file");
        await File.WriteAllTextAsync(file, "");
        var refused = await Assert.ThrowsAsync<StoreException>(() => SqliteStore.OpenAsync(Options with { Directory = file }));
        Assert.Contains("--data-dir", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AfterTheStop_WritesAreRefusedAndWatchesEnd()
    {
        var opened = await OpenAsync();
        await opened.Create("a");
        await using var watch = opened.Watch(null);
        await watch.NextAsync();
        var ended = watch.EndsAsync();
        await opened.DisposeAsync();
        Assert.True(await ended);
        await Refused(503, () => opened.Create("b"));
    }

    /// <summary>Secrets are in there: nobody else reads the database, what lies beside it, or a copy.</summary>
    [Fact]
    public async Task Files_AreTheirOwnersOnly()
    {
        const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        if (OperatingSystem.IsWindows())
        {
            return;
        }
        var path = SqliteStore.DatabasePath(Path.Combine(_directory.Path, "made"));
        string[] files = [path, path + "-wal", path + "-shm", path + ".backup"];
        await using (var opened = await OpenAsync(Options with { Directory = Path.GetDirectoryName(path) }))
        {
            await opened.Create("a");
            await StoreCopy.WriteAsync(Path.GetDirectoryName(path)!, path + ".backup");
            foreach (var file in files)
            {
                Assert.True(Private == File.GetUnixFileMode(file), $"{file} has mode {File.GetUnixFileMode(file)}");
            }
            Assert.Equal(Private | UnixFileMode.UserExecute, File.GetUnixFileMode(Path.GetDirectoryName(path)!));
            await opened.Store.AbandonAsync();
        }
        File.SetUnixFileMode(path, Private | UnixFileMode.OtherRead | UnixFileMode.GroupRead); // as an older version made it
        await using var again = await OpenAsync(Options with { Directory = Path.GetDirectoryName(path) });
        Assert.Equal(Private, File.GetUnixFileMode(path));
    }

    private StoreOptions Options => new() { Directory = _directory.Path };

    private Task<OpenedStore> OpenAsync(StoreOptions? options = null) => OpenedStore.OpenAsync(options ?? Options);

    /// <summary>What is logged, exceptions with their stacks.</summary>
    private sealed class LogLines : ILogger
    {
        public List<string> Lines { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Lines.Add($"{logLevel}: {formatter(state, exception)}{exception}");
    }
}
