using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Serval.Api;

namespace Serval.ApiServer.Tables;

/// <summary>The layout of every kind: Kubernetes' own columns for its built-in kinds, the kind's declared ones for the rest.</summary>
internal static class TableLayouts
{
    private static readonly ConcurrentDictionary<ResourceKind, TableLayout> s_layouts = new();
    private static readonly ConditionalWeakTable<KindShape, TableLayout> s_custom = [];

    public static TableLayout For(ResourceKind kind) => kind.Shape is { } shape
        ? s_custom.GetValue(shape, _ => ColumnPrinter.Layout(kind))
        : s_layouts.GetOrAdd(kind, static k => k.ViewOf is { } kept ? Create(kept) with { Kept = k.Form!.Write } : Create(k));

    private static TableLayout Create(ResourceKind kind) => kind.ResourceName switch
    {
        "pods" => PodPrinter.Layout,
        "deployments.apps" => WorkloadPrinters.Deployment,
        "replicasets.apps" => WorkloadPrinters.ReplicaSet,
        "horizontalpodautoscalers.autoscaling" => WorkloadPrinters.HorizontalPodAutoscaler,
        "jobs.batch" => JobPrinter.Layout,
        "poddisruptionbudgets.policy" => DisruptionPrinter.Layout,
        "services" => NetworkPrinters.Service,
        "endpoints" => NetworkPrinters.Endpoints,
        "statefulsets.apps" => StoredPrinters.StatefulSet,
        "mutatingwebhookconfigurations.admissionregistration.k8s.io" or "validatingwebhookconfigurations.admissionregistration.k8s.io" => StoredPrinters.Webhooks,
        "apiservices.apiregistration.k8s.io" => StoredPrinters.ApiService,
        "endpointslices.discovery.k8s.io" => NetworkPrinters.EndpointSlice,
        "configmaps" => CorePrinters.ConfigMap,
        "secrets" => CorePrinters.Secret,
        "namespaces" => CorePrinters.Namespace,
        "serviceaccounts" => CorePrinters.ServiceAccount,
        "nodes" => NodePrinter.Layout,
        "resourcequotas" => CorePrinters.ResourceQuota,
        "events" => EventPrinter.Layout,
        "leases.coordination.k8s.io" => CorePrinters.Lease,
        "limitranges" or "customresourcedefinitions.apiextensions.k8s.io" or "roles.rbac.authorization.k8s.io" or "clusterroles.rbac.authorization.k8s.io" =>
            CorePrinters.CreatedAt,
        "rolebindings.rbac.authorization.k8s.io" or "clusterrolebindings.rbac.authorization.k8s.io" => AccessPrinters.Binding,
        _ => ColumnPrinter.Layout(kind),
    };
}
