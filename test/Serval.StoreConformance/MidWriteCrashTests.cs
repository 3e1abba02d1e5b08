using Serval.Api;
using Serval.ApiServer.Store;
using Serval.Kube;
using Xunit.Abstractions;
using static Serval.StoreConformance.Objects;

namespace Serval.StoreConformance;

/// <summary>
/// Random writers and watchers over several lives of a store. Each life ends in a crash: the files are copied while writes are under way
/// and the process state is dropped. A model of what was acknowledged says what the next life must show.
/// </summary>
public sealed class MidWriteCrashTests(ITestOutputHelper output)
{
    private const int Lives = 4;
    private const int Writers = 4;
    private const int WritesBeforeTheCrash = 60;

    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    [InlineData(13)]
    [InlineData(14)]
    public async Task NothingAcknowledgedIsLost_NothingSeenIsRepeated(int seed)
    {
        output.WriteLine($"seed {seed}");
        var directory = new ScratchDirectory();
        var watched = new List<WatchEvent>(); // the whole story as one watcher saw it, over all lives
        for (var life = 0; life < Lives; life++)
        {
            var next = await LiveAsync(directory, new Random((seed * 100) + life), watched, $"seed {seed}, life {life}");
            directory.Dispose();
            directory = next;
        }
        directory.Dispose();
    }

    private static async Task<ScratchDirectory> LiveAsync(ScratchDirectory directory, Random random, List<WatchEvent> watched, string what)
    {
        await using var opened = await OpenedStore.OpenAsync(new StoreOptions
        {
            Directory = directory.Path, CheckpointPages = 0, VersionBlock = 500, RecentChanges = random.Next(2) == 0 ? 8 : 1024,
        });
        await CatchUpAsync(opened, watched, what);
        var acknowledged = new List<(long Version, WatchEventType Type, KubeObject Object)>();
        using var crashed = new CancellationTokenSource();
        var enough = new TaskCompletionSource();
        var seeds = Enumerable.Range(0, Writers).Select(_ => random.Next()).ToArray();
        var writers = seeds.Select(s => Task.Run(() => WriteAsync(opened, new Random(s), acknowledged, enough, crashed))).ToArray();
        await enough.Task;
        List<(long Version, WatchEventType Type, KubeObject Object)> before;
        lock (acknowledged)
        {
            before = [.. acknowledged];
        }
        var copy = directory.CopyDatabase();
        await crashed.CancelAsync();
        await Task.WhenAll(writers);
        await opened.Store.AbandonAsync();

        await using var after = await OpenedStore.OpenAsync(new StoreOptions { Directory = copy.Path, CheckpointPages = 0, VersionBlock = 500 });
        await CatchUpAsync(after, watched, what);
        var seen = watched.ToDictionary(e => e.Object.Version);
        foreach (var (version, type, obj) in before)
        {
            Assert.True(seen.TryGetValue(version, out var shown), $"{what}: {obj} was acknowledged at {version} and is in no event");
            Assert.True(shown.Type == type && shown.Object.SameAs(obj), $"{what}: {obj} at {version} was shown as {shown.Type}, acknowledged as {type}");
        }
        await after.Store.AbandonAsync();
        return copy;
    }

    private static async Task WriteAsync(
        OpenedStore opened, Random random, List<(long Version, WatchEventType Type, KubeObject Object)> acknowledged, TaskCompletionSource enough, CancellationTokenSource crashed)
    {
        while (!crashed.IsCancellationRequested)
        {
            try
            {
                var key = new ObjectKey("facts", $"m{random.Next(10)}");
                var present = opened.Client.Cache(Kinds.ConfigMap).Get(key);
                var (type, stored) = present is null
                    ? (WatchEventType.Added, await opened.Create(key.Name, $"{random.Next()}"))
                    : random.Next(4) == 0
                        ? (WatchEventType.Deleted, await opened.Client.DeleteAsync(Kinds.ConfigMap, key, DeleteOptions.Background))
                        : (WatchEventType.Modified, await opened.Client.UpdateAsync(Kinds.ConfigMap,
                            present.With(t => t["data"]!["key"] = $"{random.Next()}"), random.Next(2) == 0 ? Write : Write with { Durability = WriteDurability.Derived }));
                lock (acknowledged)
                {
                    acknowledged.Add((stored.Version, type, stored));
                    if (acknowledged.Count >= WritesBeforeTheCrash)
                    {
                        enough.TrySetResult();
                    }
                }
            }
            catch (ApiException e) when (e.IsConflict || e.IsAlreadyExists || e.IsNotFound)
            {
                // another writer was first: nothing was acknowledged
            }
        }
    }

    /// <summary>Resumes the one watch where it was, up to now, and checks that the story still adds up to the state.</summary>
    private static async Task CatchUpAsync(OpenedStore opened, List<WatchEvent> watched, string what)
    {
        var end = await opened.Touch("marker", $"{opened.Store.Version}");
        await using (var watch = opened.Watch(watched.Count == 0 ? null : watched[^1].Object.Version))
        {
            do
            {
                watched.Add(await watch.NextAsync());
            }
            while (watched[^1].Object.Version < end.Version);
        }
        var model = new Dictionary<string, KubeObject>();
        long last = 0;
        foreach (var (type, obj) in watched)
        {
            Assert.True(obj.Version > last, $"{what}: version {obj.Version} after {last}");
            last = obj.Version;
            var known = model.ContainsKey(obj.Metadata.Name);
            Assert.True(known == (type != WatchEventType.Added), $"{what}: {type} {obj} at {obj.Version} does not follow from what was before");
            if (type == WatchEventType.Deleted)
            {
                model.Remove(obj.Metadata.Name);
            }
            else
            {
                model[obj.Metadata.Name] = obj;
            }
        }
        var list = await opened.Client.ListAsync(Kinds.ConfigMap, "facts", ListOptions.All);
        Assert.Equal(list.Items.Select(o => o.Version).Order(), model.Values.Select(o => o.Version).Order());
    }
}
