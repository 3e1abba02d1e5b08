using System.Text.Json.Nodes;
using Serval.Api.Serving;

namespace Serval.Api.Config;

/// <summary>The ConfigMaps written on the first start, with every default spelled out so that they can be read and edited in place.</summary>
public static class DefaultConfigMaps
{
    /// <summary>One ConfigMap each, in namespace <c>knative-serving</c>.</summary>
    public static IReadOnlyList<KubeObject> All { get; } =
    [
        Map(AutoscalerConfig.MapName, "autoscaler",
            ("container-concurrency-target-percentage", "70"), ("container-concurrency-target-default", "100"),
            ("requests-per-second-target-default", "200"), ("target-burst-capacity", "211"), ("stable-window", "60s"),
            ("panic-window-percentage", "10.0"), ("panic-threshold-percentage", "200.0"), ("max-scale-up-rate", "1000.0"),
            ("max-scale-down-rate", "2.0"), ("enable-scale-to-zero", "true"), ("scale-to-zero-grace-period", "30s"),
            ("scale-to-zero-pod-retention-period", "0s"), ("pod-autoscaler-class", AutoscalingAnnotations.Kpa), ("activator-capacity", "100.0"),
            ("initial-scale", "1"), ("allow-zero-initial-scale", "false"), ("min-scale", "0"), ("max-scale", "0"), ("scale-down-delay", "0s"),
            ("max-scale-limit", "0")),
        Map(DefaultsConfig.MapName, "controller",
            ("revision-timeout-seconds", "300"), ("max-revision-timeout-seconds", "600"), ("revision-response-start-timeout-seconds", "300"),
            ("revision-idle-timeout-seconds", "0"), ("container-name-template", "user-container"), ("init-container-name-template", "init-container"),
            ("container-concurrency", "0"), ("container-concurrency-max-limit", "1000"), ("allow-container-concurrency-zero", "true"),
            ("enable-service-links", "false")),
        Map(DeploymentConfig.MapName, "controller",
            ("registries-skipping-tag-resolving", "kind.local,ko.local,dev.local"), ("digest-resolution-timeout", "10s"), ("progress-deadline", "600s"),
            ("default-affinity-type", "prefer-spread-revision-over-nodes"), ("pod-is-always-schedulable", "false"), ("runtime-class-name", "")),
        // Empty on purpose: the first domain a user adds without a selector then replaces the default instead of standing beside it.
        Map(DomainConfig.MapName, "controller"),
        Map(FeaturesConfig.MapName, "controller", [.. FeaturesConfig.Keys.Select(k => (k.Key, k.Default.ToString().ToLowerInvariant()))]),
        Map(GcConfig.MapName, "controller",
            ("retain-since-create-time", "48h"), ("retain-since-last-active-time", "15h"), ("min-non-active-revisions", "20"),
            ("max-non-active-revisions", "1000")),
        Map(NetworkConfig.MapName, "networking",
            ("ingress-class", NetworkConfig.ServalIngressClass), ("certificate-class", NetworkConfig.ServalCertificateClass),
            ("domain-template", "{{.Name}}.{{.Namespace}}.{{.Domain}}"), ("tag-template", "{{.Tag}}-{{.Name}}"),
            ("external-domain-tls", "disabled"), ("cluster-local-domain-tls", "disabled"), ("system-internal-tls", "disabled"),
            ("http-protocol", "Enabled"), ("rollout-duration", "0"), ("autocreate-cluster-domain-claims", "true"),
            ("enable-mesh-pod-addressability", "false"), ("mesh-compatibility-mode", "auto"), ("default-external-scheme", "http"),
            ("namespace-wildcard-cert-selector", "")),
        Map(ObservabilityConfig.MapName, "observability",
            ("logging.enable-var-log-collection", "false"), ("logging.revision-url-template", ""), ("logging.enable-request-log", "false"),
            ("logging.request-log-template", RequestLogTemplate.DefaultText), ("logging.enable-probe-request-log", "false"), ("metrics-protocol", "none"), ("metrics-endpoint", ""), ("metrics-export-interval", "0s"),
            ("request-metrics-protocol", "none"), ("request-metrics-endpoint", ""), ("request-metrics-export-interval", "0s"),
            ("runtime-profiling", "disabled"), ("tracing-protocol", "none"), ("tracing-endpoint", ""), ("tracing-sampling-rate", "0")),
    ];

    /// <summary>What a key has on the first start; null when it is not there.</summary>
    internal static string? ValueOf(string map, string key) =>
        All.First(m => m.Metadata.Name == map).As<Core.ConfigMap>().Data.GetValueOrDefault(key);

    private static KubeObject Map(string name, string component, params ReadOnlySpan<(string Key, string Value)> data)
    {
        var values = new JsonObject();
        foreach (var (key, value) in data)
        {
            values[key] = value;
        }
        return KubeObject.From(new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "ConfigMap",
            ["metadata"] = new JsonObject
            {
                ["name"] = name,
                ["namespace"] = KnativeNames.SystemNamespace,
                ["labels"] = new JsonObject
                {
                    ["app.kubernetes.io/name"] = "knative-serving",
                    ["app.kubernetes.io/part-of"] = "knative-serving",
                    ["app.kubernetes.io/component"] = component,
                },
            },
            ["data"] = values,
        });
    }
}
