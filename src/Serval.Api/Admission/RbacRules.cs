using System.Text.Json.Nodes;
using Serval.Api.Core;

namespace Serval.Api.Admission;

/// <summary>Kubernetes' rules of roles and their bindings (kubernetes pkg/apis/rbac/v1/defaults.go, pkg/apis/rbac/validation/validation.go).</summary>
internal static class RbacRules
{
    public static bool Concerns(ResourceKind kind) => kind.Group == AccessKinds.RbacGroup;

    /// <summary>Names of roles and bindings may hold colons and more; only what breaks a path is refused.</summary>
    public static string? Name(string name) =>
        name is "." or ".." ? $"may not be '{name}'"
        : name.Contains('/') ? "may not contain '/'"
        : name.Contains('%') ? "may not contain '%'"
        : null;

    public static void Default(ResourceKind kind, JsonObject tree)
    {
        if (!IsBinding(kind))
        {
            return;
        }
        tree.Ensure("roleRef").DefaultZero("apiGroup", AccessKinds.RbacGroup);
        foreach (var (_, subject) in tree.Objects("subjects"))
        {
            if (subject.String("kind") is "User" or "Group")
            {
                subject.DefaultZero("apiGroup", AccessKinds.RbacGroup);
            }
        }
    }

    public static void Check(ResourceKind kind, JsonObject tree, JsonObject? old, Problems to)
    {
        if (IsBinding(kind))
        {
            Binding(kind, tree, old, to);
            return;
        }
        foreach (var (i, rule) in tree.Objects("rules"))
        {
            Rule(kind, rule, $"rules[{i}]", to);
        }
        if (tree.Object("aggregationRule") is { } aggregation && aggregation.Array("clusterRoleSelectors") is not { Count: > 0 })
        {
            to.Required("aggregationRule.clusterRoleSelectors", "at least one clusterRoleSelector required if aggregationRule is non-nil");
        }
        foreach (var (i, selector) in tree.Object("aggregationRule").Objects("clusterRoleSelectors"))
        {
            WorkloadRules.ParseSelector(selector, $"aggregationRule.clusterRoleSelectors[{i}]", to);
        }
    }

    private static bool IsBinding(ResourceKind kind) => kind == AccessKinds.RoleBinding || kind == AccessKinds.ClusterRoleBinding;

    private static void Rule(ResourceKind kind, JsonObject rule, string path, Problems to)
    {
        if (rule.Array("verbs") is not { Count: > 0 })
        {
            to.Required($"{path}.verbs", "verbs must contain at least one value");
        }
        if (rule.Array("nonResourceURLs") is { Count: > 0 } urls)
        {
            if (kind.Namespaced)
            {
                to.Invalid($"{path}.nonResourceURLs", urls.ToJsonString(), "namespaced rules cannot apply to non-resource URLs");
            }
            if (Holds(rule, "apiGroups") || Holds(rule, "resources") || Holds(rule, "resourceNames"))
            {
                to.Invalid($"{path}.nonResourceURLs", urls.ToJsonString(), "rules cannot apply to both regular resources and non-resource URLs");
            }
            return;
        }
        if (!Holds(rule, "apiGroups"))
        {
            to.Required($"{path}.apiGroups", "resource rules must supply at least one api group");
        }
        if (!Holds(rule, "resources"))
        {
            to.Required($"{path}.resources", "resource rules must supply at least one resource");
        }
    }

    private static bool Holds(JsonObject rule, string field) => rule.Array(field) is { Count: > 0 };

    private static void Binding(ResourceKind kind, JsonObject tree, JsonObject? old, Problems to)
    {
        var role = tree.Object("roleRef");
        if (role.String("apiGroup") != AccessKinds.RbacGroup)
        {
            to.Unsupported("roleRef.apiGroup", role.String("apiGroup"), AccessKinds.RbacGroup);
        }
        ReadOnlySpan<string> kinds = kind.Namespaced ? ["Role", "ClusterRole"] : ["ClusterRole"];
        if (!kinds.Contains(role.String("kind")))
        {
            to.Unsupported("roleRef.kind", role.String("kind"), kinds);
        }
        if (role.String("name").Length == 0)
        {
            to.Required("roleRef.name");
        }
        else
        {
            to.Check("roleRef.name", role.String("name"), Name);
        }
        foreach (var (i, subject) in tree.Objects("subjects"))
        {
            Subject(kind, subject, $"subjects[{i}]", to);
        }
        if (old is not null && !JsonNode.DeepEquals(old["roleRef"], tree["roleRef"]))
        {
            to.Invalid("roleRef", Shown(role), "cannot change roleRef");
        }
    }

    /// <summary>A role as upstream's errors show it: its own type, which says nothing of JSON (kubernetes pkg/apis/rbac/types.go, RoleRef).</summary>
    private static string Shown(JsonObject? role) =>
        new JsonObject { ["APIGroup"] = role.String("apiGroup"), ["Kind"] = role.String("kind"), ["Name"] = role.String("name") }.ToJsonString();

    private static void Subject(ResourceKind kind, JsonObject subject, string path, Problems to)
    {
        var group = subject.String("apiGroup");
        var name = subject.String("name");
        if (name.Length == 0)
        {
            to.Required($"{path}.name");
        }
        switch (subject.String("kind"))
        {
            case "ServiceAccount":
                if (name.Length > 0)
                {
                    to.Check($"{path}.name", name, Names.Subdomain);
                }
                if (group.Length > 0)
                {
                    to.Unsupported($"{path}.apiGroup", group, "");
                }
                if (!kind.Namespaced && subject.String("namespace").Length == 0)
                {
                    to.Required($"{path}.namespace");
                }
                break;
            case "User" or "Group":
                if (group != AccessKinds.RbacGroup)
                {
                    to.Unsupported($"{path}.apiGroup", group, AccessKinds.RbacGroup);
                }
                break;
            case var other:
                to.Unsupported($"{path}.kind", other, "ServiceAccount", "User", "Group");
                break;
        }
    }
}
