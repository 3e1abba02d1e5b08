namespace Serval.Api.Serving;

/// <summary>Names Knative gives to labels, annotations, headers and namespaces: facts of its API, spelled as upstream spells them.</summary>
public static class KnativeNames
{
    /// <summary>Namespace of the <c>config-*</c> ConfigMaps.</summary>
    public const string SystemNamespace = "knative-serving";

    public const string ServingGroup = "serving.knative.dev";
    public const string AutoscalingGroup = "autoscaling.knative.dev";
    public const string NetworkingGroup = "networking.knative.dev";
    public const string NetworkingInternalGroup = "networking.internal.knative.dev";

    /// <summary>Suffix of the groups Knative keeps for itself.</summary>
    public const string Domain = ".knative.dev";

    // Labels of serving.knative.dev.
    public const string ServiceLabel = ServingGroup + "/service";
    public const string ServiceUidLabel = ServingGroup + "/serviceUID";
    public const string ConfigurationLabel = ServingGroup + "/configuration";
    public const string ConfigurationUidLabel = ServingGroup + "/configurationUID";
    public const string ConfigurationGenerationLabel = ServingGroup + "/configurationGeneration";
    public const string RevisionLabel = ServingGroup + "/revision";
    public const string RevisionUidLabel = ServingGroup + "/revisionUID";
    public const string RouteLabel = ServingGroup + "/route";
    public const string RouteNamespaceLabel = ServingGroup + "/routeNamespace";
    public const string RoutingStateLabel = ServingGroup + "/routingState";

    public const string DomainMappingUidLabel = ServingGroup + "/domainMappingUID";
    public const string DomainMappingNamespaceLabel = ServingGroup + "/domainMappingNamespace";

    /// <summary>Label of pods and deployments: the revision's name (not in the group).</summary>
    public const string AppLabel = "app";

    // Values of RoutingStateLabel.
    public const string RoutingActive = "active";
    public const string RoutingReserve = "reserve";
    public const string RoutingPending = "pending";

    // Annotations of serving.knative.dev.
    public const string CreatorAnnotation = ServingGroup + "/creator";
    public const string LastModifierAnnotation = ServingGroup + "/lastModifier";
    public const string LastPinnedAnnotation = ServingGroup + "/lastPinned";
    public const string NoGcAnnotation = ServingGroup + "/no-gc";
    /// <summary>Serval's own, on a pod: containers whose first readiness is tried eagerly, each try a short one; names with commas between.</summary>
    public const string EagerReadinessAnnotation = "serval.dev/eager-readiness";

    /// <summary>Of pods whose readiness is asked for with HTTP/2 first (config-features: autodetect-http2).</summary>
    public const string DetectHttp2Annotation = "serval.dev/detect-http2";
    public const string RoutesAnnotation = ServingGroup + "/routes";
    public const string RoutingStateModifiedAnnotation = ServingGroup + "/routingStateModified";
    public const string RolloutDurationAnnotation = ServingGroup + "/rollout-duration";
    public const string RolloutDurationLegacyAnnotation = ServingGroup + "/rolloutDuration";
    public const string ProgressDeadlineAnnotation = ServingGroup + "/progress-deadline";

    // Annotations of the queue sidecar: accepted, checked, of no effect where there is no sidecar.
    public const string QueueResourcePercentageAnnotation = "queue.sidecar." + ServingGroup + "/resource-percentage";
    public const string QueueResourcePercentageLegacyAnnotation = "queue.sidecar." + ServingGroup + "/resourcePercentage";
    public const string QueueCpuRequestAnnotation = "queue.sidecar." + ServingGroup + "/cpu-resource-request";
    public const string QueueCpuLimitAnnotation = "queue.sidecar." + ServingGroup + "/cpu-resource-limit";
    public const string QueueMemoryRequestAnnotation = "queue.sidecar." + ServingGroup + "/memory-resource-request";
    public const string QueueMemoryLimitAnnotation = "queue.sidecar." + ServingGroup + "/memory-resource-limit";
    public const string QueueStorageRequestAnnotation = "queue.sidecar." + ServingGroup + "/ephemeral-storage-resource-request";
    public const string QueueStorageLimitAnnotation = "queue.sidecar." + ServingGroup + "/ephemeral-storage-resource-limit";

    // networking.knative.dev: public.
    public const string VisibilityLabel = NetworkingGroup + "/visibility";
    public const string VisibilityClusterLocal = "cluster-local";
    public const string IngressClassAnnotation = NetworkingGroup + "/ingress.class";
    public const string IngressClassAltAnnotation = NetworkingGroup + "/ingress-class";
    public const string CertificateClassAnnotation = NetworkingGroup + "/certificate.class";
    public const string CertificateClassAltAnnotation = NetworkingGroup + "/certificate-class";
    public const string DisableAutoTlsAnnotation = NetworkingGroup + "/disableAutoTLS";
    public const string DisableAutoTlsAltAnnotation = NetworkingGroup + "/disable-auto-tls";
    public const string DisableExternalDomainTlsAnnotation = NetworkingGroup + "/disable-external-domain-tls";
    public const string HttpOptionAnnotation = NetworkingGroup + "/httpOption";
    public const string HttpProtocolAnnotation = NetworkingGroup + "/http-protocol";

    public const string WildcardDomainLabel = NetworkingGroup + "/wildcardDomain";
    public const string CertificateTypeLabel = NetworkingGroup + "/certificate-type";

    // Values of CertificateTypeLabel.
    public const string ExternalDomainCertificate = "external-domain";
    public const string ClusterLocalDomainCertificate = "cluster-local-domain";

    // networking.internal.knative.dev: between controllers.
    public const string CertificateUidLabel = NetworkingInternalGroup + "/certificate-uid";
    public const string RolloutAnnotation = NetworkingInternalGroup + "/rollout";
    public const string ServiceTypeLabel = NetworkingInternalGroup + "/serviceType";

    /// <summary>Annotation of an Ingress: each tag with its hosts, as JSON.</summary>
    public const string TagToHostAnnotation = NetworkingInternalGroup + "/tag-to-host";

    // Environment of a container (runtime contract).
    public const string PortVariable = "PORT";
    public const string ServiceVariable = "K_SERVICE";
    public const string ConfigurationVariable = "K_CONFIGURATION";
    public const string RevisionVariable = "K_REVISION";

    // Headers.
    public const string TagHeader = "Knative-Serving-Tag";
    public const string DefaultRouteHeader = "Knative-Serving-Default-Route";
    public const string RevisionHeader = "Knative-Serving-Revision";
    public const string NamespaceHeader = "Knative-Serving-Namespace";

    /// <summary>The host a client asked for, where a gateway put another in its place.</summary>
    public const string OriginalHostHeader = "K-Original-Host";

    /// <summary>Name of the serving container's port on Services and pods.</summary>
    public const string UserPort = "user-port";

    /// <summary>Domain of services inside the cluster.</summary>
    public const string ClusterDomain = "cluster.local";

    /// <summary><c>name.namespace.svc.cluster.local</c>.</summary>
    public static string ServiceHost(string name, string @namespace) => $"{name}.{@namespace}.svc.{ClusterDomain}";

    /// <summary>The value of the first key that is present, as Knative resolves keys with old spellings; null when none is.</summary>
    public static string? First(IReadOnlyDictionary<string, string> map, params ReadOnlySpan<string> keys)
    {
        foreach (var key in keys)
        {
            if (map.TryGetValue(key, out var value))
            {
                return value;
            }
        }
        return null;
    }
}
