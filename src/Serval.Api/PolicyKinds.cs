namespace Serval.Api;

/// <summary>The kinds of policy/v1.</summary>
public static class PolicyKinds
{
    /// <summary>Asked of a Pod: <c>pods/NAME/eviction</c>.</summary>
    public const string Eviction = "Eviction";
    public const string EvictionVersion = "policy/v1";

    public static readonly ResourceKind PodDisruptionBudget = new()
    {
        Group = "policy", Version = "v1", Kind = "PodDisruptionBudget", Plural = "poddisruptionbudgets", ShortNames = ["pdb"],
    };
}
