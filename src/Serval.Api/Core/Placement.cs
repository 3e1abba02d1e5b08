using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Serval.Api.Core;

// Read-only views of what decides where a pod goes.

/// <summary>core/v1 Node.</summary>
public sealed record Node : IKubeView<Node>
{
    public static JsonTypeInfo<Node> JsonType => ViewJson.Default.Node;
    public ObjectMeta Metadata { get; init => field = value ?? field; } = new();
    public NodeSpec Spec { get; init => field = value ?? field; } = new();
    public NodeStatus Status { get; init => field = value ?? field; } = new();
}

public sealed record NodeSpec
{
    public bool Unschedulable { get; init; }
    public IReadOnlyList<Taint> Taints { get; init => field = value ?? field; } = [];
}

public sealed record NodeStatus
{
    public IReadOnlyDictionary<string, JsonElement> Allocatable { get; init => field = value ?? field; } = FrozenDictionary<string, JsonElement>.Empty;
}

/// <summary>core/v1 Taint; <see cref="Effect"/> is <c>NoSchedule</c>, <c>PreferNoSchedule</c> or <c>NoExecute</c>.</summary>
public sealed record Taint
{
    public string Key { get; init => field = value ?? field; } = "";
    public string Value { get; init => field = value ?? field; } = "";
    public string Effect { get; init => field = value ?? field; } = "";
}

/// <summary>core/v1 Toleration; an empty key, effect or operator is any key, any effect, <c>Equal</c>.</summary>
public sealed record Toleration
{
    public string Key { get; init => field = value ?? field; } = "";
    public string Operator { get; init => field = value ?? field; } = "";
    public string Value { get; init => field = value ?? field; } = "";
    public string Effect { get; init => field = value ?? field; } = "";

    /// <summary>Of a <c>NoExecute</c> taint: how long the pod stays; null is for ever.</summary>
    public long? TolerationSeconds { get; init; }
}

/// <summary>core/v1 Affinity.</summary>
public sealed record Affinity
{
    public NodeAffinity? NodeAffinity { get; init; }
    public PodAffinity? PodAffinity { get; init; }
    public PodAffinity? PodAntiAffinity { get; init; }
}

/// <summary>core/v1 NodeAffinity. What is only preferred decides nothing where there is one node.</summary>
public sealed record NodeAffinity
{
    public NodeSelector? RequiredDuringSchedulingIgnoredDuringExecution { get; init; }
}

/// <summary>core/v1 PodAffinity and PodAntiAffinity.</summary>
public sealed record PodAffinity
{
    public IReadOnlyList<JsonElement> RequiredDuringSchedulingIgnoredDuringExecution { get; init => field = value ?? field; } = [];
}

/// <summary>core/v1 NodeSelector: any term may match.</summary>
public sealed record NodeSelector
{
    public IReadOnlyList<NodeSelectorTerm> NodeSelectorTerms { get; init => field = value ?? field; } = [];
}

/// <summary>core/v1 NodeSelectorTerm: every requirement must hold; one without any matches nothing.</summary>
public sealed record NodeSelectorTerm
{
    public IReadOnlyList<NodeSelectorRequirement> MatchExpressions { get; init => field = value ?? field; } = [];
    public IReadOnlyList<NodeSelectorRequirement> MatchFields { get; init => field = value ?? field; } = [];
}

public sealed record NodeSelectorRequirement
{
    public string Key { get; init => field = value ?? field; } = "";

    /// <summary><c>In</c>, <c>NotIn</c>, <c>Exists</c>, <c>DoesNotExist</c>, <c>Gt</c> or <c>Lt</c>.</summary>
    public string Operator { get; init => field = value ?? field; } = "";
    public IReadOnlyList<string> Values { get; init => field = value ?? field; } = [];
}

/// <summary>core/v1 ResourceQuota.</summary>
public sealed record ResourceQuota : IKubeView<ResourceQuota>
{
    public static JsonTypeInfo<ResourceQuota> JsonType => ViewJson.Default.ResourceQuota;
    public ObjectMeta Metadata { get; init => field = value ?? field; } = new();
    public ResourceQuotaSpec Spec { get; init => field = value ?? field; } = new();
}

public sealed record ResourceQuotaSpec
{
    public IReadOnlyDictionary<string, JsonElement> Hard { get; init => field = value ?? field; } = FrozenDictionary<string, JsonElement>.Empty;
}
