using Serval.Cli;
using Serval.Images;
using Serval.Manifests;

namespace Serval.Demo;

/// <summary>The steps of the demo, each told and timed.</summary>
internal sealed class DemoScript(CliContext context, TextWriter output, IServalHost host)
{
    private const string Image = "dev.local/hello:latest";
    private const int BurstSize = 200;
    private static readonly TimeSpan s_readyLimit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_zeroLimit = TimeSpan.FromSeconds(90);

    public async Task<DemoReport> RunAsync(string program, string manifestFile, string dotnetRoot, bool keep, CancellationToken ct)
    {
        await AddImageAsync(program, dotnetRoot, ct);
        var document = ManifestSource.Parse(await File.ReadAllTextAsync(manifestFile, ct), manifestFile)[0];
        var cluster = new DemoCluster(host.Client, document.Name);

        var (service, applied) = await TimeAsync("apply → Ready", s_readyLimit, async token =>
        {
            await cluster.DeployAsync(document.Tree, token);
            return await cluster.WaitReadyAsync(token);
        }, ct);
        using var traffic = new DemoTraffic(host.GatewayUri, new Uri(service.Status.Url), context.Time);
        var firstByte = await traffic.SendAsync(ct);
        Say("first byte", firstByte, service.Status.Url);
        var burst = await traffic.BurstAsync(BurstSize, ct);
        Say($"burst of {BurstSize}", burst.P99Ms, $"p99; p50 {Text(burst.P50Ms)}; {burst.Failed} failed");
        var zero = await WaitZeroAsync(cluster, ct);
        var wake = await traffic.SendAsync(ct);
        Say("wake from zero", wake, "first byte, program's own start included");
        if (!keep)
        {
            await TimeAsync("clean-up", s_readyLimit, async token =>
            {
                await cluster.DeleteAsync(token);
                return true;
            }, ct);
        }
        return new DemoReport
        {
            Revision = service.Status.LatestReadyRevisionName, ApplyToReadyMs = applied, FirstByteMs = firstByte, Burst = burst,
            ScaleToZeroMs = zero, WakeMs = wake, FailedRequests = traffic.Failed,
        };
    }

    private static string Text(double milliseconds) => milliseconds >= 10_000 ? $"{milliseconds / 1000:0.0} s" : $"{milliseconds:0.0} ms";

    private async Task AddImageAsync(string program, string dotnetRoot, CancellationToken ct)
    {
        var config = new ImageConfig
        {
            Entrypoint = ["/hello"],
            Env = [$"DOTNET_ROOT={dotnetRoot}", "HOST=127.0.0.1"],
        };
        await TimeAsync("image add", s_readyLimit, token => host.Images.AddDirectoryAsync(Image, program, config, token), ct);
    }

    private async Task<double> WaitZeroAsync(DemoCluster cluster, CancellationToken ct)
    {
        await output.WriteLineAsync("  … idle until the last pod is gone (Knative's constants: window 6 s, then 30 s of grace)");
        var (_, zero) = await TimeAsync("scale to zero", s_zeroLimit, token => Progress.RunAsync(context, "waiting for zero", async () =>
        {
            await cluster.WaitNoPodsAsync(token);
            return true;
        }, token), ct);
        return zero;
    }

    private async Task<(T Result, double Milliseconds)> TimeAsync<T>(string what, TimeSpan limit, Func<CancellationToken, Task<T>> step, CancellationToken ct)
    {
        using var patience = new CancellationTokenSource(limit, context.Time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(ct, patience.Token);
        var started = context.Time.GetTimestamp();
        try
        {
            var result = await step(both.Token);
            var took = context.Time.GetElapsedTime(started).TotalMilliseconds;
            Say(what, took, "");
            return (result, took);
        }
        catch (OperationCanceledException e) when (!ct.IsCancellationRequested)
        {
            throw new CliException(
                ExitCodes.Timeout, $"demo: \"{what}\" took more than {limit.TotalSeconds:0} s ({e.Message}); run it with --keep and look with `kubectl --kubeconfig {host.KubeconfigPath} get ksvc,pods`", e);
        }
    }

    private void Say(string what, double milliseconds, string note) => output.WriteLine($"  {what,-16} {Text(milliseconds),10}   {note}".TrimEnd());
}
