using Serval.Api.Core;

namespace Serval.Node.Probes;

/// <summary>
/// Counts a probe's failures since it last succeeded, and says after some time, each time later, what was tried, what came back and how often. Its
/// runs come one after the other.
/// </summary>
/// <param name="what">What is tried: <c>GET http://10.0.0.2:8080/ready</c>. Neither headers nor a command's arguments are in it: they may hold secrets.</param>
/// <param name="steps">When it is said.</param>
/// <param name="time">The clock.</param>
/// <param name="tell">Hears it.</param>
internal sealed class ProbeAttempts(string what, IReadOnlyList<TimeSpan> steps, TimeProvider time, Action<string> tell)
{
    private int _failures;
    private int _step;
    private long _since;

    public async Task<ProbeResult> RunAsync(Func<CancellationToken, Task<ProbeResult>> check, CancellationToken ct)
    {
        try
        {
            var result = await check(ct);
            Count(result);
            return result;
        }
        catch (Exception e)
        {
            Count(ProbeResult.Failure(e is OperationCanceledException ? "no answer in time" : e.Message));
            throw;
        }
    }

    /// <summary>What a probe tries.</summary>
    public static string Describe(Probe probe, ProbeTarget? target) =>
        probe.HttpGet is { } get ? $"GET {(get.Scheme.Equals("HTTPS", StringComparison.OrdinalIgnoreCase) ? "https" : "http")}://{target}/{get.Path.TrimStart('/')}"
        : probe.Grpc is not null ? $"gRPC health check of {target}"
        : probe.Exec is not null ? "command"
        : $"TCP connection to {target}";

    private void Count(ProbeResult result)
    {
        if (result.Ok)
        {
            (_failures, _step) = (0, 0);
            return;
        }
        if (_failures++ == 0)
        {
            _since = time.GetTimestamp();
        }
        var age = time.GetElapsedTime(_since);
        if (_step < steps.Count && age >= steps[_step])
        {
            _step++;
            tell($"{result.Message} ({what}, failed {_failures} times in {age.TotalSeconds:0}s)");
        }
    }
}
