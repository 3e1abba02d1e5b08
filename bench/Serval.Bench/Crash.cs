using System.Collections.Concurrent;
using Serval.Testing;

namespace Serval.Bench;

/// <summary>
/// <c>kill -9</c> in the middle of 200 applies, again and again: after the restart every acknowledged object is there, its service answers,
/// and no child of the killed process is left.
/// </summary>
internal static class Crash
{
    internal static async Task RunAsync(BenchOptions options, Report report)
    {
        var ct = CancellationToken.None;
        const int seed = 42;
        var random = new Random(seed);
        var rounds = options.Scaled(20);
        int lost = 0, silent = 0, orphans = 0, acknowledgedTotal = 0;
        for (var round = 0; round < rounds; round++)
        {
            var data = Directory.CreateTempSubdirectory("serval-crash-").FullName;
            var (acknowledged, children) = await ApplyAndKillAsync(data, random.Next(20, 181), round, ct);
            acknowledgedTotal += acknowledged.Count;
            await using (var serval = await ServalProcess.UpAsync(data, ct))
            {
                orphans += children.Count(Processes.IsAlive);
                var there = (await serval.Api.GetAsync(Services.Path))["items"]!.AsArray().Select(i => (string)i!["metadata"]!["name"]!).ToHashSet();
                lost += acknowledged.Count(n => !there.Contains(n));
                foreach (var name in acknowledged.Where(there.Contains))
                {
                    var answer = await AnswerAsync(serval, name, ct);
                    silent += answer == 200 ? 0 : 1;
                }
            }
            Directory.Delete(data, recursive: true);
            report.Step($"round {round + 1} of {rounds} (seed {seed}): {acknowledged.Count} acknowledged, {lost} lost, {silent} silent, {orphans} orphans so far");
        }
        report.Info("objects acknowledged before the kills", acknowledgedTotal, "objects");
        report.AtMost("acknowledged objects lost", lost, "objects", 0);
        report.AtMost("acknowledged services that do not answer", silent, "services", 0);
        report.AtMost("children left over", orphans, "processes", 0);
    }

    private static async Task<(ConcurrentBag<string> Acknowledged, List<(int Pid, string Started)> Children)> ApplyAndKillAsync(string data, int killAfter, int round, CancellationToken ct)
    {
        var serval = await ServalProcess.UpAsync(data, ct);
        await Programs.AddNativeAsync(serval);
        var acknowledged = new ConcurrentBag<string>();
        var killed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var children = new List<(int Pid, string Started)>();
        var applies = Parallel.ForEachAsync(Enumerable.Range(0, 200), new ParallelOptions { MaxDegreeOfParallelism = 16, CancellationToken = ct }, async (i, _) =>
        {
            var name = $"c{round}-{i}";
            try
            {
                await serval.Api.PostAsync(Services.Path, Services.Manifest(name, Programs.Native, Programs.NativeArguments, atZero: false));
                acknowledged.Add(name);
                if (acknowledged.Count >= killAfter)
                {
                    killed.TrySetResult();
                }
            }
            catch (Exception e) when (e is HttpRequestException or IOException)
            {
                // the kill came between the request and its answer: not acknowledged
            }
        });
        await killed.Task;
        children.AddRange(Processes.ChildrenOf(serval.Pid).Select(Processes.Identify));
        await serval.KillAsync();
        await applies;
        serval.Api.Dispose();
        return (acknowledged, children);
    }

    private static async Task<int> AnswerAsync(ServalProcess serval, string name, CancellationToken ct)
    {
        // The restarted controllers may not have programmed the route yet: ask again until it is there, within a bound.
        var until = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var (code, _) = await serval.InvokeAsync(name, ct: ct);
            if (code == 200 || TimeProvider.System.GetElapsedTime(until) > TimeSpan.FromSeconds(20))
            {
                return code;
            }
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, ct);
        }
    }
}
