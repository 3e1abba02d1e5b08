using System.Collections.Concurrent;
using Serval.Api;
using Serval.ApiServer.Store;
using Serval.Kube;
using Serval.Kube.Remote;
using static Serval.StoreConformance.Objects;

namespace Serval.StoreConformance;

/// <summary>
/// A cache over HTTPS whose connections are cut again and again, while four own writers and two strangers write and the server forgets changes
/// soon enough for watches to be refused with 410.
/// </summary>
public sealed class RemoteCacheTests : IAsyncLifetime
{
    private ServedStore _server = null!;
    private CutLine _line = null!;
    private HttpKubeClient _client = null!;

    public async Task InitializeAsync()
    {
        _server = await ServedStore.OpenAsync(new StoreOptions { MaxChanges = 20, RecentChanges = 5 });
        _line = new CutLine(_server.Port);
        _client = ServedStore.Connect(_server.Access with { Server = new Uri($"https://127.0.0.1:{_line.Port}") }, new HurriedTime());
    }

    public async Task DisposeAsync()
    {
        await _client.DisposeAsync();
        await _line.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Cache_WhileConnectionsAreCut_ShowsOwnWritesAndAgreesInTheEnd(int seed)
    {
        var cache = _client.Cache(Kinds.ConfigMap);
        await cache.WaitForSyncAsync();
        var story = new Story();
        using (cache.Subscribe(story.Tell))
        {
            var own = Enumerable.Range(0, 4).Select(w => Task.Run(() => WriteAsync(_client, $"own{w}", new Random((seed * 100) + w), 60, cache)));
            var strangers = Enumerable.Range(0, 2).Select(w => Task.Run(() => WriteAsync(_server.Embedded, $"other{w}", new Random((seed * 100) + 50 + w), 150, cache: null)));
            var writers = Task.WhenAll([.. own, .. strangers]);
            using var pause = new PeriodicTimer(TimeSpan.FromMilliseconds(40));
            while (!writers.IsCompleted && await pause.WaitForNextTickAsync())
            {
                _line.Cut();
            }
            await writers;
            Assert.True(_line.Cuts > 5, $"seed {seed}: only {_line.Cuts} connections were cut");
            // The last of a list, too: a cache that lists anew shows what it has read object by object.
            await _server.Embedded.CreateAsync(Kinds.ConfigMap, ConfigMap("zz-end"), Write);
            await Poll.UntilAsync(() => cache.Get(new ObjectKey("facts", "zz-end")) is not null);
            Assert.Equal(Versions(_server.Embedded.Cache(Kinds.ConfigMap)), Versions(cache));
            Assert.Equal(Versions(cache), story.Versions());
        }
    }

    [Fact]
    public async Task Cache_OfAFieldSelector_HoldsNoOthers_AlsoWhenItReadsAnew()
    {
        var client = ServedStore.Connect(_server.Access with { Server = new Uri($"https://127.0.0.1:{_line.Port}") }, new HurriedTime());
        await using (client)
        {
            client.Select(Kinds.ConfigMap, "metadata.name=mine");
            await _server.Embedded.CreateAsync(Kinds.ConfigMap, ConfigMap("theirs"), Write);
            await _server.Embedded.CreateAsync(Kinds.ConfigMap, ConfigMap("mine"), Write);
            var cache = client.Cache(Kinds.ConfigMap);
            var names = new ConcurrentQueue<string>();
            using var all = cache.Subscribe(c => names.Enqueue(c.New.Metadata.Name));
            await cache.WaitForSyncAsync();
            for (var round = 0; round < 30; round++)
            {
                await _server.Embedded.CreateAsync(Kinds.ConfigMap, ConfigMap($"theirs-{round}"), Write); // more than the server remembers
            }
            await client.DeleteAsync(Kinds.ConfigMap, new ObjectKey("facts", "mine"), DeleteOptions.Background);
            Assert.Null(cache.Get(new ObjectKey("facts", "mine")));
            _line.Cut();
            await _server.Embedded.CreateAsync(Kinds.ConfigMap, ConfigMap("mine", "again"), Write);
            await Poll.UntilAsync(() => cache.List("facts") is [{ Metadata.Name: "mine" }]);
            Assert.Equal(["mine"], names.Distinct());
        }
    }

    private static List<string> Versions(IObjectCache cache) => [.. cache.List("facts").Select(o => $"{o.Metadata.Name} {o.Version}").Order(StringComparer.Ordinal)];

    // Three names of its own each. What becomes of a write whose connection broke, and when, nobody knows: the writer goes on with another name.
    private static async Task WriteAsync(IKubeClient client, string prefix, Random random, int rounds, IObjectCache? cache)
    {
        var broken = 0;
        for (var round = 0; round < rounds; round++)
        {
            var key = new ObjectKey("facts", $"{prefix}-{random.Next(3)}-{broken}");
            try
            {
                KubeObject? written;
                switch (random.Next(4))
                {
                    case 0:
                        written = await client.CreateAsync(Kinds.ConfigMap, ConfigMap(key.Name, $"{round}"), Write);
                        break;
                    case 1:
                        await client.DeleteAsync(Kinds.ConfigMap, key, DeleteOptions.Background);
                        written = null;
                        break;
                    default:
                        written = await client.PatchAsync(Kinds.ConfigMap, key, Merge($$$"""{"data":{"key":"{{{round}}}"}}"""), Write);
                        break;
                }
                Assert.True(cache is null || cache.Get(key)?.Version == written?.Version, $"{key} is not what was written");
            }
            catch (ApiException e) when (e.Code is 404 or 409 or 503)
            {
                broken += e.Code == 503 ? 1 : 0; // else it is not there, or there already
            }
        }
    }

    /// <summary>Checks that what a subscriber hears of each object makes sense and only goes forward.</summary>
    private sealed class Story
    {
        private readonly ConcurrentDictionary<ObjectKey, KubeObject> _present = [];

        public void Tell(CacheChange change)
        {
            var (key, before) = (change.New.Key, _present.GetValueOrDefault(change.New.Key));
            Assert.Equal(change.Type == WatchEventType.Added, before is null);
            Assert.Same(change.Old, before);
            Assert.True(before is null || change.New.Metadata.Uid == before.Metadata.Uid);
            if (change.Type == WatchEventType.Deleted)
            {
                _present.TryRemove(key, out _);
                return;
            }
            Assert.True(before is null || change.New.Version > before.Version);
            _present[key] = change.New;
        }

        public List<string> Versions() => [.. _present.Values.Select(o => $"{o.Metadata.Name} {o.Version}").Order(StringComparer.Ordinal)];
    }
}
