using System.Collections.Concurrent;
using Microsoft.Extensions.Logging.Abstractions;
using Serval.Api;
using Serval.ApiServer.Pipeline;
using Serval.ApiServer.Store;
using Serval.Kube;
using static Serval.StoreConformance.Samples;

namespace Serval.StoreConformance;

/// <summary>Random writers and watchers over crashes: acknowledged writes stay, watchers resume without gap or repetition.</summary>
public sealed class CrashModelTests : IDisposable
{
    private const int Crashes = 2;
    private const string LastName = "the-last";
    private static readonly ResourceKind[] s_kinds = [Kinds.ConfigMap, Kinds.Pod, Kinds.Lease];

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("serval-crash-");

    /// <summary>Acknowledged writes by version; a null state is a deletion.</summary>
    private readonly ConcurrentDictionary<long, (ResourceKind Kind, ObjectKey Key, KubeObject? State)> _acknowledged = [];

    public void Dispose() => _directory.Delete(recursive: true);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public async Task RandomWritesAndCrashes_KeepTheModel(int seed)
    {
        try
        {
            await RunAsync(seed);
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"seed {seed}: {e.Message}", e);
        }
    }

    private async Task RunAsync(int seed)
    {
        ModelWatcher[] watchers = [.. s_kinds.SelectMany((k, i) => (ModelWatcher[])[new(k, "", (seed * 100) + i), new(k, "color=red", (seed * 100) + 50 + i)])];
        for (var round = 0; round <= Crashes; round++)
        {
            var highest = _acknowledged.IsEmpty ? 0 : _acknowledged.Keys.Max();
            await using var store = await SqliteStore.OpenAsync(new StoreOptions { Directory = _directory.FullName, RecentChanges = 8, VersionBlock = 50, CheckpointPages = 20 });
            using var client = new EmbeddedKubeClient(store, TimeProvider.System, NullLoggerFactory.Instance);
            Assert.True(store.Version >= highest, $"version {store.Version} after the crash is older than {highest} before");
            CheckModel(store);
            if (round == 0)
            {
                await client.CreateAsync(Kinds.Namespace, Namespace("default"), Plain);
            }
            var enough = new TaskCompletionSource();
            var goal = _acknowledged.Count + 80;
            var watching = watchers.Select(w => Task.Run(() => w.RunAsync(client, LastName))).ToArray();
            var writing = Enumerable.Range(0, 4)
                .Select(w => Task.Run(() => WriteAsync(client, new Random((seed * 1000) + (round * 10) + w), goal, enough))).ToArray();
            await Task.WhenAny(enough.Task, Task.WhenAll(writing));
            if (round < Crashes)
            {
                await store.AbandonAsync();
                await Task.WhenAll(writing);
                await Task.WhenAll(watching);
                continue;
            }
            await Task.WhenAll(writing);
            foreach (var kind in s_kinds)
            {
                await client.CreateAsync(kind, Blank(kind, LastName).Labeled("red", 0), Plain);
            }
            await Task.WhenAll(watching);
            CheckModel(store);
            Assert.All(watchers, w => w.CheckAgainst(store.Cache(w.Kind).List()));
        }
    }

    private async Task WriteAsync(EmbeddedKubeClient client, Random random, int goal, TaskCompletionSource enough)
    {
        for (var i = 0; i < 120; i++)
        {
            var kind = s_kinds[random.Next(s_kinds.Length)];
            var key = Key($"k{random.Next(4)}");
            try
            {
                var (state, deleted) = await StepAsync(client, kind, key, random, i);
                _acknowledged.TryAdd(state.Version, (kind, key, deleted ? null : state));
            }
            catch (ApiException e) when (e.Code is 404 or 409)
            {
                // another writer was faster
            }
            catch (ApiException e) when (e.Code == 503)
            {
                return; // the crash
            }
            if (_acknowledged.Count >= goal)
            {
                enough.TrySetResult();
            }
        }
    }

    private static async Task<(KubeObject State, bool Deleted)> StepAsync(EmbeddedKubeClient client, ResourceKind kind, ObjectKey key, Random random, int number)
    {
        var color = random.Next(2) == 0 ? "red" : "blue";
        switch (random.Next(6))
        {
            case 0 or 1:
                return (await client.CreateAsync(kind, Blank(kind, key.Name).Labeled(color, number), Plain), false);
            case 2 or 3:
                var present = await client.GetAsync(kind, key);
                return (await client.UpdateAsync(kind, present.Labeled(color, number), Plain), false);
            case 4:
                var patch = Patch(PatchType.Merge, $$$"""{"metadata":{"labels":{"color":"{{{color}}}","n":"{{{number}}}"} } }""");
                return (await client.PatchAsync(kind, key, patch, Plain), false);
            default:
                return (await client.DeleteAsync(kind, key, DeleteOptions.Background), true);
        }
    }

    private void CheckModel(SqliteStore store)
    {
        foreach (var history in _acknowledged.GroupBy(w => (w.Value.Kind, w.Value.Key)))
        {
            var (version, (kind, key, expected)) = history.MaxBy(w => w.Key);
            var found = store.Cache(kind).Get(key);
            if (found is not null && found.Version > version)
            {
                continue; // stored, but the crash came before the answer
            }
            Assert.True(expected is null ? found is null : found is not null && found.SameAs(expected),
                $"{kind} {key}: acknowledged at version {version} as {(expected is null ? "deleted" : "present")}, found {found?.Version.ToString() ?? "nothing"}");
        }
    }

    private static KubeObject Blank(ResourceKind kind, string name) => kind == Kinds.Pod ? Pod(name) : kind == Kinds.Lease ? Lease(name) : ConfigMap(name);
}
