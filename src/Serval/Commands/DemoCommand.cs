using System.CommandLine;
using System.Text.Json;
using Serval.Cli;
using Serval.Composition;
using Serval.Demo;

namespace Serval.Commands;

/// <summary><c>serval demo</c>: the life of a service in under two minutes, with its own data directory and ports.</summary>
internal sealed class DemoCommand : Verb
{
    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true };

    private readonly Option<bool> _json = new("--json") { Description = "One JSON object on standard output; text goes to standard error" };
    private readonly Option<bool> _keep = new("--keep") { Description = "Leave everything running until Ctrl-C" };
    private readonly Option<string?> _sample = new("--sample") { Description = "Directory of the sample (default: samples/hello of the checkout)", HelpName = "DIR" };

    public DemoCommand(CliContext context)
        : base(context, "demo", "Deploy, call, burst, scale to zero and wake a sample, with times", "serval demo", "serval demo --json > demo.json", "serval demo --keep")
    {
        Add(_json);
        Add(_keep);
        Add(_sample);
    }

    protected override async Task<int> RunAsync(ParseResult parse, CancellationToken ct)
    {
        var json = parse.GetValue(_json);
        var output = json ? Context.Error : Context.Out;
        var source = SampleBuilder.FindSource(parse.GetValue(_sample));
        var builder = new SampleBuilder(Context, source, SharedOptions.DataDirectoryOf(parse, Context));
        var started = Context.Time.GetTimestamp();
        var program = await Progress.RunAsync(Context, "building samples/hello (kept for the next time)", () => builder.BuildAsync(ct), ct);
        var buildMs = Context.Time.GetElapsedTime(started).TotalMilliseconds;

        var directory = Directory.CreateTempSubdirectory("serval-demo-").FullName;
        try
        {
            var report = await RunAsync(parse, output, directory, new Sample(program, source, builder.DotnetRoot, buildMs), ct);
            await output.WriteLineAsync(report.FailedRequests == 0 ? "Done; no request failed." : $"Done; {report.FailedRequests} requests failed.");
            return report.FailedRequests == 0 ? ExitCodes.Ok : ExitCodes.Failed;
        }
        finally
        {
            Remove(directory);
        }
    }

    private sealed record Sample(string Program, string Source, string DotnetRoot, double BuildMs);

    private async Task<DemoReport> RunAsync(ParseResult parse, TextWriter output, string directory, Sample sample, CancellationToken ct)
    {
        var started = Context.Time.GetTimestamp();
        await using var host = await Context.StartHost!(new ServalOptions { DataDirectory = directory, HttpPort = 0, ApiPort = 0 }, ct);
        var startMs = Context.Time.GetElapsedTime(started).TotalMilliseconds;
        await output.WriteLineAsync($"Serval runs for this demo at {host.GatewayUri.GetLeftPart(UriPartial.Authority)} (started in {startMs:0} ms, data in {directory})");
        var keep = parse.GetValue(_keep);
        var report = await new DemoScript(Context, output, host).RunAsync(sample.Program, Path.Combine(sample.Source, "service.yaml"), sample.DotnetRoot, keep, ct);
        report = report with { BuildMs = sample.BuildMs, StartMs = startMs };
        if (parse.GetValue(_json))
        {
            await Context.Out.WriteLineAsync(report.ToJson().ToJsonString(s_indented));
        }
        if (keep)
        {
            await output.WriteLineAsync($"Kept: try  serval --data-dir {directory} get ksvc  or  kubectl --kubeconfig {host.KubeconfigPath} get ksvc. Ctrl-C ends it.");
            new RunState(host.GatewayUri, host.PrivateGatewayUri, host.ApiUri).Write(directory);
            await CancellationSignal.WaitAsync(ct);
        }
        return report;
    }

    private void Remove(string directory)
    {
        try
        {
            Directory.Delete(directory, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Context.Warn($"{directory} could not be removed ({e.Message}); remove it by hand");
        }
    }
}
