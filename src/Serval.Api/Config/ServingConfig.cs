using System.Collections.Frozen;

namespace Serval.Api.Config;

/// <summary>Every <c>config-*</c> ConfigMap of namespace <c>knative-serving</c>, parsed. Immutable; replaced as a whole.</summary>
public sealed record ServingConfig
{
    public static ServingConfig Default { get; } = new();

    public AutoscalerConfig Autoscaler { get; init; } = AutoscalerConfig.Default;
    public DefaultsConfig Defaults { get; init; } = DefaultsConfig.Default;
    public DeploymentConfig Deployment { get; init; } = DeploymentConfig.Default;
    public DomainConfig Domain { get; init; } = DomainConfig.Default;
    public FeaturesConfig Features { get; init; } = FeaturesConfig.Default;
    public GcConfig Gc { get; init; } = GcConfig.Default;
    public NetworkConfig Network { get; init; } = NetworkConfig.Default;
    public ObservabilityConfig Observability { get; init; } = ObservabilityConfig.Default;

    /// <summary>Whether the name is one of the ConfigMaps read here.</summary>
    public static bool IsConfigMap(string name) => name is AutoscalerConfig.MapName or DefaultsConfig.MapName or DeploymentConfig.MapName
        or DomainConfig.MapName or FeaturesConfig.MapName or GcConfig.MapName or NetworkConfig.MapName or ObservabilityConfig.MapName;

    /// <summary>
    /// This configuration with one ConfigMap read anew. Null data (the ConfigMap was deleted) is the defaults. With an error nothing changes:
    /// the last good values stay. A name that is not read here changes nothing.
    /// </summary>
    public (ServingConfig Config, ConfigError? Error) With(string configMap, IReadOnlyDictionary<string, string>? data)
    {
        var (next, reader) = Read(configMap, data);
        return reader.Error is null ? (next, null) : (this, reader.Error);
    }

    /// <summary>What is wrong with a ConfigMap, and what in it has no effect.</summary>
    public static (ConfigError? Error, IReadOnlyList<string> Warnings) Check(string configMap, IReadOnlyDictionary<string, string>? data)
    {
        if (!IsConfigMap(configMap))
        {
            return (null, []);
        }
        var (_, reader) = Default.Read(configMap, data);
        return (reader.Error, [.. reader.Warnings, .. InertSettings.Warnings(configMap, reader.Data), .. reader.UnknownKeys()]);
    }

    /// <summary>Every key that is read of a ConfigMap, older spellings too.</summary>
    internal static IReadOnlyCollection<string> KeysOf(string configMap) => Default.Read(configMap, null).Reader.Known;

    private (ServingConfig Next, ConfigReader Reader) Read(string configMap, IReadOnlyDictionary<string, string>? data)
    {
        var r = new ConfigReader(configMap, data ?? FrozenDictionary<string, string>.Empty);
        var next = configMap switch
        {
            AutoscalerConfig.MapName => this with { Autoscaler = AutoscalerConfig.Read(r) },
            DefaultsConfig.MapName => this with { Defaults = DefaultsConfig.Read(r) },
            DeploymentConfig.MapName => this with { Deployment = DeploymentConfig.Read(r) },
            DomainConfig.MapName => this with { Domain = DomainConfig.Read(r) },
            FeaturesConfig.MapName => this with { Features = FeaturesConfig.Read(r) },
            GcConfig.MapName => this with { Gc = GcConfig.Read(r) },
            NetworkConfig.MapName => this with { Network = NetworkConfig.Read(r) },
            ObservabilityConfig.MapName => this with { Observability = ObservabilityConfig.Read(r) },
            _ => this,
        };
        return (next, r);
    }
}
