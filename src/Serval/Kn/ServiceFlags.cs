using System.Globalization;
using Serval.Api.Serving;
using Serval.Cli;

namespace Serval.Kn;

/// <summary>
/// The flags of <c>service create</c>, <c>update</c> and <c>apply</c>, in the order they take effect; those of one group take effect in the order
/// they are given. Names and meanings are kn's (knative/client: docs/cmd/kn_service_create.md, pkg/flags/podspec.go).
/// </summary>
internal static class ServiceFlags
{
    public const string Image = "image";
    public const string EnvFile = "env-file";
    public const string Containers = "containers";
    public const string RevisionNameFlag = "revision-name";
    public const string LockToDigest = "lock-to-digest";
    public const string ClusterLocal = "cluster-local";

    public static IReadOnlyList<IReadOnlyList<ServiceFlag>> Groups { get; } =
    [
        [ServiceFlag.Single(Image, "IMAGE", "Image to run", (t, v) => t.Container["image"] = v)],
        [
            ServiceFlag.Each("env", "NAME=VALUE", "Environment variable; NAME- removes it", EnvironmentEdit.Set) with { Alias = "e" },
            ServiceFlag.Each("env-value-from", "NAME=cm:MAP:KEY", "Environment variable from a ConfigMap (cm:) or Secret (secret:); NAME- removes it", EnvironmentEdit.SetFrom),
        ],
        [ServiceFlag.Each("env-from", "cm:NAME", "All variables of a ConfigMap (cm:) or Secret (secret:); a - at the end removes it", EnvironmentEdit.AddAll)],
        [ServiceFlag.Each("volume", "NAME=cm:MAP", "Volume from cm:, secret:, ed: (emptyDir) or pvc:; NAME- removes it", VolumeEdit.SetVolume)],
        [ServiceFlag.Each("mount", "DIR=cm:MAP", "Mount a volume, or a cm:, secret:, ed: or pvc: that gets one; [/SUBPATH][:readOnly=BOOL]; DIR- removes it", VolumeEdit.SetMount)],
        [ServiceFlag.Single("pull-policy", "POLICY", "Always, Never or IfNotPresent", ContainerEdit.SetPullPolicy)],
        [ServiceFlag.Each("request", "cpu=100m,memory=64Mi", "Resources asked for; NAME- removes one", ContainerEdit.Resources("request", "requests"))],
        [ServiceFlag.Each("limit", "cpu=1,memory=256Mi", "Bounds of resources; NAME- removes one", ContainerEdit.Resources("limit", "limits"))],
        [new ServiceFlag("cmd", "WORD", "Command instead of the image's; once for each word", ContainerEdit.Words("command")) { Repeats = true }],
        [new ServiceFlag("arg", "WORD", "Argument of the command; once for each word", ContainerEdit.Words("args")) { Repeats = true }],
        [ServiceFlag.Single("port", "[NAME:]PORT", "Port the program listens on; h2c:PORT for HTTP/2", ContainerEdit.SetPort) with { Alias = "p" }],
        [ServiceFlag.Single("service-account", "NAME", "Service account; empty for the default", ContainerEdit.SetServiceAccount)],
        [ServiceFlag.Single("pull-secret", "NAME", "Image pull secret; empty for none", ContainerEdit.SetPullSecret)],
        [ServiceFlag.Single(Containers, "FILE", "Further containers from a file, - for standard input", ContainerEdit.AddContainers)],
        [ServiceFlag.Single("probe-liveness", "PROBE", "http:HOST:PORT:PATH, tcp:HOST:PORT or exec:WORD,WORD", ProbeText.Handler("probe-liveness", "livenessProbe"))],
        [ServiceFlag.Single("probe-liveness-opts", "NAME=N,…", "initialDelaySeconds, periodSeconds, timeoutSeconds, successThreshold, failureThreshold", ProbeText.Options("probe-liveness-opts", "livenessProbe"))],
        [ServiceFlag.Single("probe-readiness", "PROBE", "As --probe-liveness", ProbeText.Handler("probe-readiness", "readinessProbe"))],
        [ServiceFlag.Single("probe-readiness-opts", "NAME=N,…", "As --probe-liveness-opts", ProbeText.Options("probe-readiness-opts", "readinessProbe"))],
        [ServiceFlag.Single("security-context", "none|strict", "strict: no root, no capabilities, no escalation", ContainerEdit.SetSecurityContext)],
        [ServiceFlag.Single("user", "ID", "User the program runs as", ContainerEdit.SetUser)],
        [ServiceFlag.Each("node-selector", "NAME=VALUE", "Only nodes with this label; NAME- removes it", (t, v) => EditTarget.Assign(t.PodSpec, "nodeSelector", [Assignment.Parse("node-selector", v)]))],
        [ServiceFlag.Each("toleration", "Key=K,…", "Toleration: Key, Operator, Value, Effect", PlacementEdit.AddToleration)],
        [ServiceFlag.Each("node-affinity", "Type=Required,…", "Node affinity: Type, Key, Operator, Values (split by blanks), Weight", PlacementEdit.AddAffinity)],
        [ServiceFlag.Single("concurrency-limit", "N", "Requests at once for one pod, at most; 0 for no bound", (t, v) => t.PodSpec["containerConcurrency"] = EditTarget.Number("concurrency-limit", v, 0))],
        [ServiceFlag.Single("timeout", "SECONDS", "Longest time a request may take", (t, v) => t.PodSpec["timeoutSeconds"] = EditTarget.Number("timeout", v, 0))],
        [ServiceFlag.Each("label", "NAME=VALUE", "Label of the service and its revisions; NAME- removes it", MetadataEdit.Label) with { Alias = "l" }],
        [ServiceFlag.Each("label-service", "NAME=VALUE", "Label of the service alone", MetadataEdit.LabelService) with { MakesRevision = false }],
        [ServiceFlag.Each("label-revision", "NAME=VALUE", "Label of its revisions alone", MetadataEdit.LabelRevision)],
        [ServiceFlag.Each("annotation", "NAME=VALUE", "Annotation of the service and its revisions; NAME- removes it", MetadataEdit.Annotate) with { Alias = "a" }],
        [ServiceFlag.Each("annotation-service", "NAME=VALUE", "Annotation of the service alone", MetadataEdit.AnnotateService) with { MakesRevision = false }],
        [ServiceFlag.Each("annotation-revision", "NAME=VALUE", "Annotation of its revisions alone", MetadataEdit.AnnotateRevision)],
        [ServiceFlag.Single("scale", "N|A..B|A..|..B", "Fewest and most pods", SetScale)],
        [Annotation("scale-min", "N", "Fewest pods", AutoscalingAnnotations.MinScaleKey)],
        [Annotation("scale-max", "N", "Most pods; 0 for no bound", AutoscalingAnnotations.MaxScaleKey)],
        [Annotation("scale-init", "N", "Pods a revision starts with", AutoscalingAnnotations.InitialScaleKey)],
        [Annotation("scale-activation", "N", "Fewest pods above zero", AutoscalingAnnotations.ActivationScaleKey)],
        [Annotation("scale-target", "N", "What the metric should be for one pod", AutoscalingAnnotations.TargetKey)],
        [Annotation("scale-utilization", "PERCENT", "Share of the target that is used before more pods start", AutoscalingAnnotations.TargetUtilizationKey)],
        [ServiceFlag.Single("scale-metric", "NAME", "concurrency, rps, cpu or memory", (t, v) => t.Annotate(AutoscalingAnnotations.MetricKey, v))],
        [ServiceFlag.Single("scale-window", "DURATION", "How far back the autoscaler looks, for example 10s", (t, v) => t.Annotate(AutoscalingAnnotations.WindowKey, v))],
        [ServiceFlag.Single(RevisionNameFlag, "NAME", "Name of the new revision; may hold {{.Service}}, {{.Generation}}, {{.Random N}}; empty leaves it to the server", RevisionName.Set)],
    ];

    /// <summary>Yes or no, as <c>--NAME</c> and <c>--no-NAME</c>.</summary>
    public static IReadOnlyList<ServiceFlag> Switches { get; } =
    [
        ServiceFlag.Single(ClusterLocal, "", "Reachable from inside only", MetadataEdit.SetClusterLocal) with { MakesRevision = false },
        ServiceFlag.Single(LockToDigest, "", "Keep the image that runs when the command names none (default)", (_, _) => { }) with { MakesRevision = false },
    ];

    public static IReadOnlyDictionary<string, (int Rank, ServiceFlag Flag)> ByName { get; } = Groups.Append(Switches).Index()
        .SelectMany(g => g.Item.Select(f => (g.Index, f))).ToDictionary(p => p.f.Name, p => p, StringComparer.Ordinal);

    private static ServiceFlag Annotation(string name, string helpName, string description, string key) =>
        ServiceFlag.Single(name, helpName, description, (t, v) => t.Annotate(key, EditTarget.Number(name, v, 0).ToString(CultureInfo.InvariantCulture)));

    private static void SetScale(EditTarget target, string word)
    {
        var (min, max) = word.Split("..") switch
        {
            [var both] => (both, both),
            [var from, var to] when from.Length + to.Length > 0 => (from, to),
            _ => throw new CliException(ExitCodes.Usage, $"--scale \"{word}\" is not understood; write N, MIN..MAX, MIN.. or ..MAX"),
        };
        foreach (var (key, value) in new[] { (AutoscalingAnnotations.MinScaleKey, min), (AutoscalingAnnotations.MaxScaleKey, max) })
        {
            if (value.Length > 0)
            {
                target.Annotate(key, EditTarget.Number("scale", value, 0).ToString(CultureInfo.InvariantCulture));
            }
        }
    }
}
