using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Access;
using Serval.ApiServer.Http;

namespace Serval.ApiServer.Access;

/// <summary>
/// Nobody grants what he does not hold, unless he may <c>escalate</c> the role or <c>bind</c> it
/// (kubernetes pkg/registry/rbac/{role,clusterrole,rolebinding,clusterrolebinding}/policybased, pkg/registry/rbac/validation).
/// </summary>
internal static class Escalation
{
    /// <summary>More single permissions than this are not gone through.</summary>
    private const int MostPermissions = 10_000;

    /// <summary>What an administrator holds.</summary>
    public static readonly IReadOnlyList<PolicyRule> Everything =
    [
        new() { Verbs = ["*"], ApiGroups = ["*"], Resources = ["*"] }, new() { Verbs = ["*"], NonResourceUrls = ["*"] },
    ];

    /// <summary>What is to look at each write of the request; null when there is nothing to look for.</summary>
    public static Action<KubeObject, KubeObject?>? Of(ApiRequest request) => request.User.IsAdmin || request.Access is not { } access
        ? null
        : (next, old) =>
        {
            if (old is null && request.Info.Verb is "update" or "patch")
            {
                access.Require(request.User, request.Info with { Verb = "create" }); // an absent object is made by some of both
            }
            if (request.Info.Group == AccessKinds.RbacGroup)
            {
                Check(access, request, next, old);
            }
        };

    private static void Check(RbacAuthorizer access, ApiRequest request, KubeObject next, KubeObject? old)
    {
        if (old is not null && IsSameButOwners(next, old))
        {
            return;
        }
        if (next.Kind is "Role" or "ClusterRole")
        {
            Role(access, request, next);
        }
        else
        {
            Binding(access, request, next);
        }
    }

    private static void Role(RbacAuthorizer access, ApiRequest request, KubeObject next)
    {
        if (access.Decide(request.User, request.Info with { Verb = "escalate" }).Allowed)
        {
            return;
        }
        var role = next.As<RoleView>();
        RequireHeld(access, request, next, role.Rules);
        if (role.AggregationRule is not null && Missing(access, request, Everything).Count > 0)
        {
            throw Refused(request, next, "must have cluster-admin privileges to use the aggregationRule");
        }
    }

    private static void Binding(RbacAuthorizer access, ApiRequest request, KubeObject next)
    {
        var role = next.As<RoleBindingView>().RoleRef;
        var wanted = new RequestInfo(
            true, "", "bind", AccessKinds.RbacGroup, "v1", role.Kind == "Role" ? "roles" : "clusterroles", "", request.Info.Namespace, role.Name);
        if (access.Decide(request.User, wanted).Allowed)
        {
            return;
        }
        var rules = access.Index.RulesOf(role, request.Info.Namespace)
            ?? throw ApiException.NotFound(next.Kind == "RoleBinding" ? AccessKinds.RoleBinding : AccessKinds.ClusterRoleBinding, role.Name); // named so upstream too
        RequireHeld(access, request, next, rules);
    }

    private static void RequireHeld(RbacAuthorizer access, ApiRequest request, KubeObject next, IReadOnlyList<PolicyRule> rules)
    {
        if (rules.Sum(PermissionsOf) > MostPermissions)
        {
            throw Refused(request, next, $"the rules hold more than {MostPermissions} single permissions: have them granted by who may escalate or bind");
        }
        var missing = Missing(access, request, rules);
        if (missing.Count > 0)
        {
            throw Refused(request, next,
                $"user {Quoted(request.User.Name)} (groups={Quoted(request.User.Groups)}) is attempting to grant RBAC permissions not currently held:\n{string.Join('\n', missing)}");
        }
    }

    /// <summary>What of the rules the user does not hold, a line for each resource or path, in order.</summary>
    private static List<string> Missing(RbacAuthorizer access, ApiRequest request, IReadOnlyList<PolicyRule> rules)
    {
        var held = access.Index.RulesOf(request.User, request.Info.Namespace).ToList();
        return
        [
            .. rules.SelectMany(Permissions).Where(p => !held.Any(h => h.Allows(p)))
                .GroupBy(p => p.IsResource ? p with { Verb = "" } : p, p => p.Verb) // upstream puts verbs together for resources alone
                .Select(g => Line(g.Key, [.. g.Distinct()]))
                .Order(StringComparer.Ordinal),
        ];
    }

    // At least as many; in floating point, for a product of lists' lengths can be more than any integer holds.
    private static double PermissionsOf(PolicyRule rule) => Math.Max(1.0, rule.Verbs.Count) * Math.Max(1, rule.NonResourceUrls.Count)
        * Math.Max(1, rule.ApiGroups.Count) * Math.Max(1, rule.Resources.Count) * Math.Max(1, rule.ResourceNames.Count);

    /// <summary>A rule taken apart into single permissions.</summary>
    private static IEnumerable<RequestInfo> Permissions(PolicyRule rule)
    {
        var resources =
            from verb in rule.Verbs
            from @group in rule.ApiGroups
            from resource in rule.Resources
            from name in rule.ResourceNames.DefaultIfEmpty("")
            let parts = resource.Split('/', 2)
            select new RequestInfo(true, "", verb, @group, "", parts[0], parts.Length > 1 ? parts[1] : "", "", name);
        return resources.Concat(from verb in rule.Verbs from url in rule.NonResourceUrls select new RequestInfo(false, url, verb));
    }

    private static string Line(in RequestInfo what, IReadOnlyList<string> verbs)
    {
        var resource = what.Subresource.Length > 0 ? $"{what.Resource}/{what.Subresource}" : what.Resource;
        var subject = !what.IsResource ? $"NonResourceURLs:{Quoted([what.Path])}"
            : $"APIGroups:{Quoted([what.Group])}, Resources:{Quoted([resource])}" + (what.Name.Length > 0 ? $", ResourceNames:{Quoted([what.Name])}" : "");
        return $"{{{subject}, Verbs:{Quoted(verbs)}}}";
    }

    /// <summary>What collectors of garbage write. Labels are not among it: by them a role becomes part of others (registry/rbac: IsOnlyMutatingGCFields).</summary>
    private static bool IsSameButOwners(KubeObject next, KubeObject old)
    {
        var (after, before) = (next.ToTree(), old.ToTree());
        foreach (var field in new[] { "finalizers", "ownerReferences", "managedFields", "resourceVersion" })
        {
            after["metadata"]?.AsObject().Remove(field);
            before["metadata"]?.AsObject().Remove(field);
        }
        return JsonNode.DeepEquals(after, before);
    }

    private static ApiException Refused(ApiRequest request, KubeObject next, string why) =>
        Failures.Forbidden(request.Info with { Name = next.Metadata.Name }, why);

    private static string Quoted(string text) => $"\"{text.Replace("\\", "\\\\").Replace("\"", "\\\"")}\"";

    private static string Quoted(IReadOnlyList<string> texts) => $"[{string.Join(' ', texts.Select(Quoted))}]";
}
