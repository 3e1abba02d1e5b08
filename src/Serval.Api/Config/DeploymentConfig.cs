using System.Collections.Frozen;
using System.Text.Json.Nodes;
using Serval.Api.Core;

namespace Serval.Api.Config;

/// <summary>config-deployment. The queue sidecar's settings are read and checked; they matter only where a sidecar runs.</summary>
public sealed record DeploymentConfig
{
    public const string MapName = "config-deployment";

    public static DeploymentConfig Default { get; } = new();

    public string QueueSidecarImage { get; init; } = "";

    /// <summary>Registries whose tags are not resolved to digests.</summary>
    public IReadOnlyList<string> RegistriesSkippingTagResolving { get; init; } = ["kind.local", "ko.local", "dev.local"];
    public TimeSpan DigestResolutionTimeout { get; init; } = TimeSpan.FromSeconds(10);
    public TimeSpan ProgressDeadline { get; init; } = TimeSpan.FromSeconds(600);
    public Quantity? QueueSidecarCpuRequest { get; init; } = Quantity.Parse("25m");
    public Quantity? QueueSidecarCpuLimit { get; init; }
    public Quantity? QueueSidecarMemoryRequest { get; init; }
    public Quantity? QueueSidecarMemoryLimit { get; init; }
    public Quantity? QueueSidecarEphemeralStorageRequest { get; init; }
    public Quantity? QueueSidecarEphemeralStorageLimit { get; init; }
    public IReadOnlyList<string> QueueSidecarTokenAudiences { get; init; } = [""];
    public string QueueSidecarRootCa { get; init; } = "";
    public string QueueSidecarTlsMinVersion { get; init; } = "";
    public string QueueSidecarTlsMaxVersion { get; init; } = "";
    public string QueueSidecarTlsCipherSuites { get; init; } = "";
    public string QueueSidecarTlsCurvePreferences { get; init; } = "";

    /// <summary>default-affinity-type: <c>prefer-spread-revision-over-nodes</c> (true) or <c>none</c>.</summary>
    public bool SpreadRevisionOverNodes { get; init; } = true;
    public bool PodIsAlwaysSchedulable { get; init; }

    /// <summary>runtime-class-name: class → labels a revision must have; empty labels are the default class.</summary>
    public IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> RuntimeClassNames { get; init; } =
        FrozenDictionary<string, IReadOnlyDictionary<string, string>>.Empty;

    /// <summary>The runtime class for a revision with these labels: the most specific selector wins, then the first name.</summary>
    public string? RuntimeClassFor(IReadOnlyDictionary<string, string> labels) => LabelChoice.MostSpecific(RuntimeClassNames, labels);

    internal static DeploymentConfig Read(ConfigReader r)
    {
        var d = Default;
        var config = new DeploymentConfig
        {
            QueueSidecarImage = r.Text("queue-sidecar-image", d.QueueSidecarImage, "queueSidecarImage"),
            RegistriesSkippingTagResolving = r.Set("registries-skipping-tag-resolving", d.RegistriesSkippingTagResolving, "registriesSkippingTagResolving"),
            DigestResolutionTimeout = r.Duration("digest-resolution-timeout", d.DigestResolutionTimeout, "digestResolutionTimeout"),
            ProgressDeadline = r.Duration("progress-deadline", d.ProgressDeadline, "progressDeadline"),
            QueueSidecarCpuRequest = r.Quantity("queue-sidecar-cpu-request", d.QueueSidecarCpuRequest, "queueSidecarCPURequest"),
            QueueSidecarCpuLimit = r.Quantity("queue-sidecar-cpu-limit", null, "queueSidecarCPULimit"),
            QueueSidecarMemoryRequest = r.Quantity("queue-sidecar-memory-request", null, "queueSidecarMemoryRequest"),
            QueueSidecarMemoryLimit = r.Quantity("queue-sidecar-memory-limit", null, "queueSidecarMemoryLimit"),
            QueueSidecarEphemeralStorageRequest = r.Quantity("queue-sidecar-ephemeral-storage-request", null, "queueSidecarEphemeralStorageRequest"),
            QueueSidecarEphemeralStorageLimit = r.Quantity("queue-sidecar-ephemeral-storage-limit", null, "queueSidecarEphemeralStorageLimit"),
            QueueSidecarTokenAudiences = r.Set("queue-sidecar-token-audiences", d.QueueSidecarTokenAudiences),
            QueueSidecarRootCa = r.Text("queue-sidecar-rootca", ""),
            QueueSidecarTlsMinVersion = r.Text("queue-sidecar-tls-min-version", ""),
            QueueSidecarTlsMaxVersion = r.Text("queue-sidecar-tls-max-version", ""),
            QueueSidecarTlsCipherSuites = r.Text("queue-sidecar-tls-cipher-suites", ""),
            QueueSidecarTlsCurvePreferences = r.Text("queue-sidecar-tls-curve-preferences", ""),
            SpreadRevisionOverNodes = Spread(r),
            PodIsAlwaysSchedulable = r.Bool("pod-is-always-schedulable", d.PodIsAlwaysSchedulable),
            RuntimeClassNames = ReadRuntimeClasses(r),
        };
        r.Require(config.ProgressDeadline > TimeSpan.Zero, "progress-deadline", "must be positive");
        r.Require(config.ProgressDeadline.Ticks % TimeSpan.TicksPerSecond == 0, "progress-deadline", "must be whole seconds");
        r.Require(config.DigestResolutionTimeout > TimeSpan.Zero, "digest-resolution-timeout", "must be positive");
        return config;
    }

    private static bool Spread(ConfigReader r)
    {
        const string Key = "default-affinity-type";
        var text = r.Text(Key, "prefer-spread-revision-over-nodes");
        r.Require(text is "none" or "prefer-spread-revision-over-nodes", Key, "must be none or prefer-spread-revision-over-nodes");
        return text != "none";
    }

    private static IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> ReadRuntimeClasses(ConfigReader r)
    {
        const string Key = "runtime-class-name";
        try
        {
            var classes = new Dictionary<string, IReadOnlyDictionary<string, string>>(StringComparer.Ordinal);
            if (YamlSubset.Parse(r.Text(Key, "")) is not { } node)
            {
                return Default?.RuntimeClassNames ?? FrozenDictionary<string, IReadOnlyDictionary<string, string>>.Empty;
            }
            foreach (var (name, value) in node as JsonObject ?? throw new FormatException("must map class names to selectors"))
            {
                if (Names.Subdomain(name) is { } wrong)
                {
                    throw new FormatException($"class \"{name}\": {wrong}");
                }
                classes[name] = LabelChoice.Selector(value);
            }
            return classes.ToFrozenDictionary(StringComparer.Ordinal);
        }
        catch (FormatException e)
        {
            r.Fail(Key, e.Message);
            return FrozenDictionary<string, IReadOnlyDictionary<string, string>>.Empty;
        }
    }
}
