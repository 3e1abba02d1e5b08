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
        Story[] stories = [new(""), new("color=red")];
        for (var life = 0; life < Lives; life++)
        {
            var next = await LiveAsync(directory, new Random((seed * 100) + life), stories, $"seed {seed}, life {life}");
            directory.Dispose();
            directory = next;
        }
        directory.Dispose();
    }

    private static async Task<ScratchDirectory> LiveAsync(ScratchDirectory directory, Random random, Story[] stories, string what)
    {
        await using var opened = await OpenedStore.OpenAsync(new StoreOptions
        {
            Directory = directory.Path, CheckpointBytes = 0, VersionBlock = 500, RecentChanges = random.Next(2) == 0 ? 8 : 1024,
        });
        await CatchUpAsync(opened, stories, what);
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

        await using var after = await OpenedStore.OpenAsync(new StoreOptions { Directory = copy.Path, CheckpointBytes = 0, VersionBlock = 500 });
        await CatchUpAsync(after, stories, what);
        var seen = stories[0].Events.ToDictionary(e => e.Object.Version);
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
                var next = ConfigMap(key.Name, $"{random.Next()}", labels: $$"""{"color":"{{(random.Next(2) == 0 ? "red" : "blue")}}"}""");
                var (type, stored) = present is null
                    ? (WatchEventType.Added, await opened.Client.CreateAsync(Kinds.ConfigMap, next, Write))
                    : random.Next(4) == 0
                        ? (WatchEventType.Deleted, await opened.Client.DeleteAsync(Kinds.ConfigMap, key, DeleteOptions.Background))
                        : (WatchEventType.Modified, await opened.Client.UpdateAsync(Kinds.ConfigMap,
                            next.WithVersion(present.Version), random.Next(2) == 0 ? Write : Write with { Durability = WriteDurability.Derived }));
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

    /// <summary>Resumes each watch where it was, up to now, and checks that its story still adds up to the state.</summary>
    private static async Task CatchUpAsync(OpenedStore opened, Story[] stories, string what)
    {
        var marker = ConfigMap("marker", $"{opened.Store.Version}", labels: """{"color":"red"}""");
        var end = opened.Client.Cache(Kinds.ConfigMap).Get(marker.Key) is null
            ? await opened.Client.CreateAsync(Kinds.ConfigMap, marker, Write)
            : await opened.Client.UpdateAsync(Kinds.ConfigMap, marker, Write);
        foreach (var story in stories)
        {
            await story.CatchUpAsync(opened, end.Version, what);
            var list = await opened.Client.ListAsync(Kinds.ConfigMap, "facts", ListOptions.All with { LabelSelector = story.Labels });
            Assert.Equal(list.Items.Select(o => o.Version).Order(), story.Model(what).Select(o => o.Version).Order());
        }
    }

    /// <summary>All that one watch saw, over all lives.</summary>
    private sealed class Story(string labels)
    {
        public string Labels => labels;

        public List<WatchEvent> Events { get; } = [];

        public async Task CatchUpAsync(OpenedStore opened, long end, string what)
        {
            await using var watch = opened.Watch(Events.Count == 0 ? null : Events[^1].Object.Version, labels: labels);
            do
            {
                var last = Events.Count == 0 ? 0 : Events[^1].Object.Version;
                Events.Add(await watch.NextAsync());
                Assert.True(Events[^1].Object.Version > last, $"{what} [{labels}]: version {Events[^1].Object.Version} after {last}");
            }
            while (Events[^1].Object.Version < end);
        }

        /// <summary>What must be there after all these events; each must follow from those before.</summary>
        public IEnumerable<KubeObject> Model(string what)
        {
            var model = new Dictionary<string, KubeObject>();
            foreach (var (type, obj) in Events)
            {
                var known = model.Remove(obj.Metadata.Name);
                Assert.True(known == (type != WatchEventType.Added), $"{what} [{labels}]: {type} {obj} at {obj.Version} does not follow from what was before");
                if (type != WatchEventType.Deleted)
                {
                    model[obj.Metadata.Name] = obj;
                }
            }
            return model.Values;
        }
    }
}
