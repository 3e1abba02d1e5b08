using System.Collections.Frozen;
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

    /// <summary>The domain of a Route with these labels: cluster-local ones get the cluster's; else the most specific selector wins.</summary>
    public string DomainFor(IReadOnlyDictionary<string, string> labels) =>
        labels.TryGetValue(KnativeNames.VisibilityLabel, out var visibility) && visibility == KnativeNames.VisibilityClusterLocal
            ? ClusterLocalDomain
            : LabelChoice.MostSpecific(Domains, labels) ?? DefaultDomain;

    internal static DomainConfig Read(ConfigReader r)
    {
        var domains = new Dictionary<string, IReadOnlyDictionary<string, string>>(StringComparer.Ordinal);
        foreach (var (domain, value) in r.Data)
        {
            if (!r.Has(domain) || domain == ConfigReader.ExampleKey)
            {
                continue;
            }
            try
            {
                domains[domain] = LabelChoice.Selector(YamlSubset.Parse(value));
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
        }
        return new DomainConfig { Domains = domains.ToFrozenDictionary(StringComparer.Ordinal) };
    }
}
