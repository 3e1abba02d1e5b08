using System.Text.Json.Nodes;
using Serval.Api.Serving;

namespace Serval.Api.Access;

/// <summary>
/// What Serval's roles may do where each is a process of its own: the user <c>system:serval-ROLE</c> of its kubeconfig works on objects, the service
/// account <c>knative-serving/serval-ROLE</c>, whose tokens other roles see, only reads signals.
/// </summary>
public static partial class BootstrapRoles
{
    private const string Create = "create";
    private const string NodeLeases = "kube-node-lease";

    /// <param name="workloads">Whether the controllers look after pods, their owners, definitions and garbage too.</param>
    public static IReadOnlyList<KubeObject> ProcessClusterRoles(bool workloads = true) =>
    [
        workloads
            // Whoever collects garbage and empties namespaces reaches everything, and whoever aggregates cluster roles grants what he has not (as upstream's controllers).
            ? Role("system:serval-controller", [],
                On("get list watch patch update delete", "*", "*"),
                On("escalate", AccessKinds.RbacGroup, "clusterroles"),
                On(Create, "", "pods pods/binding services endpoints secrets configmaps namespaces serviceaccounts events"),
                On(Create, "apps", "deployments replicasets"),
                On(Create, "autoscaling", "horizontalpodautoscalers"),
                On(Create, "discovery.k8s.io", "endpointslices"),
                On(Create, "coordination.k8s.io", "leases"),
                On(Create, "serving.knative.dev", "configurations routes revisions"),
                On(Create, Knative, "*"))
            : Role("system:serval-controller", [],
                On(All, "serving.knative.dev " + Knative, "*"),
                On(All, "apps", "deployments deployments/scale"),
                On(All, "autoscaling", "horizontalpodautoscalers"),
                On(All, "discovery.k8s.io", "endpointslices endpointslices/restricted"),
                On(All, "coordination.k8s.io", "leases"),
                On(All, "", "services services/status endpoints endpoints/restricted secrets"),
                On(Read, "", "configmaps namespaces nodes pods serviceaccounts"),
                On(Read, "apps", "replicasets"),
                On(Read, "apiextensions.k8s.io", "customresourcedefinitions"),
                On("create patch", "", "events")),
        Role("system:serval-gateway", [],
            On(Read, "", "services secrets pods configmaps nodes namespaces"),
            On(Read, "discovery.k8s.io", "endpointslices"),
            On(Read, "coordination.k8s.io", "leases"),
            On(Read, "serving.knative.dev", "revisions"),
            On(Read, "networking.internal.knative.dev", "ingresses serverlessservices"),
            On("create patch", "", "events"),
            TokenReviews(), AccessReviews()),
        Role("system:serval-node", [],
            On(Read, "", "pods services endpoints secrets configmaps serviceaccounts namespaces nodes"),
            On(Read, "coordination.k8s.io", "leases"),
            On(Read, "networking.internal.knative.dev", "ingresses"),
            On(Read, "networking.k8s.io", "servicecidrs"),
            On("patch update delete", "", "pods"),
            On("patch update", "", "pods/status nodes/status"),
            On("patch", "", "pods/ephemeralcontainers"),
            On("create patch update", "", "nodes"),
            On("create patch", "", "events"),
            On(Create, "", "serviceaccounts/token"),
            TokenReviews(), AccessReviews()),
        Role("system:serval-signals-apiserver", [], On("get create", "", "nodes/proxy")),
        Role("system:serval-signals-controller", [], At("get", "/signals/demand /signals/routes /signals/usage /signals/image")),
        Role("system:serval-signals-gateway", [], At("get post", "/signals/capacity /signals/request-log")),
        Role("system:serval-signals-node", [], At("get", "/signals/idle")),
    ];

    /// <summary>Service accounts, bindings and the roles of single namespaces.</summary>
    /// <param name="accounts">Whether roles work on objects by tokens of their service accounts, and not as users.</param>
    public static IReadOnlyList<(ResourceKind Kind, KubeObject Object)> ProcessGrants(bool accounts = false)
    {
        var grants = new List<(ResourceKind Kind, KubeObject Object)>();
        foreach (var role in (string[])["apiserver", "controller", "gateway", "node"])
        {
            grants.Add((Kinds.ServiceAccount, Account($"serval-{role}")));
            grants.Add((AccessKinds.ClusterRoleBinding, Binding($"system:serval-signals-{role}", AccountSubject($"serval-{role}"))));
        }
        foreach (var role in (string[])["controller", "gateway", "node"])
        {
            var ownToken = On(Create, "", "serviceaccounts/token");
            ownToken["resourceNames"] = Words($"serval-{role}");
            grants.Add((AccessKinds.ClusterRoleBinding, Binding($"system:serval-{role}", Subject(role))));
            grants.AddRange(Within(KnativeNames.SystemNamespace, $"system:serval-{role}", Subject(role), role == "gateway" ? [ownToken, Leases()] : [ownToken]));
        }
        grants.AddRange(Within(NodeLeases, "system:serval-node", Subject("node"), [Leases()]));
        return grants;

        JsonObject Subject(string role) => accounts ? AccountSubject($"serval-{role}") : User($"system:serval-{role}");

        static JsonObject Leases() => On(Write, "coordination.k8s.io", "leases");
    }

    /// <summary>Rules for one subject in one namespace.</summary>
    private static IEnumerable<(ResourceKind Kind, KubeObject Object)> Within(string ns, string name, JsonObject subject, JsonObject[] rules)
    {
        var (role, binding) = (Object("Role", name, []), Object("RoleBinding", name, []));
        role["rules"] = new JsonArray([.. rules]);
        binding["roleRef"] = new JsonObject { ["apiGroup"] = AccessKinds.RbacGroup, ["kind"] = "Role", ["name"] = name };
        binding["subjects"] = new JsonArray(subject);
        (role["metadata"]!["namespace"], binding["metadata"]!["namespace"]) = (ns, ns);
        return [(AccessKinds.Role, KubeObject.From(role)), (AccessKinds.RoleBinding, KubeObject.From(binding))];
    }

    private static KubeObject Account(string name) => KubeObject.From(new JsonObject
    {
        ["apiVersion"] = "v1", ["kind"] = "ServiceAccount", ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = KnativeNames.SystemNamespace },
    });

    private static JsonObject AccountSubject(string name) => new() { ["kind"] = "ServiceAccount", ["name"] = name, ["namespace"] = KnativeNames.SystemNamespace };

    private static JsonObject User(string name) => new() { ["apiGroup"] = AccessKinds.RbacGroup, ["kind"] = "User", ["name"] = name };

    private static JsonObject TokenReviews() => On(Create, "authentication.k8s.io", "tokenreviews");

    private static JsonObject AccessReviews() => On(Create, "authorization.k8s.io", "subjectaccessreviews");
}
