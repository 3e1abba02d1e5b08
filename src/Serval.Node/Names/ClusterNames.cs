using System.Net;
using System.Text.Json;
using Serval.Api;
using Serval.Api.Core;
using Serval.Api.Serving;
using Serval.Kube;

namespace Serval.Node.Names;

/// <summary>
/// What names mean inside the cluster (Kubernetes DNS-Based Service Discovery 1.1). Where ClusterIPs are not routed, each Service is what that
/// specification calls headless: its name gives the ready addresses behind it. So are the gateways' own Services, to spare requests a hop.
/// </summary>
/// <param name="client">Where the objects are.</param>
/// <param name="gateway">Where pods reach the gateway.</param>
/// <param name="services">Addresses of Services that are routed; null when none are.</param>
/// <param name="isServed">Whether the gateway has a route for exactly this host.</param>
internal sealed class ClusterNames(IKubeClient client, IPAddress gateway, IPNetwork? services, Func<string, bool> isServed)
{
    public const string Zone = KnativeNames.ClusterDomain;

    private const int MostAliases = 8;

    /// <summary>What a name in lower case means; null when it is none of the cluster's.</summary>
    public NameMeaning? Find(string name)
    {
        if (name != Zone && !IsBelowZone(name))
        {
            return isServed(name) ? NameMeaning.Of([gateway]) : null;
        }
        return FindService(name, MostAliases);
    }

    /// <summary>Whether a name is the cluster's, known or not.</summary>
    public static bool IsBelowZone(string name) => name.EndsWith("." + Zone, StringComparison.Ordinal);

    private NameMeaning FindService(string name, int aliases) => name.Split('.')[..^2] switch
    {
        [] or ["svc"] => NameMeaning.Of([]),
        [var ns, "svc"] => client.Cache(Kinds.Namespace).Get(new ObjectKey("", ns)) is null ? NameMeaning.Unknown : NameMeaning.Of([]),
        [var service, var ns, "svc"] when client.Cache(Kinds.Service).Get(new ObjectKey(ns, service)) is { } stored => Behind(stored, aliases),
        _ => isServed(name) ? NameMeaning.Of([gateway]) : NameMeaning.Unknown,
    };

    private NameMeaning Behind(KubeObject stored, int aliases)
    {
        var spec = stored.As<Service>().Spec;
        if (spec.Type != "ExternalName")
        {
            if (stored.Metadata.Namespace != KnativeNames.SystemNamespace && IPAddress.TryParse(spec.ClusterIP, out var address) && services?.Contains(address) == true)
            {
                return NameMeaning.Of([address]);
            }
            return NameMeaning.Of(client.Cache(Kinds.Endpoints).Get(stored.Key) is { } endpoints ? ReadyAddresses(endpoints) : []);
        }
        var target = spec.ExternalName.ToLowerInvariant().TrimEnd('.');
        return aliases == 0 || !DnsQuery.IsName(target) ? NameMeaning.Unknown
            : IsBelowZone(target) ? FindService(target, aliases - 1)
            : new NameMeaning { Alias = target };
    }

    private static List<IPAddress> ReadyAddresses(KubeObject endpoints)
    {
        using var document = CanonicalJson.Document(endpoints.Json);
        return [.. Items(document.RootElement, "subsets").SelectMany(s => Items(s, "addresses"))
            .Select(a => a.TryGetProperty("ip", out var ip) && IPAddress.TryParse(ip.GetString(), out var parsed) ? parsed : null)
            .OfType<IPAddress>().Distinct()];

        static IEnumerable<JsonElement> Items(JsonElement element, string name) =>
            element.TryGetProperty(name, out var list) && list.ValueKind == JsonValueKind.Array ? list.EnumerateArray() : [];
    }
}
