using System.Diagnostics;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Serval.Api;
using Serval.ApiServer.Pipeline;
using Serval.ApiServer.Store;
using Serval.Kube;

namespace Serval.Bench;

/// <summary>
/// Objects through the whole pipeline, in process, in turn with the same bytes put into bare SQLite on the same disk: in rounds, so that what else
/// the machine does meets both.
/// </summary>
internal sealed class ApiStore(EmbeddedKubeClient client, SqlitePeer peer)
{
    private const int Bytes = 2000;
    private const int Wave = 64;
    private const int Rounds = 10;

    private static readonly WriteOptions s_write = new() { FieldManager = "bench", Durability = WriteDurability.Synced };

    /// <summary>The whole is done on other stores for so long first: the shipped program is compiled ahead of time, this one while it runs.</summary>
    private static readonly TimeSpan s_warm = TimeSpan.FromSeconds(8);

    private readonly Pair _one = new();
    private readonly Pair _many = new();
    private readonly Pair _updated = new();
    private readonly Pair _listed = new();

    internal static async Task RunAsync(BenchOptions options, Report report)
    {
        var warm = Stopwatch.StartNew();
        while (warm.Elapsed < s_warm)
        {
            await OnNewStoresAsync(bench => bench.MeasureAsync(options.Scaled(1000) / Rounds));
        }
        await OnNewStoresAsync(async bench =>
        {
            await bench.MeasureAsync(options.Scaled(1000) / Rounds);
            bench.Tell(report);
        });
    }

    private static async Task OnNewStoresAsync(Func<ApiStore, Task> run)
    {
        var directory = Directory.CreateTempSubdirectory("serval-bench-").FullName;
        try
        {
            await using var store = await SqliteStore.OpenAsync(new StoreOptions { Directory = Path.Combine(directory, "serval") });
            using var client = new EmbeddedKubeClient(store, TimeProvider.System, NullLoggerFactory.Instance);
            using var peer = new SqlitePeer(Path.Combine(directory, "peer.db"));
            await client.CreateAsync(Kinds.Namespace, Parse("""{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"default"}}"""), s_write);
            await run(new ApiStore(client, peer));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private async Task MeasureAsync(int count)
    {
        for (var round = 0; round < Rounds; round++)
        {
            var stored = await CreateAsync(_one, $"one-{round}", count, 1);
            _one.Peer(() => Put(stored, 1));
            stored = await CreateAsync(_many, $"many-{round}", count, Wave);
            _many.Peer(() => Put(stored, Wave));
            stored = await WriteAsync(_updated, [.. stored.Select(o => o.With(t => t["data"]!["t"] = "1"))], Wave, o => client.UpdateAsync(Kinds.ConfigMap, o, s_write));
            _updated.Peer(() => Put(stored, Wave));
        }
        for (var round = 0; round < Rounds; round++)
        {
            await _listed.OursAsync(() => client.ListAsync(Kinds.ConfigMap, "default", ListOptions.All));
            _listed.Peer(() => peer.List());
        }
        (_one.Count, _many.Count, _updated.Count) = (count, count, count);
    }

    private void Tell(Report report)
    {
        _one.Tell(report, "create, one by one");
        _many.Tell(report, $"create, {Wave} at a time");
        _updated.Tell(report, $"update, {Wave} at a time");
        _listed.Tell(report, "list of all");
    }

    private Task<List<KubeObject>> CreateAsync(Pair pair, string prefix, int count, int wave) => WriteAsync(
        pair, [.. Enumerable.Range(0, count).Select(i => Parse(Api.ConfigMap($"{prefix}-{i}", Bytes)))], wave, o => client.CreateAsync(Kinds.ConfigMap, o, s_write));

    /// <summary>Writes in waves what was made beforehand; gives what was stored.</summary>
    private static async Task<List<KubeObject>> WriteAsync(Pair pair, KubeObject[] objects, int wave, Func<KubeObject, Task<KubeObject>> write)
    {
        var stored = new List<KubeObject>(objects.Length);
        await pair.OursAsync(async () =>
        {
            foreach (var batch in objects.Chunk(wave))
            {
                stored.AddRange(await Task.WhenAll(batch.Select(write)));
            }
        });
        return stored;
    }

    private void Put(List<KubeObject> objects, int wave)
    {
        foreach (var batch in objects.Chunk(wave))
        {
            peer.Put(batch.Select(o => (o.Metadata.Name, o.Json)));
        }
    }

    private static KubeObject Parse(string json) => KubeObject.Parse(Encoding.UTF8.GetBytes(json));

    /// <summary>Wall and processor time of the two, a sample a round, in milliseconds.</summary>
    private sealed class Pair
    {
        private readonly List<double> _ours = [];
        private readonly List<double> _oursCpu = [];
        private readonly List<double> _peer = [];
        private readonly List<double> _peerCpu = [];

        /// <summary>Objects a round.</summary>
        public int Count { get; set; } = 1;

        public async Task OursAsync(Func<Task> run)
        {
            var (clock, cpu) = (Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime);
            await run();
            _ours.Add(Stopwatch.GetElapsedTime(clock).TotalMilliseconds);
            _oursCpu.Add((Environment.CpuUsage.TotalTime - cpu).TotalMilliseconds);
        }

        public void Peer(Action run)
        {
            var (clock, cpu) = (Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime);
            run();
            _peer.Add(Stopwatch.GetElapsedTime(clock).TotalMilliseconds);
            _peerCpu.Add((Environment.CpuUsage.TotalTime - cpu).TotalMilliseconds);
        }

        public void Tell(Report report, string what)
        {
            report.Samples($"{what}: serval", _ours, "ms a round");
            report.Samples($"{what}: SQLite", _peer, "ms a round");
            report.AtMost($"{what}: time beside bare SQLite", Statistics.Median(_ours) / Statistics.Median(_peer), "x", 2.5);
            report.Info($"{what}: time each", Statistics.Median(_ours) / Count * 1000, "µs");
            report.Info($"{what}: CPU each, serval", Statistics.Median(_oursCpu) / Count * 1000, "µs");
            report.Info($"{what}: CPU each, SQLite", Statistics.Median(_peerCpu) / Count * 1000, "µs");
        }
    }
}
