using Serval.Bench;
using Serval.Testing;

// serval-bench --binary PATH --root DIR NAME [--json] [options of the bench]
var options = BenchOptions.Parse(args);
if (options is null)
{
    return 2;
}
ServalProcess.Binary = options.Binary;
var report = new Report(options);
Func<BenchOptions, Report, Task>? bench = options.Name switch
{
    "api" => Api.RunAsync,
    "cold-start" => ColdStart.RunAsync,
    "footprint" => Footprint.RunAsync,
    "crash" => Crash.RunAsync,
    "rollout" => Rollout.RunAsync,
    _ => null,
};
if (bench is null)
{
    await Console.Error.WriteLineAsync("benches: api cold-start footprint crash rollout");
    return 2;
}
report.Settings();
await bench(options, report);
return report.Finish();
