using Serval.Testing;

namespace Serval.Bench;

/// <summary>
/// Requests and WebSockets at a fixed rate while everything that a roll-out does is done under them: a new revision, a traffic shift in ten
/// steps, tags, 1 → 10 → 1 instances, a deleted revision, deleted pods. Nothing may fail, and no socket may end before its pod is drained.
/// </summary>
internal static class Rollout
{
    private static readonly TimeSpan s_least = TimeSpan.FromSeconds(60);

    internal static async Task RunAsync(BenchOptions options, Report report)
    {
        var ct = CancellationToken.None;
        await using var serval = await ServalProcess.UpAsync(ct: ct);
        report.Step("publishing the program");
        await Programs.AddEchoAsync(serval, options.Root);
        await Services.QuickWindowAsync(serval);
        await using var pods = await PodLives.FollowAsync(serval, ct);
        var script = new RolloutScript(serval, report, options);
        await script.CreateAsync(ct);

        report.Step("the same load on a still system");
        var still = new RolloutLoad(serval.GatewayPort);
        await still.RunAsync(Task.Delay(s_least * options.Scale / 400, TimeProvider.System, ct));
        report.Step("the load while everything changes");
        var moving = new RolloutLoad(serval.GatewayPort);
        var changes = Task.WhenAll(script.RunAsync(ct), Task.Delay(s_least * options.Scale / 100, TimeProvider.System, ct));
        await moving.RunAsync(changes);
        await changes;

        Judge(report, still, moving, pods, script.Done);
    }

    private static void Judge(Report report, RolloutLoad still, RolloutLoad moving, PodLives pods, int steps)
    {
        var failed = moving.Requests.Where(r => r.Failure is not null).Concat(still.Requests.Where(r => r.Failure is not null)).ToList();
        foreach (var kind in failed.GroupBy(f => $"{f.Protocol}: {f.Failure}"))
        {
            report.Step($"{kind.Count()} × {kind.Key}");
        }
        var ended = moving.Sockets.Concat(still.Sockets).ToList();
        var cut = ended.Where(s => !pods.WasEnding(s.Pod, s.Ended)).ToList();
        foreach (var socket in cut)
        {
            report.Step($"a socket of {socket.Pod} ended with {socket.Code} before its pod did");
        }
        report.Info("requests while everything changed", moving.Requests.Count, "requests");
        report.Info("WebSocket messages repeated", moving.Messages + still.Messages, "messages");
        report.Info("changes made", steps, "changes");
        report.AtMost("failed requests", failed.Count, "requests", 0);
        report.AtMost("sockets cut before their pod was drained", cut.Count, "sockets", 0);
        report.AtMost("sockets that could not be opened or went silent", moving.Silent + still.Silent, "sockets", 0);
        report.Info("sockets that their ending pod closed", ended.Count - cut.Count, "sockets");
        report.Info("  of these without a close frame of 1000 or 1001", ended.Except(cut).Count(s => s.Code is not (1000 or 1001)), "sockets");
        foreach (var protocol in (string[])["http/1.1", "h2c"])
        {
            var (before, during) = (Latencies(still, protocol), Latencies(moving, protocol));
            report.Samples($"{protocol}, still", before, "ms");
            report.Samples($"{protocol}, changing", during, "ms");
            report.Info($"{protocol} p99 on a still system", Statistics.Percentile(before, 0.99), "ms");
            report.Info($"{protocol} p99 while everything changed", Statistics.Percentile(during, 0.99), "ms");
        }

        static List<double> Latencies(RolloutLoad load, string protocol) => [.. load.Requests.Where(r => r.Protocol == protocol).Select(r => r.Milliseconds)];
    }
}
