using System.Collections.Frozen;
using System.Text.Json.Nodes;
using Serval.Api.Core;
using Serval.Api.Serving;

namespace Serval.Api.Config;

/// <summary>config-domain: which domain a Route gets, by its labels.</summary>
public sealed record DomainConfig
{
    public const string MapName = "config-domain";

    /// <summary>Domain of Routes no entry without a selector covers. Names below it resolve to this machine in browsers and curl.</summary>
    public const string DefaultDomain = "localhost";

    /// <summary>Domain of Routes that are visible inside the cluster only.</summary>
    public const string ClusterLocalDomain = "svc." + KnativeNames.ClusterDomain;

    public static DomainConfig Default { get; } = new();

    /// <summary>Domain → labels a Route must have; empty labels are the default domain.</summary>
    public IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> Domains { get; init; } =
        new Dictionary<string, IReadOnlyDictionary<string, string>>(StringComparer.Ordinal) { [DefaultDomain] = FrozenDictionary<string, string>.Empty }
            .ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>Domains for which namespaces may get a wildcard certificate: those without a selector, and those of <c>type: wildcard</c>.</summary>
    public IReadOnlySet<string> WildcardDomains { get; init; } = FrozenSet.Create(StringComparer.Ordinal, DefaultDomain);

    /// <summary>The domain of a Route with these labels: cluster-local ones get the cluster's; else the most specific selector wins.</summary>
    public string DomainFor(IReadOnlyDictionary<string, string> labels) =>
        labels.TryGetValue(KnativeNames.VisibilityLabel, out var visibility) && visibility == KnativeNames.VisibilityClusterLocal
            ? ClusterLocalDomain
            : LabelChoice.MostSpecific(Domains, labels) ?? DefaultDomain;

    internal static DomainConfig Read(ConfigReader r)
    {
        var wildcards = new HashSet<string>(StringComparer.Ordinal);
        var domains = new Dictionary<string, IReadOnlyDictionary<string, string>>(StringComparer.Ordinal);
        foreach (var (domain, value) in r.Data)
        {
            if (!r.Has(domain) || domain == ConfigReader.ExampleKey)
            {
                continue;
            }
            try
            {
                var settings = YamlSubset.Parse(value);
                domains[domain] = LabelChoice.Selector(settings);
                if (domains[domain].Count == 0 || settings is JsonObject map && map["type"] is JsonValue type && type.GetValue<string>() == "wildcard")
                {
                    wildcards.Add(domain);
                }
            }
            catch (FormatException e)
            {
                r.Fail(domain, e.Message);
            }
            r.Require(Names.Subdomain(domain) is null, domain, "the key must be a domain name in lower case, for example example.com");
        }
        if (!domains.Values.Any(s => s.Count == 0))
        {
            domains[DefaultDomain] = FrozenDictionary<string, string>.Empty;
            wildcards.Add(DefaultDomain);
        }
        return new DomainConfig { Domains = domains.ToFrozenDictionary(StringComparer.Ordinal), WildcardDomains = wildcards };
    }
}
