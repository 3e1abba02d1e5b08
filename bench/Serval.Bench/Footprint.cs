using System.Diagnostics;
using Serval.Testing;

namespace Serval.Bench;

/// <summary>Start-up, memory at rest, memory per service at zero, apply → Ready, services in parallel and the CPU each takes.</summary>
internal static class Footprint
{
    internal static async Task RunAsync(BenchOptions options, Report report)
    {
        var ct = CancellationToken.None;
        (string Name, Func<Task> Run)[] parts =
        [
            ("start", () => StartupAsync(report)),
            ("rest", () => RestAsync(options, report, ct)),
            ("ready", () => ApplyToReadyAsync(options, report, ct)),
            ("parallel", () => ParallelAsync(options, report, ct)),
            ("zero", () => AtZeroAsync(options, report, ct)),
        ];
        foreach (var part in parts.Where(p => options.Runs(p.Name)))
        {
            await part.Run();
        }
    }

    private static async Task StartupAsync(Report report)
    {
        var samples = new List<double>();
        for (var i = 0; i < 5; i++)
        {
            await using var serval = await ServalProcess.UpAsync();
            samples.Add(serval.Startup.TotalSeconds);
        }
        report.Samples("serval up", samples, "s");
        report.AtMost("serval up to serving, new data directory, median of 5", Statistics.Median(samples), "s", 1.5);
    }

    private static async Task RestAsync(BenchOptions options, Report report, CancellationToken ct)
    {
        await using var serval = await ServalProcess.UpAsync(ct: ct);
        var seconds = options.Scaled(60);
        report.Step($"resting for {seconds} s");
        await Task.Delay(TimeSpan.FromSeconds(seconds), TimeProvider.System, ct);
        report.AtMost($"resident memory after {seconds} s", serval.ResidentBytes() / 1e6, "MB", 150);
    }

    private static async Task ApplyToReadyAsync(BenchOptions options, Report report, CancellationToken ct)
    {
        await using var serval = await ServalProcess.UpAsync(ct: ct);
        await Programs.AddNativeAsync(serval);
        var directory = Directory.CreateTempSubdirectory("serval-hand-").FullName;
        Directory.CreateDirectory(Path.Combine(directory, "www"));
        await File.WriteAllTextAsync(Path.Combine(directory, "www", "index.html"), "hello from busybox\n\n", ct);
        var over = new List<double>();
        var rounds = options.Scaled(50);
        for (var i = 0; i < rounds; i++)
        {
            var hand = await Programs.ByHandAsync(Programs.BusyboxPath(), directory, port => ["httpd", "-f", "-p", $"127.0.0.1:{port}", "-h", "www"], ct);
            var name = $"ready-{i}";
            var json = Services.Manifest(name, Programs.Native, Programs.NativeArguments, atZero: false);
            var clock = Stopwatch.GetTimestamp();
            await Services.CreateReadyAsync(serval, [(name, json)], 1, ct);
            over.Add(Stopwatch.GetElapsedTime(clock).TotalMilliseconds - hand);
            await serval.Api.DeleteAsync($"{Services.Path}/{name}");
        }
        Directory.Delete(directory, recursive: true);
        report.Samples("apply to Ready over by hand", over, "ms");
        report.AtMost("apply → Ready beyond the program's start, median", Statistics.Median(over), "ms", 100);
        report.Info("apply → Ready beyond the program's start, p95", Statistics.Percentile(over, 0.95), "ms");
    }

    private static async Task ParallelAsync(BenchOptions options, Report report, CancellationToken ct)
    {
        await using var serval = await ServalProcess.UpAsync(ct: ct);
        await Programs.AddNativeAsync(serval);
        var count = options.Scaled(200);
        report.Step($"{count} services in parallel");
        var services = Enumerable.Range(0, count).Select(i => ($"p-{i}", Services.Manifest($"p-{i}", Programs.Native, Programs.NativeArguments, atZero: false))).ToList();
        var cpu = serval.CpuTime();
        var clock = Stopwatch.GetTimestamp();
        await Services.CreateReadyAsync(serval, services, 32, ct);
        var elapsed = Stopwatch.GetElapsedTime(clock).TotalSeconds;
        report.AtLeast($"{count} services created in parallel, Ready each second", count / elapsed, "1/s", 50);
        report.AtMost("CPU a service, Serval's own", (serval.CpuTime() - cpu).TotalMilliseconds / count, "ms", 20);
    }

    private static async Task AtZeroAsync(BenchOptions options, Report report, CancellationToken ct)
    {
        await using var serval = await ServalProcess.UpAsync(ct: ct);
        await Programs.AddNativeAsync(serval);
        await Services.AllowZeroAsync(serval);
        var count = options.Scaled(1000);
        var warm = Enumerable.Range(0, 50).Select(i => ($"warm-{i}", Services.Manifest($"warm-{i}", Programs.Native, Programs.NativeArguments, atZero: true))).ToList();
        await Services.CreateReadyAsync(serval, warm, 16, ct);
        await Task.Delay(TimeSpan.FromSeconds(20), TimeProvider.System, ct);
        var before = serval.ResidentBytes();
        report.Step($"{count} services at zero");
        var services = Enumerable.Range(0, count).Select(i => ($"z-{i}", Services.Manifest($"z-{i}", Programs.Native, Programs.NativeArguments, atZero: true))).ToList();
        var clock = Stopwatch.GetTimestamp();
        await Services.CreateReadyAsync(serval, services, 16, ct);
        report.Info($"{count} services at zero, all Ready after", Stopwatch.GetElapsedTime(clock).TotalSeconds, "s");
        await Task.Delay(TimeSpan.FromSeconds(options.Scaled(60)), TimeProvider.System, ct);
        report.AtMost($"resident memory a service at zero, at {count}", (serval.ResidentBytes() - before) / 1e3 / count, "KB", 100);
        report.Info($"resident memory at {count} services at zero", serval.ResidentBytes() / 1e6, "MB");
    }
}
