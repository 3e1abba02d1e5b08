using System.Text.Json.Nodes;

namespace Serval.Api.Access;

/// <summary>Puts cluster roles together from others (kubernetes pkg/controller/clusterroleaggregation).</summary>
public static class AggregatedRules
{
    /// <summary>The rules of all that the role's selectors pick, by name and without repetition; null when it has no selectors.</summary>
    public static JsonArray? Of(KubeObject role, IEnumerable<KubeObject> all)
    {
        if (role.As<RoleView>().AggregationRule is not { } aggregation)
        {
            return null;
        }
        var rules = new JsonArray();
        var known = new HashSet<string>(StringComparer.Ordinal);
        foreach (var other in all.Where(r => r.Key != role.Key && aggregation.ClusterRoleSelectors.Any(s => s.Matches(r.Metadata.Labels)))
            .OrderBy(r => r.Metadata.Name, StringComparer.Ordinal))
        {
            foreach (var rule in other.ToTree()["rules"] as JsonArray ?? [])
            {
                if (rule is not null && known.Add(rule.ToJsonString()))
                {
                    rules.Add(rule.DeepClone());
                }
            }
        }
        return rules;
    }
}
