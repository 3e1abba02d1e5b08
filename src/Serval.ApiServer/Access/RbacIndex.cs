using Serval.Api;
using Serval.Api.Access;
using Serval.ApiServer.Certificates;

namespace Serval.ApiServer.Access;

/// <summary>How a request was judged, and why; the reason of a refusal is empty unless something is amiss with the roles.</summary>
internal readonly record struct AccessDecision(bool Allowed, string Reason);

/// <summary>
/// Every grant of one state of the roles and bindings, by namespace and then by user or group: a request looks only at rules that are its own. Immutable.
/// (kubernetes plugin/pkg/auth/authorizer/rbac/rbac.go)
/// </summary>
internal sealed class RbacIndex
{
    private readonly Dictionary<string, Scope> _scopes = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Namespace, string Name), KubeObject> _roles = [];

    public RbacIndex(
        IEnumerable<KubeObject> clusterRoles, IEnumerable<KubeObject> roles, IEnumerable<KubeObject> clusterBindings, IEnumerable<KubeObject> bindings)
    {
        foreach (var role in clusterRoles.Concat(roles))
        {
            _roles[(role.Metadata.Namespace, role.Metadata.Name)] = role;
        }
        foreach (var binding in clusterBindings.Concat(bindings))
        {
            Add(binding);
        }
    }

    public AccessDecision Decide(UserInfo user, in RequestInfo request)
    {
        var missing = "";
        return Decide("", user, request, ref missing) is { } everywhere ? new(true, everywhere)
            : request.Namespace.Length > 0 && Decide(request.Namespace, user, request, ref missing) is { } here ? new(true, here)
            : new(false, missing.Length > 0 ? "RBAC: " + missing : "");
    }

    /// <summary>What a user may do in a namespace, each rule once however often it is bound; with none, what he may do everywhere.</summary>
    public IEnumerable<PolicyRule> RulesOf(UserInfo user, string ns)
    {
        string[] scopes = ns.Length > 0 ? ["", ns] : [""];
        return scopes.Where(_scopes.ContainsKey).SelectMany(s => GrantsOf(_scopes[s], user)).SelectMany(g => g.Rules).Distinct<PolicyRule>(ReferenceEqualityComparer.Instance);
    }

    /// <summary>The rules of a role that is bound in a namespace; null when there is no such role.</summary>
    public IReadOnlyList<PolicyRule>? RulesOf(RoleReference role, string ns) => Find(role, ns)?.As<RoleView>().Rules;

    public static string NotFound(RoleReference role) => $"{role.Kind.ToLowerInvariant()}.{AccessKinds.RbacGroup} \"{role.Name}\" not found";

    private KubeObject? Find(RoleReference role, string ns) => _roles.GetValueOrDefault((role.Kind == "Role" ? ns : "", role.Name));

    private void Add(KubeObject binding)
    {
        var ns = binding.Metadata.Namespace;
        var view = binding.As<RoleBindingView>();
        var rules = RulesOf(view.RoleRef, ns);
        if (!_scopes.TryGetValue(ns, out var scope))
        {
            _scopes[ns] = scope = new Scope();
        }
        var name = ns.Length > 0 ? $"RoleBinding \"{binding.Metadata.Name}/{ns}\"" : $"ClusterRoleBinding \"{binding.Metadata.Name}\"";
        foreach (var subject in view.Subjects)
        {
            var home = subject.Namespace.Length > 0 ? subject.Namespace : ns;
            var (holders, who, shown) = subject.Kind switch
            {
                "Group" => (scope.Groups, subject.Name, subject.Name),
                "ServiceAccount" => (scope.Users, $"system:serviceaccount:{home}:{subject.Name}", $"{subject.Name}/{home}"),
                _ => (scope.Users, subject.Name, subject.Name),
            };
            if (!holders.TryGetValue(who, out var grants))
            {
                holders[who] = grants = [];
            }
            grants.Add(new Grant(rules ?? [], rules is null
                ? NotFound(view.RoleRef)
                : $"RBAC: allowed by {name} of {view.RoleRef.Kind} \"{view.RoleRef.Name}\" to {subject.Kind} \"{shown}\""));
        }
    }

    /// <summary>Why a scope allows the request, or null.</summary>
    private string? Decide(string ns, UserInfo user, in RequestInfo request, ref string missing)
    {
        if (!_scopes.TryGetValue(ns, out var scope))
        {
            return null;
        }
        if (scope.Users.TryGetValue(user.Name, out var own) && Decide(own, request, ref missing) is { } mine)
        {
            return mine;
        }
        for (var i = 0; i < user.Groups.Count; i++)
        {
            if (scope.Groups.TryGetValue(user.Groups[i], out var shared) && Decide(shared, request, ref missing) is { } ours)
            {
                return ours;
            }
        }
        return null;
    }

    private static string? Decide(List<Grant> grants, in RequestInfo request, ref string missing)
    {
        foreach (var grant in grants)
        {
            if (grant.Rules.Count == 0 && !grant.Reason.StartsWith("RBAC", StringComparison.Ordinal))
            {
                missing = grant.Reason;
            }
            for (var i = 0; i < grant.Rules.Count; i++)
            {
                if (grant.Rules[i].Allows(request))
                {
                    return grant.Reason;
                }
            }
        }
        return null;
    }

    private static IEnumerable<Grant> GrantsOf(Scope scope, UserInfo user) =>
        scope.Users.GetValueOrDefault(user.Name, []).Concat(user.Groups.SelectMany(g => scope.Groups.GetValueOrDefault(g, [])));

    private sealed class Scope
    {
        public Dictionary<string, List<Grant>> Users { get; } = new(StringComparer.Ordinal);

        public Dictionary<string, List<Grant>> Groups { get; } = new(StringComparer.Ordinal);
    }

    /// <param name="Rules">What is granted.</param>
    /// <param name="Reason">By what; where the role is not there, that.</param>
    private sealed record Grant(IReadOnlyList<PolicyRule> Rules, string Reason);
}
