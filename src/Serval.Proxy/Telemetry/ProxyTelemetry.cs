using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Serval.Routing;

namespace Serval.Proxy;

/// <summary>
/// One metric tag and one log event an outcome. The meter costs nothing while nobody listens to it, and nobody in this program does:
/// diagnostic tools may attach (<c>dotnet-counters</c>).
/// </summary>
internal sealed partial class ProxyTelemetry : IDisposable
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "Serval.Proxy";

    private readonly ProxyOptions _options;
    private readonly Meter _meter = new(MeterName);
    private readonly ILogger _logger;
    private readonly Counter<long> _requests;
    private readonly Histogram<double> _duration;

    public ProxyTelemetry(ProxyOptions options)
    {
        _options = options;
        _logger = options.LoggerFactory.CreateLogger("Serval.Proxy.Requests");
        _requests = _meter.CreateCounter<long>("serval.proxy.requests", "{request}", "Requests that ended, by outcome.");
        _duration = _meter.CreateHistogram<double>("serval.proxy.request.duration", "s", "From a request's header to its end.");
    }

    /// <summary>Whether a request's URL will be read when it ends.</summary>
    public bool WantsUrl => _logger.IsEnabled(LogLevel.Debug) || _options.AccessLog;

    public void Ended(RequestOutcome outcome, in RequestFacts facts, BackendKey? backend, long started)
    {
        if (_requests.Enabled || _duration.Enabled)
        {
            Measure(outcome, facts.Status, backend, started);
        }
        if (outcome == RequestOutcome.Forwarded ? _options.AccessLog : _logger.IsEnabled(LogLevel.Debug))
        {
            Write(outcome, facts, backend, started);
        }
    }

    public void Dispose() => _meter.Dispose();

    private void Measure(RequestOutcome outcome, int status, BackendKey? backend, long started)
    {
        var tags = new System.Diagnostics.TagList
        {
            { "outcome", Outcomes.Of(outcome).Reason },
            { "namespace", backend?.Namespace ?? "" },
            { "revision", backend?.Name ?? "" },
            { "status", status },
        };
        _requests.Add(1, tags);
        _duration.Record(_options.TimeProvider.GetElapsedTime(started).TotalSeconds, tags);
    }

    private void Write(RequestOutcome outcome, in RequestFacts facts, BackendKey? backend, long started)
    {
        var milliseconds = _options.TimeProvider.GetElapsedTime(started).TotalMilliseconds;
        if (outcome == RequestOutcome.Forwarded)
        {
            Access(_logger, facts.Url, facts.Status, backend?.ToString() ?? "", milliseconds);
        }
        else
        {
            Failed(_logger, Outcomes.Of(outcome).Reason, facts.Url, facts.Status, backend?.ToString() ?? "", milliseconds);
        }
    }

    [LoggerMessage(1, LogLevel.Information, "{Url} answered {Status} by {Backend} in {Milliseconds:0.0} ms")]
    private static partial void Access(ILogger logger, string url, int status, string backend, double milliseconds);

    [LoggerMessage(2, LogLevel.Debug, "{Url} ended as {Outcome} with {Status}, backend {Backend}, after {Milliseconds:0.0} ms")]
    private static partial void Failed(ILogger logger, string outcome, string url, int status, string backend, double milliseconds);
}
