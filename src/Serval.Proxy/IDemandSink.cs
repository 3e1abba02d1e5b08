using Serval.Routing;

namespace Serval.Proxy;

/// <summary>What the proxy saw of one revision.</summary>
/// <param name="Backend">The revision.</param>
/// <param name="InFlight">Requests at instances now.</param>
/// <param name="Held">Requests waiting for an instance now.</param>
/// <param name="AverageConcurrency">Time-weighted mean of in flight + held since the last report.</param>
/// <param name="Requests">Requests that began since the last report.</param>
public readonly record struct BackendDemand(BackendKey Backend, int InFlight, int Held, double AverageConcurrency, long Requests);

/// <summary>
/// Told of demand: at once, on the request's path, when a revision goes from nothing to something; each second while it has traffic; and one
/// last zero. Must be quick and not block.
/// </summary>
public interface IDemandSink
{
    void Report(ReadOnlySpan<BackendDemand> demand);
}
