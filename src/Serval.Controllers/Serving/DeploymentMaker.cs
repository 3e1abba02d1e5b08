using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Config;
using Serval.Api.Core;
using Serval.Api.Serving;
using Serval.Kube;

namespace Serval.Controllers.Serving;

/// <summary>The Deployment of a Revision. Pure. There is no sidecar: the gateway does its work, so probes stay with the container.</summary>
internal static class DeploymentMaker
{
    private const long DefaultUserPort = 8080;

    private static readonly string[] s_revisionOnly = ["containerConcurrency", "timeoutSeconds", "responseStartTimeoutSeconds", "idleTimeoutSeconds"];

    internal static string NameOf(KubeObject revision) => ChildNames.Of(revision.Metadata.Name, "-deployment");

    internal static JsonObject Make(KubeObject stored, Revision revision, IReadOnlyDictionary<string, string> digests, ServingConfig config)
    {
        var scaling = new AutoscalingAnnotations(stored.Metadata.Annotations, config.Autoscaler);
        var labels = RevisionLabels(stored);
        var deployment = OwnedObjects.New(Kinds.Deployment, stored, NameOf(stored), labels, PassedOn(stored, autoscaling: false));
        var podAnnotations = PassedOn(stored, autoscaling: false);
        if (Eager(revision.Spec.Containers) is { Length: > 0 } eager)
        {
            podAnnotations[KnativeNames.EagerReadinessAnnotation] = eager;
        }
        if (config.Features.AutoDetectHttp2 == FeatureFlag.Enabled)
        {
            podAnnotations[KnativeNames.DetectHttp2Annotation] = "true";
        }
        var serving = revision.Spec.Containers.FirstOrDefault(c => c.Ports.Count > 0) ?? revision.Spec.Containers[0];
        podAnnotations["kubectl.kubernetes.io/default-container"] = serving.Name;
        deployment["spec"] = new JsonObject
        {
            ["replicas"] = scaling.InitialScale,
            ["revisionHistoryLimit"] = 0,
            ["progressDeadlineSeconds"] = (long)(scaling.ProgressDeadline ?? config.Deployment.ProgressDeadline).TotalSeconds,
            ["selector"] = new JsonObject { ["matchLabels"] = new JsonObject { [KnativeNames.RevisionUidLabel] = stored.Metadata.Uid } },
            ["strategy"] = new JsonObject { ["type"] = "RollingUpdate", ["rollingUpdate"] = new JsonObject { ["maxUnavailable"] = 0, ["maxSurge"] = "25%" } },
            ["template"] = new JsonObject
            {
                ["metadata"] = new JsonObject { ["labels"] = labels.DeepClone(), ["annotations"] = podAnnotations },
                ["spec"] = PodSpec(stored, revision, digests, config),
            },
        };
        return deployment;
    }

    /// <summary>Labels of everything a revision makes: the revision's own, its name and uid, and <c>app</c>.</summary>
    internal static JsonObject RevisionLabels(KubeObject revision)
    {
        var labels = JsonMaps.ToJson(revision.Metadata.Labels, key => key is not (KnativeNames.RoutingStateLabel or KnativeNames.RouteLabel));
        labels[KnativeNames.RevisionLabel] = revision.Metadata.Name;
        labels[KnativeNames.RevisionUidLabel] = revision.Metadata.Uid;
        labels[KnativeNames.AppLabel] ??= revision.Metadata.Name;
        return labels;
    }

    /// <summary>Annotations of everything a revision makes; those of the autoscaler are for its own object only.</summary>
    internal static JsonObject PassedOn(KubeObject revision, bool autoscaling = true) => JsonMaps.ToJson(revision.Metadata.Annotations, key =>
        (autoscaling || !key.StartsWith(KnativeNames.AutoscalingGroup + "/", StringComparison.Ordinal))
        && key is not (KnativeNames.RoutesAnnotation or KnativeNames.RoutingStateModifiedAnnotation or KnativeNames.LastPinnedAnnotation
            or KnativeNames.NoGcAnnotation or ServiceReconciler.LastApplied));

    private static JsonObject PodSpec(KubeObject stored, Revision revision, IReadOnlyDictionary<string, string> digests, ServingConfig config)
    {
        var spec = stored.ToTree()["spec"]!.AsObject();
        foreach (var field in s_revisionOnly)
        {
            spec.Remove(field);
        }
        spec["terminationGracePeriodSeconds"] = revision.Spec.TimeoutSeconds ?? 300;
        if (spec["runtimeClassName"] is null && config.Deployment.RuntimeClassFor(stored.Metadata.Labels) is { } runtime)
        {
            spec["runtimeClassName"] = runtime;
        }
        if (spec["enableServiceLinks"] is null && config.Defaults.EnableServiceLinks is { } links)
        {
            spec["enableServiceLinks"] = links; // a revision from before the setting was looked at
        }
        var containers = spec["containers"]!.AsArray();
        foreach (var container in containers.OfType<JsonObject>())
        {
            var serves = containers.Count == 1 || container["ports"] is JsonArray { Count: > 0 };
            Complete(container, stored, serves, ownLivenessPort: config.Features.MultiContainerProbing == FeatureFlag.Enabled);
        }
        foreach (var container in containers.Concat(spec["initContainers"] as JsonArray ?? []).OfType<JsonObject>())
        {
            container["image"] = digests[(string)container["name"]!];
        }
        return new JsonObject(spec.Select(p => KeyValuePair.Create(p.Key, p.Value?.DeepClone())));
    }

    /// <summary>
    /// Containers whose first readiness is tried again and again, each try a short one: those without a period of their own (knative/serving:
    /// queue/readiness). A pod's defaults would hide that. Where being seen listening is enough there are no tries.
    /// </summary>
    private static string Eager(IReadOnlyList<Container> containers) => string.Join(',', containers
        .Where(c => c.ReadinessProbe is { PeriodSeconds: null or 0, Exec: null } probe && (probe.TcpSocket is null || probe.SuccessThreshold > 1))
        .Select(c => c.Name));

    private static void Complete(JsonObject container, KubeObject revision, bool serves, bool ownLivenessPort)
    {
        var environment = container["env"] as JsonArray ?? [];
        container["env"] = environment.Parent is null ? environment : environment.DeepClone();
        environment = container["env"]!.AsArray();
        if (serves)
        {
            var port = (long?)(container["ports"] as JsonArray)?.FirstOrDefault()?["containerPort"] is > 0 and { } given ? given : DefaultUserPort;
            container["ports"] = new JsonArray(new JsonObject { ["name"] = KnativeNames.UserPort, ["containerPort"] = port, ["protocol"] = "TCP" });
            environment.Add(Variable(KnativeNames.PortVariable, port.ToString(CultureInfo.InvariantCulture)));
            PointProbe(container, "readinessProbe", port);
            PointProbe(container, "livenessProbe", port, always: !ownLivenessPort);
            PointProbe(container, "startupProbe", port);
        }
        foreach (var action in (ReadOnlySpan<string>)["httpGet", "tcpSocket"])
        {
            (container["readinessProbe"]?[action] as JsonObject)?.Remove("host"); // the instance itself is asked, whatever it says
        }
        if (container["readinessProbe"]?["httpGet"] is JsonObject asked && asked["scheme"] is JsonValue scheme && scheme.TryGetValue(out string? named))
        {
            asked["scheme"] = named.ToUpperInvariant(); // a pod's has two spellings; Knative's is a URL's, which has any (knative/serving: queue/health: getURL)
        }
        environment.Add(Variable(KnativeNames.RevisionVariable, revision.Metadata.Name));
        environment.Add(Variable(KnativeNames.ConfigurationVariable, revision.Metadata.Label(KnativeNames.ConfigurationLabel) ?? ""));
        environment.Add(Variable(KnativeNames.ServiceVariable, revision.Metadata.Label(KnativeNames.ServiceLabel) ?? ""));
        container["terminationMessagePolicy"] ??= "FallbackToLogsOnError";
    }

    private static JsonObject Variable(string name, string value) => new() { ["name"] = name, ["value"] = value };

    /// <summary>
    /// A probe without a port, or with port 0, means the serving port; <paramref name="always"/>: one by HTTP or TCP does whatever it says
    /// (knative/serving: revision/resources: rewriteUserLivenessProbe).
    /// </summary>
    private static void PointProbe(JsonObject container, string probe, long port, bool always = false)
    {
        foreach (var action in (ReadOnlySpan<string>)["httpGet", "tcpSocket", "grpc"])
        {
            if (container[probe]?[action] is JsonObject target && (IsUnset(target["port"]) || always && action != "grpc"))
            {
                target["port"] = port;
            }
        }

        static bool IsUnset(JsonNode? value) => value is null || value.GetValueKind() == JsonValueKind.Number && (long)value == 0;
    }
}
