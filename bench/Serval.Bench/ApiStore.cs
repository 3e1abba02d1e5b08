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
internal sealed class ApiStore(EmbeddedKubeClient client, SqlitePeer peer, Report report)
{
    private const int Bytes = 2000;
    private const int Wave = 64;
    private const int Rounds = 10;

    private static readonly WriteOptions s_write = new() { FieldManager = "bench", Durability = WriteDurability.Synced };

    private readonly List<KubeObject> _stored = [];

    internal static async Task RunAsync(BenchOptions options, Report report)
    {
        var directory = Directory.CreateTempSubdirectory("serval-bench-").FullName;
        try
        {
            await using var store = await SqliteStore.OpenAsync(new StoreOptions { Directory = Path.Combine(directory, "serval") });
            using var client = new EmbeddedKubeClient(store, TimeProvider.System, NullLoggerFactory.Instance);
            using var peer = new SqlitePeer(Path.Combine(directory, "peer.db"));
            await client.CreateAsync(Kinds.Namespace, Parse("""{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"default"}}"""), s_write);
            var bench = new ApiStore(client, peer, report);
            await bench.WarmAsync();
            await bench.RunAsync(options.Scaled(1000) / Rounds);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private async Task WarmAsync()
    {
        await CreateAsync("warm", 200, Wave);
        Put(_stored, Wave);
        _stored.Clear();
    }

    private async Task RunAsync(int count)
    {
        var one = new Pair();
        var many = new Pair();
        var updated = new Pair();
        for (var round = 0; round < Rounds; round++)
        {
            _stored.Clear();
            await one.OursAsync(() => CreateAsync($"one-{round}", count, 1));
            one.Peer(() => Put(_stored, 1));
            _stored.Clear();
            await many.OursAsync(() => CreateAsync($"many-{round}", count, Wave));
            many.Peer(() => Put(_stored, Wave));
            await updated.OursAsync(UpdateAsync);
            updated.Peer(() => Put(_stored, Wave));
        }
        var listed = new Pair();
        for (var round = 0; round < Rounds; round++)
        {
            await listed.OursAsync(() => client.ListAsync(Kinds.ConfigMap, "default", ListOptions.All));
            listed.Peer(() => peer.List());
        }
        one.Tell(report, "create, one by one", count);
        many.Tell(report, $"create, {Wave} at a time", count);
        updated.Tell(report, $"update, {Wave} at a time", count);
        listed.Tell(report, "list of all", 1);
    }

    private async Task CreateAsync(string prefix, int count, int wave)
    {
        foreach (var batch in Enumerable.Range(0, count).Select(i => Parse(Api.ConfigMap($"{prefix}-{i}", Bytes))).Chunk(wave))
        {
            _stored.AddRange(await Task.WhenAll(batch.Select(o => client.CreateAsync(Kinds.ConfigMap, o, s_write))));
        }
    }

    private async Task UpdateAsync()
    {
        var before = _stored.ToArray();
        _stored.Clear();
        foreach (var batch in before.Select(o => o.With(t => t["data"]!["t"] = "1")).Chunk(Wave))
        {
            _stored.AddRange(await Task.WhenAll(batch.Select(o => client.UpdateAsync(Kinds.ConfigMap, o, s_write))));
        }
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

        public void Tell(Report report, string what, int count)
        {
            report.Samples($"{what}: serval", _ours, "ms a round");
            report.Samples($"{what}: SQLite", _peer, "ms a round");
            report.AtMost($"{what}: time beside bare SQLite", Statistics.Median(_ours) / Statistics.Median(_peer), "x", 2.5);
            report.Info($"{what}: time each", Statistics.Median(_ours) / count * 1000, "µs");
            report.Info($"{what}: CPU each, serval", Statistics.Median(_oursCpu) / count * 1000, "µs");
            report.Info($"{what}: CPU each, SQLite", Statistics.Median(_peerCpu) / count * 1000, "µs");
        }
    }
}
