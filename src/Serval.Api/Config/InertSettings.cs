using System.Collections.Frozen;

namespace Serval.Api.Config;

/// <summary>Settings of Knative's that change nothing here, and why. Whoever sets one to something else than its default is told.</summary>
internal static class InertSettings
{
    private const string NoSidecar = "no sidecar runs beside programs";
    private const string NoExport = "Serval exports neither metrics nor traces";
    private const string NotEncrypted = "what the gateway sends to pods stays on this machine and is not encrypted";
    private const string NoMesh = "there is no mesh";
    private const string OneNode = "there is one node";

    private static readonly FrozenDictionary<string, string> s_why = new Dictionary<string, string>
    {
        ["queue-sidecar-image"] = NoSidecar,
        ["queue-sidecar-cpu-request"] = NoSidecar,
        ["queue-sidecar-cpu-limit"] = NoSidecar,
        ["queue-sidecar-memory-request"] = NoSidecar,
        ["queue-sidecar-memory-limit"] = NoSidecar,
        ["queue-sidecar-ephemeral-storage-request"] = NoSidecar,
        ["queue-sidecar-ephemeral-storage-limit"] = NoSidecar,
        ["queue-sidecar-token-audiences"] = NoSidecar,
        ["queue-sidecar-rootca"] = NoSidecar,
        ["queue-sidecar-tls-min-version"] = NoSidecar,
        ["queue-sidecar-tls-max-version"] = NoSidecar,
        ["queue-sidecar-tls-cipher-suites"] = NoSidecar,
        ["queue-sidecar-tls-curve-preferences"] = NoSidecar,
        ["default-affinity-type"] = OneNode,
        ["runtime-class-name"] = "pods are processes; the class is written to them and nothing else",
        ["kubernetes.podspec-topologyspreadconstraints"] = OneNode,
        ["kubernetes.podspec-runtimeclassname"] = "pods are processes; the class is stored and nothing else",
        ["kubernetes.podspec-shareprocessnamespace"] = "pods have no process namespaces",
        ["kubernetes.podspec-hostipc"] = "pods have no IPC namespaces",
        ["kubernetes.podspec-hostpid"] = "pods have no process namespaces",
        ["kubernetes.podspec-hostnetwork"] = "the field is stored; --pod-network off gives every pod the machine's network",
        ["kubernetes.podspec-priorityclassname"] = "no pod gives way to another",
        ["kubernetes.podspec-schedulername"] = OneNode,
        ["queueproxy.mount-podinfo"] = NoSidecar,
        ["queueproxy.resource-defaults"] = NoSidecar,
        ["system-internal-tls"] = NotEncrypted,
        ["internal-encryption"] = NotEncrypted,
        ["enable-mesh-pod-addressability"] = NoMesh,
        ["mesh-compatibility-mode"] = NoMesh,
        ["logging.enable-var-log-collection"] = "no collector runs; `kubectl logs` and `serval logs` read what programs print",
        ["metrics-protocol"] = NoExport,
        ["metrics-endpoint"] = NoExport,
        ["metrics-export-interval"] = NoExport,
        ["request-metrics-protocol"] = NoExport,
        ["request-metrics-endpoint"] = NoExport,
        ["request-metrics-export-interval"] = NoExport,
        ["runtime-profiling"] = "diagnostic tools of .NET attach to the process instead",
        ["runtime-export-interval"] = NoExport,
        ["tracing-protocol"] = NoExport,
        ["tracing-endpoint"] = NoExport,
        ["tracing-sampling-rate"] = NoExport,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>Why a key changes nothing; null when it does.</summary>
    public static string? Why(string key) => s_why.GetValueOrDefault(key);

    public static IEnumerable<string> Warnings(string map, IReadOnlyDictionary<string, string> data) => data
        .Where(d => s_why.ContainsKey(d.Key) && d.Value.Trim() is { Length: > 0 } value
            && !string.Equals(value, DefaultConfigMaps.ValueOf(map, d.Key), StringComparison.OrdinalIgnoreCase))
        .OrderBy(d => d.Key, StringComparer.Ordinal)
        .Select(d => $"{map}: {d.Key} has no effect: {s_why[d.Key]}");
}
