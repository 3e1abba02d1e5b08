using System.Text.Json.Nodes;

namespace Serval.Api.Access;

/// <summary>
/// The roles and bindings every cluster has (kubernetes plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go), those that Knative adds to admin,
/// edit and view (knative serving config/core/200-roles/clusterrole-namespaced.yaml) among them.
/// </summary>
public static partial class BootstrapRoles
{
    /// <summary>On an object here: whether a start brings its missing rules back; <c>false</c> leaves it alone.</summary>
    public const string AutoUpdate = "rbac.authorization.kubernetes.io/autoupdate";

    private const string Read = "get list watch";
    private const string Write = "create delete deletecollection patch update";
    private const string All = Write + " " + Read;
    private const string Aggregate = "rbac.authorization.k8s.io/aggregate-to-";
    private const string Knative = "networking.internal.knative.dev autoscaling.internal.knative.dev caching.internal.knative.dev";

    private const string Workloads =
        "statefulsets statefulsets/scale daemonsets deployments deployments/scale replicasets replicasets/scale";

    /// <summary>Cluster roles; an aggregated one after those it is put together from, with their rules.</summary>
    public static IReadOnlyList<KubeObject> ClusterRoles() => Aggregated(
    [
        Role("cluster-admin", [], On("*", "*", "*"), At("*", "*")),
        Role("system:discovery", [], At("get", "/api /api/* /apis /apis/* /healthz /livez /openapi /openapi/* /readyz /version /version/")),
        Role("system:public-info-viewer", [], At("get", "/healthz /livez /readyz /version /version/")),
        Role("system:service-account-issuer-discovery", [], At("get", "/.well-known/openid-configuration /.well-known/openid-configuration/ /openid/v1/jwks /openid/v1/jwks/")),
        Role("system:basic-user", [],
            On("create", "authorization.k8s.io", "selfsubjectaccessreviews selfsubjectrulesreviews"),
            On("create", "authentication.k8s.io", "selfsubjectreviews")),
        Role("system:auth-delegator", [],
            On("create", "authentication.k8s.io", "tokenreviews"), On("create", "authorization.k8s.io", "subjectaccessreviews")),
        Role("system:aggregate-to-view", ["view"],
            On(Read, "", "configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers replicationcontrollers/scale "
                + "serviceaccounts services services/status"),
            On(Read, "", "bindings events limitranges namespaces/status pods/log pods/status replicationcontrollers/status resourcequotas resourcequotas/status"),
            On(Read, "", "namespaces"),
            On(Read, "discovery.k8s.io", "endpointslices"),
            On(Read, "apps", $"controllerrevisions statefulsets/status daemonsets/status deployments/status replicasets/status {Workloads}"),
            On(Read, "autoscaling", "horizontalpodautoscalers horizontalpodautoscalers/status"),
            On(Read, "batch", "cronjobs cronjobs/status jobs jobs/status"),
            On(Read, "policy", "poddisruptionbudgets poddisruptionbudgets/status"),
            On(Read, "networking.k8s.io", "ingresses ingresses/status networkpolicies")),
        Role("system:aggregate-to-edit", ["edit"],
            On(Read, "", "pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy"),
            On("impersonate", "", "serviceaccounts"),
            On(Write, "", "pods pods/attach pods/exec pods/portforward pods/proxy"),
            On("create", "", "pods/eviction"),
            On(Write, "", "configmaps events persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets serviceaccounts services services/proxy"),
            On("create", "", "serviceaccounts/token"),
            On(Write, "apps", $"deployments/rollback {Workloads}"),
            On(Write, "autoscaling", "horizontalpodautoscalers"),
            On(Write, "batch", "cronjobs jobs"),
            On(Write, "policy", "poddisruptionbudgets"),
            On(Write, "networking.k8s.io", "ingresses networkpolicies"),
            On(All, "coordination.k8s.io", "leases")),
        Role("system:aggregate-to-admin", ["admin"],
            On("create", "authorization.k8s.io", "localsubjectaccessreviews"), On(All, AccessKinds.RbacGroup, "rolebindings roles")),
        Role("knative-serving-namespaced-admin", ["admin"], On("*", "serving.knative.dev", "*"), On(Read, Knative, "*")),
        Role("knative-serving-namespaced-edit", ["edit"], On("create update patch delete", "serving.knative.dev", "*"), On(Read, Knative, "*")),
        Role("knative-serving-namespaced-view", ["view"], On(Read, "serving.knative.dev " + Knative, "*")),
        Gathered("view", "edit"),
        Gathered("edit", "admin"),
        Gathered("admin", ""),
    ]);

    public static IReadOnlyList<KubeObject> ClusterRoleBindings() =>
    [
        Binding("cluster-admin", Group("system:masters")),
        Binding("system:discovery", Group("system:authenticated")),
        Binding("system:service-account-issuer-discovery", Group("system:serviceaccounts")),
        Binding("system:basic-user", Group("system:authenticated")),
        Binding("system:public-info-viewer", Group("system:authenticated")),
    ];

    private static List<KubeObject> Aggregated(List<KubeObject> roles)
    {
        for (var i = 0; i < roles.Count; i++)
        {
            if (AggregatedRules.Of(roles[i], roles) is { } rules)
            {
                roles[i] = roles[i].With(tree => tree["rules"] = rules);
            }
        }
        return roles;
    }

    private static KubeObject Role(string name, string[] aggregateTo, params JsonObject[] rules)
    {
        var role = Object("ClusterRole", name, [.. aggregateTo.Select(a => Aggregate + a)]);
        role["rules"] = new JsonArray([.. rules]);
        return KubeObject.From(role);
    }

    /// <summary>A role that is put together, and that <paramref name="above"/> is put together from.</summary>
    private static KubeObject Gathered(string name, string above)
    {
        var role = Object("ClusterRole", name, above.Length > 0 ? [Aggregate + above] : []);
        role["aggregationRule"] = new JsonObject
        {
            ["clusterRoleSelectors"] = new JsonArray(new JsonObject { ["matchLabels"] = new JsonObject { [Aggregate + name] = "true" } }),
        };
        return KubeObject.From(role);
    }

    private static KubeObject Binding(string role, JsonObject subject)
    {
        var binding = Object("ClusterRoleBinding", role, []);
        binding["roleRef"] = new JsonObject { ["apiGroup"] = AccessKinds.RbacGroup, ["kind"] = "ClusterRole", ["name"] = role };
        binding["subjects"] = new JsonArray(subject);
        return KubeObject.From(binding);
    }

    private static JsonObject Group(string name) => new() { ["apiGroup"] = AccessKinds.RbacGroup, ["kind"] = "Group", ["name"] = name };

    private static JsonObject Object(string kind, string name, string[] labels)
    {
        var set = new JsonObject { ["kubernetes.io/bootstrapping"] = "rbac-defaults" };
        foreach (var label in labels)
        {
            set[label] = "true";
        }
        return new JsonObject
        {
            ["apiVersion"] = AccessKinds.Role.ApiVersion, ["kind"] = kind,
            ["metadata"] = new JsonObject { ["name"] = name, ["labels"] = set, ["annotations"] = new JsonObject { [AutoUpdate] = "true" } },
        };
    }

    private static JsonObject On(string verbs, string groups, string resources) =>
        new() { ["apiGroups"] = Words(groups), ["resources"] = Words(resources), ["verbs"] = Words(verbs) };

    private static JsonObject At(string verbs, string paths) => new() { ["nonResourceURLs"] = Words(paths), ["verbs"] = Words(verbs) };

    private static JsonArray Words(string text) => [.. text.Split(' ').Select(w => JsonValue.Create(w))];
}
