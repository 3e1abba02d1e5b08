using Serval.Api.Config;
using Serval.Api.Core;
using Serval.Api.Serving;

namespace Serval.Api.Tests.Config;

public sealed class ServingConfigTests
{
    private static readonly Dictionary<string, string> s_none = [];

    [Fact]
    public void DefaultConfigMaps_EveryOne_ParsesToTheDefaultsWithoutWarning()
    {
        foreach (var map in DefaultConfigMaps.All)
        {
            var data = map.As<ConfigMap>().Data;
            var (error, warnings) = ServingConfig.Check(map.Metadata.Name, data);
            Assert.Null(error);
            Assert.Empty(warnings);
            Assert.Equal("knative-serving", map.Metadata.Label("app.kubernetes.io/part-of"));
        }
        var read = DefaultConfigMaps.All.Aggregate(ServingConfig.Default, (c, m) => c.With(m.Metadata.Name, m.As<ConfigMap>().Data).Config);
        Assert.Equal(AutoscalerConfig.Default, read.Autoscaler);
        Assert.Equal(GcConfig.Default, read.Gc);
        Assert.Equal(ObservabilityConfig.Default, read.Observability);
        Assert.Equal(DefaultsConfig.Default, read.Defaults);
        Assert.Equal(NetworkConfig.Default, read.Network);
        Assert.All(FeaturesConfig.Keys, k => Assert.Equal(k.Default, read.Features[k.Key]));
    }

    /// <summary>Keys for which any text will do, as upstream.</summary>
    private static readonly HashSet<string> s_texts =
    [
        "_example", "pod-autoscaler-class", "enable-service-links", "registries-skipping-tag-resolving", "ingress-class", "certificate-class", "domain-template", "tag-template",
        "default-external-scheme", "external-domain-tls", "auto-tls", "logging.revision-url-template", "logging.request-log-template", "tracing-endpoint",
        "container-name-template", "init-container-name-template", "queue-sidecar-image", "queue-sidecar-token-audiences", "queue-sidecar-rootca",
        "queue-sidecar-tls-min-version", "queue-sidecar-tls-max-version", "queue-sidecar-tls-cipher-suites", "queue-sidecar-tls-curve-preferences",
        "queueSidecarImage", "registriesSkippingTagResolving", "ingress.class", "certificate.class", "domainTemplate", "tagTemplate", "autoTLS", "defaultExternalScheme",
    ];

    public static IEnumerable<object[]> EveryKey =>
        from map in DefaultConfigMaps.All select map.Metadata.Name into name where name != DomainConfig.MapName
        from key in ServingConfig.KeysOf(name) where !s_texts.Contains(key) select new object[] { name, key };

    [Theory]
    [MemberData(nameof(EveryKey))]
    public void Key_WithNonsense_IsRefusedOrWarnedOf_AndTheLastGoodStays(string map, string key)
    {
        var data = Data((key, "so so"));
        var (error, warnings) = ServingConfig.Check(map, data);
        if (map == FeaturesConfig.MapName || key == "mesh-compatibility-mode")
        {
            Assert.Null(error); // ignored, as upstream, but said
            Assert.Contains(warnings, w => w.StartsWith($"{map}: {key} = \"so so\" is ignored: allowed are ", StringComparison.Ordinal));
            return;
        }
        Assert.Equal((map, key, "so so"), (error?.ConfigMap, error?.Key, error?.Value));
        Assert.Same(ServingConfig.Default, ServingConfig.Default.With(map, data).Config);
    }

    public static TheoryData<string, string, string> Refused => new()
    {
        { "config-autoscaler", "stable-window", "5s" },
        { "config-autoscaler", "stable-window", "6.5s" },
        { "config-autoscaler", "stable-window", "2h" },
        { "config-autoscaler", "stable-window", "sixty" },
        { "config-autoscaler", "enable-scale-to-zero", "yes" },
        { "config-autoscaler", "container-concurrency-target-percentage", "0" },
        { "config-autoscaler", "container-concurrency-target-percentage", "101" },
        { "config-autoscaler", "container-concurrency-target-default", "0" },
        { "config-autoscaler", "requests-per-second-target-default", "0.001" },
        { "config-autoscaler", "target-burst-capacity", "-2" },
        { "config-autoscaler", "target-burst-capacity", "NaN" },
        { "config-autoscaler", "activator-capacity", "0.5" },
        { "config-autoscaler", "max-scale-up-rate", "1" },
        { "config-autoscaler", "max-scale-down-rate", "0.9" },
        { "config-autoscaler", "panic-window-percentage", "0.5" },
        { "config-autoscaler", "panic-window-percentage", "110" },
        { "config-autoscaler", "initial-scale", "0" },
        { "config-autoscaler", "min-scale", "-1" },
        { "config-autoscaler", "max-scale", "-1" },
        { "config-autoscaler", "max-scale-limit", "-1" },
        { "config-autoscaler", "scale-down-delay", "-1s" },
        { "config-autoscaler", "scale-down-delay", "1500ms" },
        { "config-autoscaler", "scale-to-zero-grace-period", "0s" },
        { "config-autoscaler", "scale-to-zero-pod-retention-period", "-1s" },
        { "config-defaults", "revision-timeout-seconds", "601" },
        { "config-defaults", "revision-timeout-seconds", "5m" },
        { "config-defaults", "revision-response-start-timeout-seconds", "301" },
        { "config-defaults", "revision-idle-timeout-seconds", "301" },
        { "config-defaults", "container-concurrency", "1001" },
        { "config-defaults", "container-concurrency", "-1" },
        { "config-defaults", "container-concurrency-max-limit", "0" },
        { "config-defaults", "revision-cpu-request", "lots" },
        { "config-defaults", "container-name-template", "{{.Nope}}" },
        { "config-defaults", "container-name-template", "{{.Name" },
        { "config-deployment", "progress-deadline", "0s" },
        { "config-deployment", "progress-deadline", "1500ms" },
        { "config-deployment", "digest-resolution-timeout", "-1s" },
        { "config-deployment", "default-affinity-type", "spread" },
        { "config-deployment", "queue-sidecar-cpu-limit", "1x" },
        { "config-deployment", "runtime-class-name", "Bad_Name: {}" },
        { "config-deployment", "runtime-class-name", "- a" },
        { "config-domain", "example.com", "selector: nope" },
        { "config-domain", "example.com", "just text" },
        { "config-domain", "Example Com", "" },
        { "config-gc", "retain-since-create-time", "-1h" },
        { "config-gc", "retain-since-last-active-time", "soon" },
        { "config-gc", "min-non-active-revisions", "-1" },
        { "config-gc", "min-non-active-revisions", "1001" },
        { "config-gc", "max-non-active-revisions", "-1" },
        { "config-network", "domain-template", "{{.Name}}.{{.Domain}}/path" },
        { "config-network", "domain-template", "{{.Foo}}" },
        { "config-network", "domain-template", "{{range .Labels}}" },
        { "config-network", "domain-template", " " },
        { "config-network", "tag-template", "{{.Namespace}}" },
        { "config-network", "http-protocol", "sometimes" },
        { "config-network", "rollout-duration", "-1" },
        { "config-network", "rollout-duration", "10s" },
        { "config-network", "system-internal-tls", "maybe" },
        { "config-network", "cluster-local-domain-tls", "maybe" },
        { "config-observability", "metrics-protocol", "opencensus" },
        { "config-observability", "metrics-protocol", "grpc" },
        { "config-observability", "metrics-endpoint", "http://x" },
        { "config-observability", "tracing-sampling-rate", "1.1" },
        { "config-observability", "runtime-profiling", "on" },
        { "config-observability", "request-metrics-export-interval", "-1s" },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void With_BadValue_KeepsTheLastGoodAndNamesTheKey(string map, string key, string value)
    {
        var (config, error) = ServingConfig.Default.With(map, new Dictionary<string, string> { [key] = value });
        Assert.Same(ServingConfig.Default, config);
        Assert.NotNull(error);
        Assert.Equal(map, error.ConfigMap);
        Assert.StartsWith(key.Split('-')[0], error.Key, StringComparison.Ordinal);
        Assert.NotEmpty(error.Allowed);
    }

    [Fact]
    public void With_Autoscaler_ReadsEveryKind()
    {
        var config = Read("config-autoscaler", ("container-concurrency-target-percentage", "0.5"), ("stable-window", "1m30s"), ("enable-scale-to-zero", "F"),
            ("allow-zero-initial-scale", "true"), ("initial-scale", "0"), ("target-burst-capacity", "-1"), ("max-scale-limit", "10"), ("max-scale", "5")).Autoscaler;
        Assert.Equal(0.5, config.ContainerConcurrencyTargetFraction);
        Assert.Equal(TimeSpan.FromSeconds(90), config.StableWindow);
        Assert.False(config.EnableScaleToZero);
        Assert.Equal(0, config.InitialScale);
        Assert.Equal(-1, config.TargetBurstCapacity);
        Assert.Equal(10, config.MaxScaleLimit);
        Assert.NotNull(ServingConfig.Default.With("config-autoscaler", Data(("max-scale-limit", "10"))).Error);
    }

    [Fact]
    public void With_DeletedConfigMap_ReturnsToTheDefaults()
    {
        var changed = Read("config-autoscaler", ("stable-window", "20s"));
        var (back, error) = changed.With("config-autoscaler", null);
        Assert.Null(error);
        Assert.Equal(AutoscalerConfig.Default, back.Autoscaler);
        Assert.Same(changed, changed.With("kube-root-ca.crt", s_none).Config);
    }

    [Fact]
    public void Defaults_ResponseStart_FollowsTheTimeoutUnlessSet()
    {
        Assert.Equal(100, Read("config-defaults", ("revision-timeout-seconds", "100")).Defaults.RevisionResponseStartTimeoutSeconds);
        Assert.Equal(50, Read("config-defaults", ("revision-timeout-seconds", "100"), ("revision-response-start-timeout-seconds", "50"))
            .Defaults.RevisionResponseStartTimeoutSeconds);
        Assert.Null(Read("config-defaults", ("enable-service-links", "default")).Defaults.EnableServiceLinks);
        Assert.True(Read("config-defaults", ("enable-service-links", "TRUE")).Defaults.EnableServiceLinks);
    }

    [Fact]
    public void Domain_Labels_MostSpecificSelectorWins()
    {
        var domain = Read("config-domain", ("example.com", ""), ("b.example.org", "selector:\n  app: prod"), ("a.example.org", "selector:\n  app: prod\n"),
            ("special.dev", "selector:\n  app: \"prod\"  # both\n  tier: 'gold'\n"), ("flow.dev", "{\"selector\": {\"app\": \"flow\"}}")).Domain;
        Assert.Equal("example.com", domain.DomainFor(s_none));
        Assert.Equal("a.example.org", domain.DomainFor(Data(("app", "prod"))));
        Assert.Equal("special.dev", domain.DomainFor(Data(("app", "prod"), ("tier", "gold"))));
        Assert.Equal("flow.dev", domain.DomainFor(Data(("app", "flow"))));
        Assert.Equal("svc.cluster.local", domain.DomainFor(Data((KnativeNames.VisibilityLabel, "cluster-local"))));
        Assert.Equal("localhost", Read("config-domain", ("x.dev", "selector: {app: x}")).Domain.DomainFor(s_none));
    }

    [Fact]
    public void Features_UnknownWord_IsIgnoredWithAWarning()
    {
        var data = Data(("multi-container", "Disabled"), ("kubernetes.podspec-affinity", "on"), ("tag-header-based-routing", "allowed"), ("nope", "1"));
        var (error, warnings) = ServingConfig.Check("config-features", data);
        Assert.Null(error);
        Assert.Equal(2, warnings.Count);
        var features = Read("config-features", [.. data.Select(p => (p.Key, p.Value))]).Features;
        Assert.Equal(FeatureFlag.Disabled, features.MultiContainer);
        Assert.False(features.Permits("kubernetes.podspec-affinity"));
        Assert.Equal(FeatureFlag.Allowed, features.TagHeaderBasedRouting);
        Assert.Equal(FeatureFlag.AllowRootBounded, Read("config-features", ("secure-pod-defaults", "allowrootbounded")).Features.SecurePodDefaults);
    }

    [Fact]
    public void Gc_Disabled_IsNull()
    {
        var gc = Read("config-gc", ("retain-since-create-time", "Disabled"), ("max-non-active-revisions", "disabled"), ("min-non-active-revisions", "5000")).Gc;
        Assert.Null(gc.RetainSinceCreateTime);
        Assert.Null(gc.MaxNonActiveRevisions);
        Assert.Equal(TimeSpan.FromHours(15), gc.RetainSinceLastActiveTime);
    }

    [Fact]
    public void Network_OldSpellings_YieldToNewOnes()
    {
        var network = Read("config-network", ("ingress.class", "old"), ("ingress-class", "new"), ("certificate.class", "old"), ("autoTLS", "Enabled"),
            ("httpProtocol", "Redirected"), ("rolloutDuration", "380"), ("internal-encryption", "true"), ("mesh-compatibility-mode", "Enabled"),
            ("namespace-wildcard-cert-selector", "matchExpressions:\n- key: team\n  operator: NotIn\n  values: [a, b]\n")).Network;
        Assert.Equal("new", network.IngressClass);
        Assert.Equal("old", network.CertificateClass);
        Assert.True(network.ExternalDomainTls);
        Assert.Equal(HttpProtocol.Redirected, network.HttpProtocol);
        Assert.Equal(TimeSpan.FromSeconds(380), network.RolloutDuration);
        Assert.True(network.SystemInternalTls);
        Assert.Equal(MeshCompatibilityMode.Enabled, network.MeshCompatibilityMode);
        Assert.False(network.NamespaceWildcardCertSelector!.Matches(Data(("team", "b"))));
        Assert.True(network.NamespaceWildcardCertSelector.Matches(s_none));
        Assert.False(Read("config-network", ("auto-tls", "Enabled"), ("external-domain-tls", "disabled")).Network.ExternalDomainTls);
    }

    [Theory]
    [InlineData("{{.Name}}.{{.Namespace}}.{{.Domain}}", "web.prod.x.dev")]
    [InlineData("{{ .Name }}-{{ .Namespace }}.{{ .Domain }}", "web-prod.x.dev")]
    [InlineData("{{.Name}}.{{index .Annotations \"sub\"}}.{{.Domain}}", "web.s1.x.dev")]
    [InlineData("{{.Labels.team}}.{{.Domain}}", "red.x.dev")]
    [InlineData("{{.Name -}}  .{{.Domain}}", "web.x.dev")]
    public void Network_DomainTemplate_Renders(string template, string host)
    {
        var network = Read("config-network", ("domain-template", template)).Network;
        Assert.Equal(host, network.HostFor("web", "prod", "x.dev", Data(("team", "red")), Data(("sub", "s1"))));
    }

    [Fact]
    public void Network_TagName_PutsTheTagBeforeTheName()
    {
        Assert.Equal("v2-web", NetworkConfig.Default.TagName("v2", "web"));
        Assert.Equal("web", NetworkConfig.Default.TagName("", "web"));
        Assert.Equal("web-at-v2", Read("config-network", ("tag-template", "{{.Name}}-at-{{.Tag}}")).Network.TagName("v2", "web"));
    }

    [Fact]
    public void Deployment_RuntimeClasses_AreChosenByLabels()
    {
        var deployment = Read("config-deployment", ("runtime-class-name", "kata: {}\ngvisor:\n  selector:\n    secure: \"true\"\n"),
            ("registries-skipping-tag-resolving", "a.local, b.local")).Deployment;
        Assert.Equal("kata", deployment.RuntimeClassFor(s_none));
        Assert.Equal("gvisor", deployment.RuntimeClassFor(Data(("secure", "true"))));
        Assert.Equal(["a.local", "b.local"], deployment.RegistriesSkippingTagResolving);
        Assert.Null(DeploymentConfig.Default.RuntimeClassFor(s_none));
    }

    [Fact]
    public void Observability_LogUrl_CarriesTheUid()
    {
        var observability = Read("config-observability", ("logging.revision-url-template", "http://logs/?uid=${REVISION_UID}"),
            ("tracing-protocol", "grpc"), ("tracing-endpoint", "localhost:4317"), ("tracing-sampling-rate", "0.1")).Observability;
        Assert.Equal("http://logs/?uid=u1", observability.LogUrlFor("u1"));
        Assert.Equal(0.1, observability.TracingSamplingRate);
    }

    private static ServingConfig Read(string map, params (string Key, string Value)[] data)
    {
        var (config, error) = ServingConfig.Default.With(map, Data(data));
        Assert.True(error is null, error?.Message);
        return config;
    }

    private static Dictionary<string, string> Data(params (string Key, string Value)[] data) => data.ToDictionary(d => d.Key, d => d.Value);
}
