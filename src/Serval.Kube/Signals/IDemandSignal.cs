using Serval.Api;

namespace Serval.Kube;

/// <summary>What a gateway saw of one revision.</summary>
/// <param name="Revision">Namespace and name of the revision.</param>
/// <param name="InFlight">Requests at instances now.</param>
/// <param name="Held">Requests waiting for an instance now.</param>
/// <param name="AverageConcurrency">Time-weighted mean of in flight + held since the last report.</param>
/// <param name="Requests">Requests that began since the last report.</param>
public readonly record struct RevisionDemand(ObjectKey Revision, int InFlight, int Held, double AverageConcurrency, long Requests);

/// <summary>
/// Gateway → autoscaler. The gateway pushes at once when a revision goes from nothing to something, else each second for every revision
/// with traffic, and one last zero report. A lost report is repaired by the next one.
/// </summary>
public interface IDemandSignal
{
    /// <param name="gateway">Who reports; demand is summed over gateways.</param>
    /// <param name="demand">One entry a revision.</param>
    void Report(string gateway, ReadOnlySpan<RevisionDemand> demand);
}
