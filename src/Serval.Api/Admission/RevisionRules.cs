using System.Collections.Frozen;
using System.Text.Json.Nodes;
using Serval.Api.Config;
using Serval.Api.Core;

namespace Serval.Api.Admission;

/// <summary>Knative's rules of a RevisionSpec: which pod fields may be set, and how containers, volumes and limits must look.</summary>
internal static class RevisionRules
{
    private static readonly FrozenSet<string> s_allowed = FrozenSet.ToFrozenSet(
    [
        "serviceAccountName", "containers", "volumes", "imagePullSecrets", "enableServiceLinks", "automountServiceAccountToken",
        "containerConcurrency", "timeoutSeconds", "responseStartTimeoutSeconds", "idleTimeoutSeconds",
    ], StringComparer.Ordinal);

    private static readonly FrozenDictionary<string, string> s_gated = new[]
    {
        "affinity", "topologySpreadConstraints", "hostAliases", "nodeSelector", "runtimeClassName", "tolerations", "securityContext",
        "shareProcessNamespace", "priorityClassName", "schedulerName", "dnsPolicy", "dnsConfig", "hostIPC", "hostPID", "hostNetwork",
    }.ToFrozenDictionary(f => f, f => "kubernetes.podspec-" + f.ToLowerInvariant(), StringComparer.Ordinal);

    public static void Spec(JsonObject? spec, string path, AdmissionContext ctx, Problems to)
    {
        Fields(spec, path, ctx.Config.Features, to);
        SecurityContextRules.Pod(spec.Object("securityContext"), $"{path}.securityContext", ctx.Config.Features, to);
        var volumes = KnativeVolumeRules.Check(spec, path, ctx.Config.Features, to);
        KnativeContainerRules.Check(spec, path, volumes, ctx, to);
        if (spec.String("serviceAccountName") is { Length: > 0 } account && Names.Subdomain(account) is { } wrong)
        {
            to.Wrong(account, $"{path}.serviceAccountName", wrong);
        }
        Limits(spec, path, ctx.Config.Defaults, to);
    }

    public static string Gate(string feature) => $"set {feature} to \"enabled\" in ConfigMap knative-serving/{FeaturesConfig.MapName} to allow it";

    /// <summary>containerConcurrency within the cluster's bounds.</summary>
    public static void Concurrency(JsonObject? spec, string path, DefaultsConfig defaults, Problems to)
    {
        var least = defaults.AllowContainerConcurrencyZero ? 0 : 1;
        if (spec.Number("containerConcurrency") is { } limit && (limit < least || limit > defaults.ContainerConcurrencyMaxLimit))
        {
            to.OutOfBounds(limit.ToString(), least.ToString(), defaults.ContainerConcurrencyMaxLimit.ToString(), $"{path}.containerConcurrency");
        }
    }

    private static void Fields(JsonObject? spec, string path, FeaturesConfig features, Problems to)
    {
        foreach (var (field, value) in spec ?? [])
        {
            if (!Tree.IsSet(field, value) || s_allowed.Contains(field) || field == "initContainers")
            {
                continue;
            }
            if (!s_gated.TryGetValue(field, out var feature))
            {
                to.Disallowed($"{path}.{field}");
            }
            else if (!features.Permits(feature) && !(field == "securityContext" && features.SecurePodDefaults != FeatureFlag.Disabled))
            {
                to.Disallowed($"{path}.{field}", Gate(feature));
            }
        }
        if (spec.Bool("automountServiceAccountToken") == true)
        {
            to.Disallowed($"{path}.automountServiceAccountToken");
        }
    }

    private static void Limits(JsonObject? spec, string path, DefaultsConfig defaults, Problems to)
    {
        var most = defaults.MaxRevisionTimeoutSeconds;
        if (spec.Number("timeoutSeconds") is { } timeout && (timeout < 0 || timeout > most))
        {
            to.OutOfBounds(timeout.ToString(), "0", most.ToString(), $"{path}.timeoutSeconds");
        }
        foreach (var field in new[] { "responseStartTimeoutSeconds", "idleTimeoutSeconds" })
        {
            if (spec.Number(field) is < 0)
            {
                to.OutOfBounds(spec.Number(field).ToString()!, "0", most.ToString(), $"{path}.{field}");
            }
        }
        Concurrency(spec, path, defaults, to);
    }
}
