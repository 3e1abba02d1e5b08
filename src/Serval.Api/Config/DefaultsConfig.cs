using Serval.Api.Core;

namespace Serval.Api.Config;

/// <summary>config-defaults: what a Revision gets where its author said nothing.</summary>
public sealed record DefaultsConfig
{
    public const string MapName = "config-defaults";

    public static DefaultsConfig Default { get; } = new();

    public long RevisionTimeoutSeconds { get; init; } = 300;
    public long MaxRevisionTimeoutSeconds { get; init; } = 600;

    /// <summary>Follows <see cref="RevisionTimeoutSeconds"/> when its key is absent.</summary>
    public long RevisionResponseStartTimeoutSeconds { get; init; } = 300;
    public long RevisionIdleTimeoutSeconds { get; init; }
    public Quantity? RevisionCpuRequest { get; init; }
    public Quantity? RevisionMemoryRequest { get; init; }
    public Quantity? RevisionEphemeralStorageRequest { get; init; }
    public Quantity? RevisionCpuLimit { get; init; }
    public Quantity? RevisionMemoryLimit { get; init; }
    public Quantity? RevisionEphemeralStorageLimit { get; init; }
    public TextTemplate ContainerNameTemplate { get; init; } = TextTemplate.Parse("user-container", TemplateScope.Metadata);
    public TextTemplate InitContainerNameTemplate { get; init; } = TextTemplate.Parse("init-container", TemplateScope.Metadata);
    public long ContainerConcurrency { get; init; }
    public long ContainerConcurrencyMaxLimit { get; init; } = 1000;
    public bool AllowContainerConcurrencyZero { get; init; } = true;

    /// <summary>Null leaves the field unset (the ConfigMap says <c>default</c>).</summary>
    public bool? EnableServiceLinks { get; init; } = false;

    internal static DefaultsConfig Read(ConfigReader r)
    {
        var d = Default;
        var timeout = r.Int64("revision-timeout-seconds", d.RevisionTimeoutSeconds);
        var config = new DefaultsConfig
        {
            RevisionTimeoutSeconds = timeout,
            MaxRevisionTimeoutSeconds = r.Int64("max-revision-timeout-seconds", d.MaxRevisionTimeoutSeconds),
            RevisionResponseStartTimeoutSeconds = r.Int64("revision-response-start-timeout-seconds", timeout),
            RevisionIdleTimeoutSeconds = r.Int64("revision-idle-timeout-seconds", d.RevisionIdleTimeoutSeconds),
            RevisionCpuRequest = r.Quantity("revision-cpu-request"),
            RevisionMemoryRequest = r.Quantity("revision-memory-request"),
            RevisionEphemeralStorageRequest = r.Quantity("revision-ephemeral-storage-request"),
            RevisionCpuLimit = r.Quantity("revision-cpu-limit"),
            RevisionMemoryLimit = r.Quantity("revision-memory-limit"),
            RevisionEphemeralStorageLimit = r.Quantity("revision-ephemeral-storage-limit"),
            ContainerNameTemplate = r.Template("container-name-template", d.ContainerNameTemplate, TemplateScope.Metadata),
            InitContainerNameTemplate = r.Template("init-container-name-template", d.InitContainerNameTemplate, TemplateScope.Metadata),
            ContainerConcurrency = r.Int64("container-concurrency", d.ContainerConcurrency),
            ContainerConcurrencyMaxLimit = r.Int64("container-concurrency-max-limit", d.ContainerConcurrencyMaxLimit),
            AllowContainerConcurrencyZero = r.Bool("allow-container-concurrency-zero", d.AllowContainerConcurrencyZero),
            // Any other word, "default" among them, leaves the field to the cluster.
            EnableServiceLinks = r.Text("enable-service-links", "false").ToLowerInvariant() switch { "true" => true, "false" => false, _ => null },
        };
        config.Check(r);
        return config;
    }

    private void Check(ConfigReader r)
    {
        r.Require(RevisionTimeoutSeconds <= MaxRevisionTimeoutSeconds, "revision-timeout-seconds",
            $"must be at most max-revision-timeout-seconds ({MaxRevisionTimeoutSeconds})");
        r.Require(RevisionResponseStartTimeoutSeconds <= 0 || RevisionResponseStartTimeoutSeconds <= RevisionTimeoutSeconds,
            "revision-response-start-timeout-seconds", $"must be at most revision-timeout-seconds ({RevisionTimeoutSeconds})");
        r.Require(RevisionIdleTimeoutSeconds <= 0 || RevisionIdleTimeoutSeconds <= RevisionTimeoutSeconds,
            "revision-idle-timeout-seconds", $"must be at most revision-timeout-seconds ({RevisionTimeoutSeconds})");
        r.Require(ContainerConcurrencyMaxLimit >= 1, "container-concurrency-max-limit", $"must be between 1 and {int.MaxValue}");
        r.Require(ContainerConcurrency >= 0 && ContainerConcurrency <= ContainerConcurrencyMaxLimit, "container-concurrency",
            $"must be between 0 and container-concurrency-max-limit ({ContainerConcurrencyMaxLimit})");
    }
}
