namespace Serval.Bench;

/// <summary>What the API costs beside bare SQLite and etcd, how soon a watcher hears of a write, and what quiet watchers take.</summary>
internal static class Api
{
    internal const string ConfigMaps = "/api/v1/namespaces/default/configmaps";

    internal static async Task RunAsync(BenchOptions options, Report report)
    {
        (string Name, Func<BenchOptions, Report, Task> Run)[] parts =
            [("store", ApiStore.RunAsync), ("etcd", ApiEtcd.RunAsync), ("latency", ApiWatches.LatencyAsync), ("quiet", ApiWatches.QuietAsync)];
        foreach (var part in parts.Where(p => options.Runs(p.Name)))
        {
            report.Step(part.Name);
            await part.Run(options, report);
        }
    }

    /// <summary>A ConfigMap of about this many bytes.</summary>
    internal static string ConfigMap(string name, int bytes) =>
        $$$"""{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"{{{name}}}","namespace":"default","labels":{"half":"{{{name[^1] & 1}}}"}},"data":{"t":"0","text":"{{{new string('x', bytes)}}}"}}""";
}
