namespace Serval.Api;

/// <summary>The kinds of policy/v1.</summary>
public static class PolicyKinds
{
    public static readonly ResourceKind PodDisruptionBudget = new()
    {
        Group = "policy", Version = "v1", Kind = "PodDisruptionBudget", Plural = "poddisruptionbudgets", ShortNames = ["pdb"],
    };
}
