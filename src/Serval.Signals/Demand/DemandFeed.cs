using Microsoft.AspNetCore.Http;
using Serval.Api;
using Serval.Kube;

namespace Serval.Signals;

/// <summary>The demand signal at a gateway: what is reported goes to every autoscaler that reads. Whoever reports waits for none of them.</summary>
public sealed class DemandFeed(TimeProvider time) : IDemandSignal, ISignalEndpoint
{
    internal static readonly SignalKind<ObjectKey, RevisionDemand> Kind = new(
        "/signals/demand", SignalJson.Default.FrameRevisionDemand, d => d.Revision, IsNone, d => new RevisionDemand(d.Revision, 0, 0, 0, 0))
    {
        IsValid = d => d is { InFlight: >= 0, Held: >= 0, Requests: >= 0, AverageConcurrency: >= 0 } && double.IsFinite(d.AverageConcurrency),
        Merge = (waiting, next) => IsNone(next) ? next : next with { Requests = waiting.Requests + next.Requests },
        Later = d => d with { Requests = 0 }, // told once
    };

    private readonly Feed<ObjectKey, RevisionDemand> _feed = new(Kind, time);

    public string Path => Kind.Path;

    public void Report(string gateway, ReadOnlySpan<RevisionDemand> demand) => _feed.Publish(demand);

    public Task AnswerAsync(HttpContext http) => _feed.ServeAsync(http);

    private static bool IsNone(RevisionDemand demand) => demand is { InFlight: 0, Held: 0, Requests: 0, AverageConcurrency: 0 };
}
