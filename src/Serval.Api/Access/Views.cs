using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Serval.Api.Access;

/// <summary>What is allowed with some resources or some paths (rbac/v1 PolicyRule).</summary>
public sealed record PolicyRule
{
    public IReadOnlyList<string> Verbs { get; init => field = value ?? field; } = [];

    /// <summary><c>""</c> is the core group.</summary>
    public IReadOnlyList<string> ApiGroups { get; init => field = value ?? field; } = [];

    /// <summary><c>pods</c>, <c>pods/log</c>, <c>*/scale</c>, <c>*</c>.</summary>
    public IReadOnlyList<string> Resources { get; init => field = value ?? field; } = [];

    /// <summary>Empty is every object.</summary>
    public IReadOnlyList<string> ResourceNames { get; init => field = value ?? field; } = [];

    /// <summary>Paths, those that end in <c>*</c> with what is below them.</summary>
    [JsonPropertyName("nonResourceURLs")]
    public IReadOnlyList<string> NonResourceUrls { get; init => field = value ?? field; } = [];
}

/// <summary>rbac/v1 Role and ClusterRole.</summary>
public sealed record RoleView : IKubeView<RoleView>
{
    public static JsonTypeInfo<RoleView> JsonType => ViewJson.Default.RoleView;

    public IReadOnlyList<PolicyRule> Rules { get; init => field = value ?? field; } = [];

    public AggregationRule? AggregationRule { get; init; }
}

/// <summary>Which cluster roles give a cluster role its rules.</summary>
public sealed record AggregationRule
{
    public IReadOnlyList<LabelSelector> ClusterRoleSelectors { get; init => field = value ?? field; } = [];
}

/// <summary>rbac/v1 RoleBinding and ClusterRoleBinding.</summary>
public sealed record RoleBindingView : IKubeView<RoleBindingView>
{
    public static JsonTypeInfo<RoleBindingView> JsonType => ViewJson.Default.RoleBindingView;

    public IReadOnlyList<RoleSubject> Subjects { get; init => field = value ?? field; } = [];

    public RoleReference RoleRef { get; init => field = value ?? field; } = new();
}

/// <summary>Whom a role is granted to.</summary>
public sealed record RoleSubject
{
    /// <summary><c>User</c>, <c>Group</c> or <c>ServiceAccount</c>.</summary>
    public string Kind { get; init => field = value ?? field; } = "";

    public string Name { get; init => field = value ?? field; } = "";

    public string Namespace { get; init => field = value ?? field; } = "";
}

/// <summary>Which role is granted.</summary>
public sealed record RoleReference
{
    /// <summary><c>Role</c> or <c>ClusterRole</c>.</summary>
    public string Kind { get; init => field = value ?? field; } = "";

    public string Name { get; init => field = value ?? field; } = "";
}
