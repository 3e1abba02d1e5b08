using System.Diagnostics;
using System.Globalization;
using System.Net;
using Serval.Testing;

namespace Serval.Bench;

/// <summary>Watchers over HTTPS: how soon they hear of a write, and what they cost while nothing happens.</summary>
internal static class ApiWatches
{
    private const int Writers = 200; // objects that are written in turn
    private const int WritesASecond = 500;
    private const int WarmSeconds = 5; // not counted: both programs still load and compile

    /// <summary>Write sent → event read, by one clock, with 20 watchers at 500 writes a second.</summary>
    internal static async Task LatencyAsync(BenchOptions options, Report report)
    {
        await using var serval = await ServalProcess.UpAsync();
        await CreateAsync(serval, "w", Writers, 1000);
        using var end = new CancellationTokenSource();
        var watchers = Enumerable.Range(0, 20).Select(_ => new List<double>()).ToList();
        var open = new CountdownEvent(watchers.Count);
        var watching = watchers.Select(samples => FollowAsync(
            serval, Api.ConfigMaps + "?sendInitialEvents=false&resourceVersionMatch=NotOlderThan", line => samples.Add(Age(line)), () => open.Signal(), end.Token)).ToList();
        open.Wait();
        // No answer is kept: a collection of what this process holds would stand in for the server's time.
        Func<int, Task> write = async i => await serval.Api.PatchAsync($"{Api.ConfigMaps}/w-{i % Writers}", Stamp());
        await WriteAsync(write, WarmSeconds);
        var wrote = await WriteAsync(write, options.Scaled(20));
        await end.CancelAsync();
        await Task.WhenAll(watching);
        var all = Counted(watchers);
        report.Samples("write to event, the first watcher", watchers[0], "ms");
        report.AtLeast("writes a second, of 500 asked for", wrote, "1/s", 0.95 * WritesASecond);
        report.Info("events read", all.Count, "");
        report.Info("write → event, 20 watchers, p50", Statistics.Median(all), "ms");
        report.AtMost("write → event, 20 watchers, p99", Statistics.Percentile(all, 0.99), "ms", 5);
        await RelayAsync(options, report, watchers.Count);
    }

    /// <summary>The same pace and bytes from a program that only copies them: below its tail nobody gets on this machine.</summary>
    private static async Task RelayAsync(BenchOptions options, Report report, int readers)
    {
        var samples = Enumerable.Range(0, readers).Select(_ => new List<double>()).ToList();
        await using (var peer = await RelayPeer.OpenAsync([.. samples.Select(s => (Action<string>)(line => s.Add(Age(line))))]))
        {
            var rest = new string('x', 1000);
            Func<int, Task> write = _ => peer.WriteAsync(Stamp() + rest);
            await WriteAsync(write, WarmSeconds);
            await WriteAsync(write, options.Scaled(20));
        }
        var all = Counted(samples);
        report.Info("the same, bare TCP relay, p50", Statistics.Median(all), "ms");
        report.Info("the same, bare TCP relay, p99", Statistics.Percentile(all, 0.99), "ms");
        report.Info("the same, bare TCP relay, longest", all.Max(), "ms");
    }

    private static List<double> Counted(List<List<double>> samples)
    {
        samples.ForEach(s => s.RemoveRange(0, Math.Min(s.Count, WarmSeconds * WritesASecond)));
        return [.. samples.SelectMany(s => s)];
    }

    private static string Stamp() => $$$"""{"data":{"t":"{{{Stopwatch.GetTimestamp()}}}"}}""";

    /// <summary>10,000 objects of 1 KB and 500 watches, half of them with selectors, over HTTP/2.</summary>
    internal static async Task QuietAsync(BenchOptions options, Report report)
    {
        await using var serval = await ServalProcess.UpAsync();
        var count = options.Scaled(10_000);
        var before = serval.ResidentBytes();
        await CreateAsync(serval, "q", count, 800);
        report.Info("resident memory an object of 1 KB", (serval.ResidentBytes() - before) / 1e3 / count, "KB");
        using var end = new CancellationTokenSource();
        var watches = options.Scaled(500);
        var open = new CountdownEvent(watches);
        var watching = Enumerable.Range(0, watches).Select(i => FollowAsync(
            serval, $"{Api.ConfigMaps}?sendInitialEvents=false&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true{(i % 2 == 0 ? "" : "&labelSelector=half%3D1")}",
            static _ => { }, () => open.Signal(), end.Token)).ToList();
        open.Wait();
        var seconds = options.Scaled(60);
        report.Step($"{watches} watches of {count} objects, quiet for {seconds} s");
        var cpu = serval.CpuTime();
        await Task.Delay(TimeSpan.FromSeconds(seconds), TimeProvider.System, CancellationToken.None);
        report.AtMost("CPU of a quiet server", (serval.CpuTime() - cpu).TotalSeconds / seconds * 100, "% core", 5);
        report.AtMost("resident memory of a quiet server", serval.ResidentBytes() / 1e6, "MB", 300);
        await end.CancelAsync();
        await Task.WhenAll(watching);
    }

    private static async Task CreateAsync(ServalProcess serval, string prefix, int count, int bytes) => await Parallel.ForAsync(
        0, count, new ParallelOptions { MaxDegreeOfParallelism = 32 },
        async (i, _) => await serval.Api.PostAsync(Api.ConfigMaps, Api.ConfigMap($"{prefix}-{i}", bytes)));

    private static async Task FollowAsync(ServalProcess serval, string path, Action<string> read, Action opened, CancellationToken ct)
    {
        try
        {
            await serval.Api.FollowAsync(path, line =>
            {
                read(line);
                return false;
            }, ct, HttpVersion.Version20, opened);
        }
        catch (OperationCanceledException)
        {
            // the bench is over
        }
    }

    /// <summary>
    /// Writes at an even pace, each at its own time by the clock, whether or not earlier writes are done; gives how many a second were. What a late
    /// timer missed is made up for at once.
    /// </summary>
    private static async Task<double> WriteAsync(Func<int, Task> write, int seconds)
    {
        var writes = new List<Task>();
        var clock = Stopwatch.GetTimestamp();
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(1));
        for (var i = 0; i < seconds * WritesASecond; i++)
        {
            while (Stopwatch.GetElapsedTime(clock).TotalSeconds * WritesASecond < i)
            {
                await timer.WaitForNextTickAsync();
            }
            writes.Add(write(i));
        }
        await Task.WhenAll(writes);
        return seconds * WritesASecond / Stopwatch.GetElapsedTime(clock).TotalSeconds;
    }

    private static double Age(string frame)
    {
        const string Mark = "\"t\":\"";
        var at = frame.IndexOf(Mark, StringComparison.Ordinal) + Mark.Length;
        return Stopwatch.GetElapsedTime(long.Parse(frame.AsSpan(at, frame.IndexOf('"', at) - at), CultureInfo.InvariantCulture)).TotalMilliseconds;
    }
}
