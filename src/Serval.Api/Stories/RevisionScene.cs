using Serval.Api.Apps;
using Serval.Api.Autoscaling;
using Serval.Api.Serving;

namespace Serval.Api.Stories;

/// <summary>A revision and what was made for it.</summary>
public sealed record RevisionScene(Revision Revision)
{
    public PodAutoscaler? Autoscaler { get; init; }

    public Deployment? Deployment { get; init; }

    public IReadOnlyList<ReplicaSet> ReplicaSets { get; init; } = [];

    public IReadOnlyList<PodScene> Pods { get; init; } = [];
}
