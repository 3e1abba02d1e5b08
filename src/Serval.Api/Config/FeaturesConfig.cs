using System.Collections.Frozen;

namespace Serval.Api.Config;

/// <summary>State of an optional feature.</summary>
public enum FeatureFlag
{
    Disabled,

    /// <summary>Off unless the user's object asks for it.</summary>
    Allowed,
    Enabled,

    /// <summary>secure-pod-defaults only: containers run as non-root unless they say otherwise, and nothing more is enforced.</summary>
    AllowRootBounded,
}

/// <summary>config-features. A feature absent from the ConfigMap has its default.</summary>
public sealed record FeaturesConfig
{
    public const string MapName = "config-features";

    private const string Pod = "kubernetes.podspec-";

    // Keys in the order the ConfigMap is written.
    internal static readonly IReadOnlyList<(string Key, FeatureFlag Default)> Keys =
    [
        ("secure-pod-defaults", FeatureFlag.Disabled), ("multi-container", FeatureFlag.Enabled), ("multi-container-probing", FeatureFlag.Disabled),
        (Pod + "affinity", FeatureFlag.Disabled), (Pod + "topologyspreadconstraints", FeatureFlag.Disabled), (Pod + "hostaliases", FeatureFlag.Disabled),
        (Pod + "nodeselector", FeatureFlag.Disabled), (Pod + "tolerations", FeatureFlag.Disabled), (Pod + "fieldref", FeatureFlag.Disabled),
        (Pod + "runtimeclassname", FeatureFlag.Disabled), (Pod + "dnspolicy", FeatureFlag.Disabled), (Pod + "dnsconfig", FeatureFlag.Disabled),
        (Pod + "securitycontext", FeatureFlag.Disabled), (Pod + "shareprocessnamespace", FeatureFlag.Disabled), (Pod + "hostipc", FeatureFlag.Disabled),
        (Pod + "hostpid", FeatureFlag.Disabled), (Pod + "hostnetwork", FeatureFlag.Disabled), (Pod + "priorityclassname", FeatureFlag.Disabled),
        (Pod + "schedulername", FeatureFlag.Disabled), ("kubernetes.containerspec-addcapabilities", FeatureFlag.Disabled),
        ("tag-header-based-routing", FeatureFlag.Disabled), ("autodetect-http2", FeatureFlag.Disabled),
        (Pod + "volumes-emptydir", FeatureFlag.Enabled), (Pod + "volumes-image", FeatureFlag.Disabled), (Pod + "volumes-hostpath", FeatureFlag.Disabled),
        (Pod + "volumes-ephemeral", FeatureFlag.Disabled), (Pod + "volumes-csi", FeatureFlag.Disabled), (Pod + "init-containers", FeatureFlag.Disabled),
        (Pod + "persistent-volume-claim", FeatureFlag.Disabled), (Pod + "persistent-volume-write", FeatureFlag.Disabled),
        (Pod + "volumes-mount-propagation", FeatureFlag.Disabled), ("queueproxy.mount-podinfo", FeatureFlag.Disabled),
        ("queueproxy.resource-defaults", FeatureFlag.Disabled),
    ];

    public static FeaturesConfig Default { get; } = new();

    private FrozenDictionary<string, FeatureFlag> Flags { get; init; } = Keys.ToFrozenDictionary(k => k.Key, k => k.Default, StringComparer.Ordinal);

    /// <summary>The state of a feature by its key, for example <c>kubernetes.podspec-affinity</c>.</summary>
    public FeatureFlag this[string key] => Flags[key];

    public FeatureFlag SecurePodDefaults => this["secure-pod-defaults"];
    public FeatureFlag MultiContainer => this["multi-container"];
    public FeatureFlag MultiContainerProbing => this["multi-container-probing"];
    public FeatureFlag TagHeaderBasedRouting => this["tag-header-based-routing"];
    public FeatureFlag AutoDetectHttp2 => this["autodetect-http2"];

    /// <summary>Whether a pod field behind the gate may be set: <c>enabled</c> or <c>allowed</c>.</summary>
    public bool Permits(string key) => this[key] != FeatureFlag.Disabled;

    internal static FeaturesConfig Read(ConfigReader r) => new()
    {
        Flags = Keys.ToFrozenDictionary(k => k.Key, k => Flag(r, k.Key, k.Default), StringComparer.Ordinal),
    };

    private static FeatureFlag Flag(ConfigReader r, string key, FeatureFlag fallback) => key == "secure-pod-defaults"
        ? r.OneOf(key, fallback, ("disabled", FeatureFlag.Disabled), ("AllowRootBounded", FeatureFlag.AllowRootBounded), ("enabled", FeatureFlag.Enabled))
        : r.OneOf(key, fallback, ("enabled", FeatureFlag.Enabled), ("allowed", FeatureFlag.Allowed), ("disabled", FeatureFlag.Disabled));
}
