using Serval.Api.Serving;

namespace Serval.Api.Stories;

/// <summary>The objects a story is told from; what is absent does not exist (yet).</summary>
public sealed record StoryScene
{
    public required DateTimeOffset Now { get; init; }

    /// <summary>What is asked about.</summary>
    public required KubeObject Subject { get; init; }

    /// <summary>Its conditions.</summary>
    public IReadOnlyList<Condition> Conditions { get; init; } = [];

    /// <summary>Whether they tell about its latest generation.</summary>
    public bool IsCurrent { get; init; } = true;

    public Configuration? Configuration { get; init; }

    public Route? Route { get; init; }

    /// <summary>The newest first, then those that get traffic.</summary>
    public IReadOnlyList<RevisionScene> Revisions { get; init; } = [];

    /// <summary>Pods that are asked about themselves, without a revision.</summary>
    public IReadOnlyList<PodScene> Pods { get; init; } = [];

    /// <summary>Settings that hold a bad value, so that an earlier one is in force: ConfigMap and what is wrong.</summary>
    public IReadOnlyList<(string ConfigMap, string Problem)> BadSettings { get; init; } = [];
}
