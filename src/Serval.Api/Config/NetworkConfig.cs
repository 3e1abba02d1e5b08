using System.Text.Json.Nodes;

namespace Serval.Api.Config;

/// <summary>What the gateway does with plain HTTP.</summary>
public enum HttpProtocol
{
    Enabled,
    Disabled,
    Redirected,
}

/// <summary>Whether pods are reached by their own address or through a mesh.</summary>
public enum MeshCompatibilityMode
{
    Auto,
    Enabled,
    Disabled,
}

/// <summary>config-network.</summary>
public sealed record NetworkConfig
{
    public const string MapName = "config-network";

    /// <summary>Serval's own ingress class; upstream's default names Istio's controller, which is not here.</summary>
    public const string ServalIngressClass = "serval.ingress.networking.knative.dev";
    public const string ServalCertificateClass = "serval.certificate.networking.knative.dev";

    /// <summary>The class of knative/serving's own issuer (net-certmanager); the built-in one answers to it too.</summary>
    public const string CertManagerCertificateClass = "cert-manager.certificate.networking.knative.dev";

    public static NetworkConfig Default { get; } = new();

    public string IngressClass { get; init; } = ServalIngressClass;
    public string CertificateClass { get; init; } = ServalCertificateClass;
    public TextTemplate DomainTemplate { get; init; } = TextTemplate.Parse("{{.Name}}.{{.Namespace}}.{{.Domain}}", TemplateScope.Domain);
    public TextTemplate TagTemplate { get; init; } = TextTemplate.Parse("{{.Tag}}-{{.Name}}", TemplateScope.Tag);

    /// <summary>external-domain-tls (older: auto-tls).</summary>
    public bool ExternalDomainTls { get; init; }
    public bool ClusterLocalDomainTls { get; init; }

    /// <summary>system-internal-tls (older: internal-encryption).</summary>
    public bool SystemInternalTls { get; init; }
    public HttpProtocol HttpProtocol { get; init; } = HttpProtocol.Enabled;

    /// <summary>rollout-duration: how long new traffic moves over; zero is at once.</summary>
    public TimeSpan RolloutDuration { get; init; }

    /// <summary>autocreate-cluster-domain-claims: upstream's default is false (docs/decisions/0010).</summary>
    public bool AutocreateClusterDomainClaims { get; init; } = true;
    public bool EnableMeshPodAddressability { get; init; }
    public MeshCompatibilityMode MeshCompatibilityMode { get; init; } = MeshCompatibilityMode.Auto;

    /// <summary>Scheme of <c>status.url</c> while TLS is off.</summary>
    public string DefaultExternalScheme { get; init; } = "http";

    /// <summary>Namespaces that get a wildcard certificate; null is none.</summary>
    public LabelSelector? NamespaceWildcardCertSelector { get; init; }

    /// <summary>The host of a Route (<paramref name="name"/> already carries the tag, see <see cref="TagName"/>).</summary>
    public string HostFor(string name, string @namespace, string domain, IReadOnlyDictionary<string, string> labels, IReadOnlyDictionary<string, string> annotations) =>
        DomainTemplate.Render(new TemplateValues { Name = name, Namespace = @namespace, Domain = domain, Labels = labels, Annotations = annotations });

    /// <summary>The name a tag gives a Route: by default <c>tag-name</c>. An empty tag gives the name itself.</summary>
    public string TagName(string tag, string name) => tag.Length == 0 ? name : TagTemplate.Render(new TemplateValues { Tag = tag, Name = name });

    internal static NetworkConfig Read(ConfigReader r)
    {
        var d = Default;
        var rollout = r.Int32("rollout-duration", 0, "rolloutDuration");
        r.Require(rollout >= 0, "rollout-duration", "must be 0 or more seconds");
        var autoTls = Is(r, "enabled", r.Text("auto-tls", "disabled", "autoTLS"));
        var encryption = r.Bool("internal-encryption", false);
        var config = new NetworkConfig
        {
            IngressClass = r.Text("ingress-class", d.IngressClass, "ingress.class"),
            CertificateClass = r.Text("certificate-class", d.CertificateClass, "certificate.class"),
            DomainTemplate = r.Template("domain-template", d.DomainTemplate, TemplateScope.Domain, "domainTemplate"),
            TagTemplate = r.Template("tag-template", d.TagTemplate, TemplateScope.Tag, "tagTemplate"),
            ExternalDomainTls = r.Has("external-domain-tls") ? Is(r, "enabled", r.Text("external-domain-tls", "")) : autoTls,
            ClusterLocalDomainTls = r.Choice("cluster-local-domain-tls", false, null, ("enabled", true), ("disabled", false)),
            SystemInternalTls = r.Choice("system-internal-tls", false, null, ("enabled", true), ("disabled", false)) || encryption,
            HttpProtocol = r.Choice("http-protocol", d.HttpProtocol, "httpProtocol",
                ("enabled", HttpProtocol.Enabled), ("disabled", HttpProtocol.Disabled), ("redirected", HttpProtocol.Redirected)),
            RolloutDuration = TimeSpan.FromSeconds(Math.Max(rollout, 0)),
            AutocreateClusterDomainClaims = r.Bool("autocreate-cluster-domain-claims", d.AutocreateClusterDomainClaims, "autocreateClusterDomainClaims"),
            EnableMeshPodAddressability = r.Bool("enable-mesh-pod-addressability", d.EnableMeshPodAddressability),
            MeshCompatibilityMode = r.OneOf("mesh-compatibility-mode", d.MeshCompatibilityMode,
                ("auto", MeshCompatibilityMode.Auto), ("enabled", MeshCompatibilityMode.Enabled), ("disabled", MeshCompatibilityMode.Disabled)),
            DefaultExternalScheme = r.Text("default-external-scheme", d.DefaultExternalScheme, "defaultExternalScheme"),
            NamespaceWildcardCertSelector = Selector(r, "namespace-wildcard-cert-selector"),
        };
        config.CheckHost(r);
        return config;
    }

    // A trial run, as upstream does one: the result must be a host and nothing more.
    private void CheckHost(ConfigReader r)
    {
        var host = DomainTemplate.Render(new TemplateValues { Name = "foo", Namespace = "bar", Domain = "baz.com" });
        // Empty labels are let through: an annotation that is absent here may be there on the Route.
        var valid = host.Length > 0 && host.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '_');
        r.Require(valid, "domain-template", $"must yield a host name, but {{Name: foo, Namespace: bar, Domain: baz.com}} yields \"{host}\"");
    }

    private static bool Is(ConfigReader _, string wanted, string text) => string.Equals(text, wanted, StringComparison.OrdinalIgnoreCase);

    private static LabelSelector? Selector(ConfigReader r, string key)
    {
        try
        {
            if (YamlSubset.Parse(r.Text(key, "")) is not { } node)
            {
                return null;
            }
            var map = node as JsonObject ?? throw new FormatException("must hold matchLabels, matchExpressions or both");
            var expressions = map["matchExpressions"] as JsonArray ?? [];
            return new LabelSelector
            {
                MatchLabels = LabelChoice.Selector(new JsonObject { ["selector"] = map["matchLabels"]?.DeepClone() }),
                MatchExpressions =
                [
                    .. expressions.OfType<JsonObject>().Select(e => new LabelRequirement
                    {
                        Key = Text(e["key"]),
                        Operator = Text(e["operator"]),
                        Values = [.. (e["values"] as JsonArray ?? []).Select(Text)],
                    }),
                ],
            };
        }
        catch (FormatException e)
        {
            r.Fail(key, e.Message);
            return null;
        }

        static string Text(JsonNode? node) => node is JsonValue value ? value.GetValue<string>() : "";
    }
}
