using System.Diagnostics;
using System.Globalization;
using Serval.Testing;

namespace Serval.Bench;

/// <summary>
/// First byte through the gateway of a service at zero, against the same program started by hand; pairs in turn. Before each wake no pod and
/// no process is left. Then 300 requests at once to one service at zero, and 100 services woken at once.
/// </summary>
internal static class ColdStart
{
    internal static async Task RunAsync(BenchOptions options, Report report)
    {
        var ct = CancellationToken.None;
        await using var serval = await ServalProcess.UpAsync();
        await Programs.AddNativeAsync(serval);
        await Services.AllowZeroAsync(serval);
        var pairs = options.Scaled(200);
        var count = Math.Min(pairs, 100);
        var names = Enumerable.Range(0, count).Select(i => $"wake-{i}").ToList();
        report.Step($"creating {count} services at zero");
        await Services.CreateReadyAsync(serval, [.. names.Select(n => (n, Services.Manifest(n, Programs.Native, Programs.NativeArguments, atZero: true)))], 8, ct);

        await PairsAsync(serval, names, pairs, report, ct);
        await StampedeAsync(serval, names[0], options.Scaled(300), report, ct);
        await AllAtOnceAsync(serval, names, report, ct);
        await SampleAsync(serval, options, report, ct);
    }

    private static async Task PairsAsync(ServalProcess serval, List<string> names, int pairs, Report report, CancellationToken ct)
    {
        var directory = Directory.CreateTempSubdirectory("serval-hand-").FullName;
        Directory.CreateDirectory(Path.Combine(directory, "www"));
        await File.WriteAllTextAsync(Path.Combine(directory, "www", "index.html"), "hello from busybox\n\n", ct);
        var hand = new List<double>();
        var through = new List<double>();
        var upToPod = new List<double>();
        var upToAnswer = new List<double>();
        using var log = new ChangeLogReader(serval.DataDirectory);
        for (var i = 0; i < pairs; i++)
        {
            if (i % names.Count == 0)
            {
                report.Step($"pair {i} of {pairs}: waiting for all services to be at zero");
                await Services.WaitForZeroAsync(serval, ct);
            }
            hand.Add(await Programs.ByHandAsync(Programs.BusyboxPath(), directory, port => ["httpd", "-f", "-p", $"127.0.0.1:{port}", "-h", "www"], ct));
            var (elapsed, before, after) = await WakeAsync(serval, log, names[i % names.Count], ct);
            through.Add(elapsed);
            upToPod.Add(before);
            upToAnswer.Add(after);
        }
        Directory.Delete(directory, recursive: true);
        var difference = through.Zip(hand, (a, b) => a - b).ToList();
        report.Samples("by hand", hand, "ms");
        report.Samples("through the gateway", through, "ms");
        report.Info("first byte by hand, median", Statistics.Median(hand), "ms");
        report.Info("first byte through the gateway, median", Statistics.Median(through), "ms");
        report.AtMost("cold start over by hand, median", Statistics.Median(difference), "ms", 15);
        report.AtMost("cold start over by hand, p95", Statistics.Percentile(difference, 0.95), "ms", 40);
        var (low, high) = Statistics.MedianInterval(difference);
        report.Info("  90 % interval of the median, low", low, "ms");
        report.Info("  90 % interval of the median, high", high, "ms");
        // The whole store is counted: a service on its way to zero adds its own. So the median is judged; a test counts one wake alone.
        report.Samples("object writes up to the pod", upToPod, "writes");
        report.AtMost("object writes up to the pod, median", Statistics.Median(upToPod), "writes", 3);
        report.Samples("object writes between spawn and first byte", upToAnswer, "writes");
        report.AtMost("object writes between spawn and first byte, median", Statistics.Median(upToAnswer), "writes", 0);
        report.Info("  wakes with any such write, of all", upToAnswer.Count(w => w > 0) * 100.0 / upToAnswer.Count, "%");
    }

    /// <summary>
    /// One wake: time to the answer, and the object writes of the whole store: up to and with the pod's creation, and after it before the
    /// millisecond in which the answer was there. The instance is spawned after the pod's creation, so the second number is no smaller than that after the spawn.
    /// </summary>
    private static async Task<(double Milliseconds, int UpToPod, int UpToAnswer)> WakeAsync(ServalProcess serval, ChangeLogReader log, string name, CancellationToken ct)
    {
        var before = await QuietVersionAsync(serval, ct);
        var clock = Stopwatch.GetTimestamp();
        var (code, text) = await serval.InvokeAsync(name, ct: ct);
        var answered = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        var elapsed = Stopwatch.GetElapsedTime(clock).TotalMilliseconds;
        if (code != 200)
        {
            throw new InvalidOperationException($"{name} answered {code}: {text}");
        }
        await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, ct); // a batch begun before the answer is committed by then
        var writes = log.After(before);
        var pod = writes.FindIndex(w => w.Kind == "pods") + 1;
        return (elapsed, pod, writes.Skip(pod).Count(w => w.At < answered));
    }

    /// <summary>The store's version once nobody writes: statuses of the wake before trail it by some milliseconds.</summary>
    private static async Task<long> QuietVersionAsync(ServalProcess serval, CancellationToken ct)
    {
        var version = await VersionAsync(serval);
        while (true)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(150), TimeProvider.System, ct);
            var next = await VersionAsync(serval);
            if (next == version)
            {
                return version;
            }
            version = next;
        }
    }

    /// <summary>The store's version now: that of a list of anything.</summary>
    private static async Task<long> VersionAsync(ServalProcess serval)
    {
        var list = await serval.Api.GetAsync("/api/v1/namespaces/default/pods?limit=1");
        return long.Parse((string)list["metadata"]!["resourceVersion"]!, CultureInfo.InvariantCulture);
    }

    private static async Task StampedeAsync(ServalProcess serval, string name, int requests, Report report, CancellationToken ct)
    {
        report.Step($"{requests} requests at once to one service at zero");
        await Services.WaitForZeroAsync(serval, ct);
        var clock = Stopwatch.GetTimestamp();
        var answers = await Task.WhenAll(Enumerable.Range(0, requests).Select(_ => Task.Run(() => serval.InvokeAsync(name, ct: ct), ct)));
        report.AtMost($"{requests} requests to one at zero, last answer", Stopwatch.GetElapsedTime(clock).TotalSeconds, "s", 2);
        report.AtMost($"{requests} requests to one at zero, not 200", answers.Count(a => a.Code != 200), "requests", 0);
    }

    private static async Task AllAtOnceAsync(ServalProcess serval, List<string> names, Report report, CancellationToken ct)
    {
        report.Step($"{names.Count} services woken at once");
        await Services.WaitForZeroAsync(serval, ct);
        var clock = Stopwatch.GetTimestamp();
        var answers = await Task.WhenAll(names.Select(n => Task.Run(() => serval.InvokeAsync(n, ct: ct), ct)));
        report.AtMost($"{names.Count} native services woken at once, last answer", Stopwatch.GetElapsedTime(clock).TotalSeconds, "s", 2);
        report.AtMost($"{names.Count} native services woken at once, not 200", answers.Count(a => a.Code != 200), "requests", 0);
    }

    private static async Task SampleAsync(ServalProcess serval, BenchOptions options, Report report, CancellationToken ct)
    {
        report.Step("the C# sample: building it");
        var directory = await Programs.AddSampleAsync(serval, options.Root);
        var count = options.Scaled(100);
        var names = Enumerable.Range(0, count).Select(i => $"sample-{i}").ToList();
        await Services.CreateReadyAsync(serval, [.. names.Select(n => (n, Services.Manifest(n, Programs.Sample, [], atZero: true)))], 8, ct);
        await Services.WaitForZeroAsync(serval, ct);
        var hand = new List<double>();
        var through = new List<double>();
        using var log = new ChangeLogReader(serval.DataDirectory);
        foreach (var name in names.Take(Math.Min(20, count)))
        {
            hand.Add(await Programs.ByHandAsync(Path.Combine(directory, "hello"), directory, _ => [], ct));
            through.Add((await WakeAsync(serval, log, name, ct)).Milliseconds);
        }
        report.Info("C# sample: first byte by hand, median", Statistics.Median(hand), "ms");
        report.Info("C# sample: cold start over by hand, median", Statistics.Median([.. through.Zip(hand, (a, b) => a - b)]), "ms");

        var ratios = new List<double>();
        for (var round = 0; round < 3; round++)
        {
            report.Step($"{count} C# samples at once, round {round + 1} of 3: shell loop, then Serval");
            await Services.WaitForZeroAsync(serval, ct);
            var loop = await ShellLoop.RunAsync(Path.Combine(directory, "hello"), count, ct);
            var clock = Stopwatch.GetTimestamp();
            var answers = await Task.WhenAll(names.Select(n => Task.Run(() => serval.InvokeAsync(n, ct: ct), ct)));
            var all = Stopwatch.GetElapsedTime(clock).TotalSeconds;
            report.AtMost($"{count} C# samples woken at once, not 200", answers.Count(a => a.Code != 200), "requests", 0);
            report.Info($"{count} C# samples by a shell loop, last answer", loop, "s");
            report.Info($"{count} C# samples woken at once, last answer", all, "s");
            ratios.Add(all / loop);
        }
        report.AtMost($"{count} C# samples woken at once ÷ shell loop, median", Statistics.Median(ratios), "", 1.2);
    }
}
