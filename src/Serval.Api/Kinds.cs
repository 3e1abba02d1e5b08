using Serval.Api.Autoscaling;
using Serval.Api.Core;
using Serval.Api.Crds;

namespace Serval.Api;

/// <summary>The kinds this version serves, each a single instance.</summary>
public static class Kinds
{
    private const string ReadyStatus = ".status.conditions[?(@.type=='Ready')].status";
    private const string ReadyReason = ".status.conditions[?(@.type=='Ready')].reason";

    private static readonly PrinterColumn s_ready = new("Ready", "string", ReadyStatus);
    private static readonly PrinterColumn s_reason = new("Reason", "string", ReadyReason);

    public static readonly ResourceKind Namespace = new()
    {
        Group = "", Version = "v1", Kind = "Namespace", Plural = "namespaces", ShortNames = ["ns"], Namespaced = false, HasGeneration = false,
        Columns = [new("Status", "string", ".status.phase"), new("Age", "date", ".metadata.creationTimestamp")],
    };

    public static readonly ResourceKind Pod = new()
    {
        Group = "", Version = "v1", Kind = "Pod", Plural = "pods", ReturnsDeleted = true, ShortNames = ["po"], Categories = ["all"],
        Durability = WriteDurability.Derived,
    };

    /// <summary>Asked of a Pod: <c>bindings</c> and <c>pods/NAME/binding</c>. It is not kept, and not among <see cref="All"/>.</summary>
    public static readonly ResourceKind Binding = new()
    {
        Group = "", Version = "v1", Kind = "Binding", Plural = "bindings", HasStatus = false, HasGeneration = false,
    };

    public static readonly ResourceKind Service = new()
    {
        Group = "", Version = "v1", Kind = "Service", Plural = "services", ReturnsDeleted = true, ShortNames = ["svc"], Categories = ["all"], HasGeneration = false,
    };

    public static readonly ResourceKind ConfigMap = new()
    {
        Group = "", Version = "v1", Kind = "ConfigMap", Plural = "configmaps", ShortNames = ["cm"], HasStatus = false, HasGeneration = false,
    };

    public static readonly ResourceKind Secret = new()
    {
        Group = "", Version = "v1", Kind = "Secret", Plural = "secrets", HasStatus = false, HasGeneration = false,
    };

    public static readonly ResourceKind ServiceAccount = new()
    {
        Group = "", Version = "v1", Kind = "ServiceAccount", Plural = "serviceaccounts", ReturnsDeleted = true, ShortNames = ["sa"], HasStatus = false, HasGeneration = false,
    };

    public static readonly ResourceKind Event = new()
    {
        Group = "", Version = "v1", Kind = "Event", Plural = "events", ShortNames = ["ev"], HasStatus = false, HasGeneration = false,
        Durability = WriteDurability.Derived,
    };

    public static readonly ResourceKind Node = new()
    {
        Group = "", Version = "v1", Kind = "Node", Plural = "nodes", ShortNames = ["no"], Namespaced = false, HasGeneration = false,
        Durability = WriteDurability.Derived,
    };

    public static readonly ResourceKind ResourceQuota = new()
    {
        Group = "", Version = "v1", Kind = "ResourceQuota", Plural = "resourcequotas", ReturnsDeleted = true, ShortNames = ["quota"], HasGeneration = false,
    };

    public static readonly ResourceKind Endpoints = new()
    {
        Group = "", Version = "v1", Kind = "Endpoints", Plural = "endpoints", ShortNames = ["ep"], HasStatus = false, HasGeneration = false,
        Durability = WriteDurability.Derived,
    };

    public static readonly ResourceKind Deployment = new()
    {
        Group = "apps", Version = "v1", Kind = "Deployment", Plural = "deployments", ShortNames = ["deploy"], Categories = ["all"], HasScale = true,
    };

    public static readonly ResourceKind ReplicaSet = new()
    {
        Group = "apps", Version = "v1", Kind = "ReplicaSet", Plural = "replicasets", ShortNames = ["rs"], Categories = ["all"], HasScale = true,
        Durability = WriteDurability.Derived,
    };

    public static readonly ResourceKind HorizontalPodAutoscaler = new()
    {
        Group = "autoscaling", Version = "v2", Kind = "HorizontalPodAutoscaler", Plural = "horizontalpodautoscalers", ShortNames = ["hpa"],
        Categories = ["all"], HasGeneration = false,
    };

    /// <summary>The same objects, as <c>kubectl autoscale</c> of 1.32 writes them.</summary>
    public static readonly ResourceKind HorizontalPodAutoscalerV1 = new()
    {
        Group = "autoscaling", Version = "v1", Kind = "HorizontalPodAutoscaler", Plural = "horizontalpodautoscalers", ShortNames = ["hpa"],
        Categories = ["all"], HasGeneration = false, ViewOf = HorizontalPodAutoscaler, Form = new HpaV1Form(),
    };

    /// <summary>The same objects as <see cref="Event"/>.</summary>
    public static readonly ResourceKind NamedEvent = new()
    {
        Group = "events.k8s.io", Version = "v1", Kind = "Event", Plural = "events", ShortNames = ["ev"], HasStatus = false, HasGeneration = false,
        Durability = WriteDurability.Derived, ViewOf = Event, Form = new EventForm(),
    };

    public static readonly ResourceKind EndpointSlice = new()
    {
        Group = "discovery.k8s.io", Version = "v1", Kind = "EndpointSlice", Plural = "endpointslices", HasStatus = false,
        Durability = WriteDurability.Derived,
    };

    public static readonly ResourceKind ServiceCidr = new()
    {
        Group = "networking.k8s.io", Version = "v1", Kind = "ServiceCIDR", Plural = "servicecidrs", Namespaced = false, HasGeneration = false,
        Columns = [new("CIDRs", "string", ".spec.cidrs[*]"), new("Age", "date", ".metadata.creationTimestamp")],
    };

    public static readonly ResourceKind Lease = new()
    {
        Group = "coordination.k8s.io", Version = "v1", Kind = "Lease", Plural = "leases", HasStatus = false, HasGeneration = false,
        Durability = WriteDurability.Derived,
    };

    public static readonly ResourceKind CustomResourceDefinition = new()
    {
        Group = "apiextensions.k8s.io", Version = "v1", Kind = "CustomResourceDefinition", Plural = "customresourcedefinitions",
        ShortNames = ["crd", "crds"], Categories = ["api-extensions"], Namespaced = false, Form = new DefinitionForm(),
    };

    public static readonly ResourceKind KService = new()
    {
        Group = "serving.knative.dev", Version = "v1", Kind = "Service", Plural = "services", ShortNames = ["kservice", "ksvc"],
        Categories = ["all", "knative", "serving"], IsCustom = true,
        Columns =
        [
            new("URL", "string", ".status.url"), new("LatestCreated", "string", ".status.latestCreatedRevisionName"),
            new("LatestReady", "string", ".status.latestReadyRevisionName"), s_ready, s_reason,
        ],
    };

    public static readonly ResourceKind Configuration = new()
    {
        Group = "serving.knative.dev", Version = "v1", Kind = "Configuration", Plural = "configurations", ShortNames = ["config", "cfg"],
        Categories = ["all", "knative", "serving"], IsCustom = true,
        Columns =
        [
            new("LatestCreated", "string", ".status.latestCreatedRevisionName"),
            new("LatestReady", "string", ".status.latestReadyRevisionName"), s_ready, s_reason,
        ],
    };

    public static readonly ResourceKind Revision = new()
    {
        Group = "serving.knative.dev", Version = "v1", Kind = "Revision", Plural = "revisions", ShortNames = ["rev"],
        Categories = ["all", "knative", "serving"], IsCustom = true,
        Columns =
        [
            new("Config Name", "string", ".metadata.labels['serving\\.knative\\.dev/configuration']"),
            new("Generation", "string", ".metadata.labels['serving\\.knative\\.dev/configurationGeneration']"), s_ready, s_reason,
            new("Actual Replicas", "integer", ".status.actualReplicas"), new("Desired Replicas", "integer", ".status.desiredReplicas"),
        ],
    };

    public static readonly ResourceKind Route = new()
    {
        Group = "serving.knative.dev", Version = "v1", Kind = "Route", Plural = "routes", ShortNames = ["rt"],
        Categories = ["all", "knative", "serving"], IsCustom = true,
        Columns = [new("URL", "string", ".status.url"), s_ready, s_reason],
    };

    public static readonly ResourceKind DomainMapping = new()
    {
        Group = "serving.knative.dev", Version = "v1beta1", Kind = "DomainMapping", Plural = "domainmappings", ShortNames = ["dm"],
        Categories = ["all", "knative", "serving"], IsCustom = true,
        Columns = [new("URL", "string", ".status.url"), s_ready, s_reason],
    };

    public static readonly ResourceKind PodAutoscaler = new()
    {
        Group = "autoscaling.internal.knative.dev", Version = "v1alpha1", Kind = "PodAutoscaler", Plural = "podautoscalers",
        ShortNames = ["kpa", "pa"], Categories = ["knative-internal", "autoscaling"], IsCustom = true, Durability = WriteDurability.Derived,
        Columns =
        [
            new("DesiredScale", "integer", ".status.desiredScale"), new("ActualScale", "integer", ".status.actualScale"), s_ready, s_reason,
        ],
    };

    public static readonly ResourceKind Metric = new()
    {
        Group = "autoscaling.internal.knative.dev", Version = "v1alpha1", Kind = "Metric", Plural = "metrics",
        Categories = ["knative-internal", "autoscaling"], IsCustom = true, Durability = WriteDurability.Derived, Columns = [s_ready, s_reason],
    };

    public static readonly ResourceKind KIngress = new()
    {
        Group = "networking.internal.knative.dev", Version = "v1alpha1", Kind = "Ingress", Plural = "ingresses", ShortNames = ["kingress", "king"],
        Categories = ["knative-internal", "networking"], IsCustom = true, Durability = WriteDurability.Derived, Columns = [s_ready, s_reason],
    };

    public static readonly ResourceKind ServerlessService = new()
    {
        Group = "networking.internal.knative.dev", Version = "v1alpha1", Kind = "ServerlessService", Plural = "serverlessservices",
        ShortNames = ["sks"], Categories = ["knative-internal", "networking"], IsCustom = true, Durability = WriteDurability.Derived,
        Columns =
        [
            new("Mode", "string", ".spec.mode"), new("Activators", "integer", ".spec.numActivators"),
            new("ServiceName", "string", ".status.serviceName"), new("PrivateServiceName", "string", ".status.privateServiceName"), s_ready, s_reason,
        ],
    };

    public static readonly ResourceKind Certificate = new()
    {
        Group = "networking.internal.knative.dev", Version = "v1alpha1", Kind = "Certificate", Plural = "certificates", ShortNames = ["kcert"],
        Categories = ["knative-internal", "networking"], IsCustom = true, Durability = WriteDurability.Derived, Columns = [s_ready, s_reason],
    };

    public static readonly ResourceKind ClusterDomainClaim = new()
    {
        Group = "networking.internal.knative.dev", Version = "v1alpha1", Kind = "ClusterDomainClaim", Plural = "clusterdomainclaims",
        ShortNames = ["cdc"], Categories = ["knative-internal", "networking"], Namespaced = false, IsCustom = true,
    };

    /// <summary>Every kind, in the order discovery lists them.</summary>
    public static readonly IReadOnlyList<ResourceKind> All =
    [
        Namespace, Pod, Service, ConfigMap, Secret, ServiceAccount, Event, Node, ResourceQuota, Endpoints,
        Deployment, ReplicaSet, HorizontalPodAutoscaler, HorizontalPodAutoscalerV1, NamedEvent, EndpointSlice, ServiceCidr, Lease, CustomResourceDefinition,
        AccessKinds.Role, AccessKinds.RoleBinding, AccessKinds.ClusterRole, AccessKinds.ClusterRoleBinding,
        BatchKinds.Job, PolicyKinds.PodDisruptionBudget,
        .. StoredKinds.All,
        KService, Configuration, Revision, Route, DomainMapping,
        PodAutoscaler, Metric, KIngress, ServerlessService, Certificate, ClusterDomainClaim,
    ];

    // Loops, not dictionaries: a few dozen comparisons, against milliseconds of compiling tuple-keyed dictionaries at every start.

    /// <summary>The kind of an object's <c>apiVersion</c> and <c>kind</c>, or null when it is not served.</summary>
    public static ResourceKind? Find(string apiVersion, string kind)
    {
        foreach (var candidate in s_all)
        {
            if (candidate.Kind == kind && candidate.HasApiVersion(apiVersion))
            {
                return candidate;
            }
        }
        return null;
    }

    /// <summary>The kind behind a path, or null.</summary>
    public static ResourceKind? FindPlural(string group, string version, string plural)
    {
        foreach (var candidate in s_all)
        {
            if (candidate.Plural == plural && candidate.Group == group && candidate.Version == version)
            {
                return candidate;
            }
        }
        return null;
    }

    private static readonly ResourceKind[] s_all = [.. All];
}
