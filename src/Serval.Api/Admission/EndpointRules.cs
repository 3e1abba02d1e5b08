using System.Net;
using System.Text.Json.Nodes;
using Serval.Api.Core;

namespace Serval.Api.Admission;

/// <summary>Kubernetes' rules of Endpoints and EndpointSlices (pkg/apis/core/validation, pkg/apis/discovery/validation).</summary>
internal static class EndpointRules
{
    private const int MostAddresses = 100;
    private const int MostEndpoints = 1000;
    private const int MostPorts = 20_000;

    private static readonly IPNetwork s_localGroups = IPNetwork.Parse("224.0.0.0/24");

    /// <param name="tree">The Endpoints.</param>
    /// <param name="old">The stored ones on an update.</param>
    /// <param name="to">Gets what is wrong.</param>
    /// <param name="ownRole">Serval itself writes: what it is behind may be the machine's own address.</param>
    public static void Endpoints(JsonObject tree, JsonObject? old, Problems to, bool ownRole)
    {
        if (old is not null && JsonNode.DeepEquals(old["subsets"], tree["subsets"]))
        {
            return; // what was stored may be older than a rule
        }
        foreach (var (i, subset) in tree.Objects("subsets"))
        {
            var at = $"subsets[{i}]";
            if (subset.Array("addresses") is not { Count: > 0 } && subset.Array("notReadyAddresses") is not { Count: > 0 })
            {
                to.Required(at, "must specify `addresses` or `notReadyAddresses`");
            }
            foreach (var list in (ReadOnlySpan<string>)["addresses", "notReadyAddresses"])
            {
                foreach (var (j, address) in subset.Objects(list))
                {
                    Address(address, $"{at}.{list}[{j}]", to, ownRole);
                }
            }
            var several = subset.Array("ports") is { Count: > 1 };
            foreach (var (j, port) in subset.Objects("ports"))
            {
                Port(port, several, $"{at}.ports[{j}]", to);
            }
        }
    }

    public static void Slice(JsonObject tree, JsonObject? old, Problems to, bool ownRole)
    {
        var type = tree.String("addressType");
        to.Need(tree, "addressType", "");
        to.OneOf(tree, "addressType", "", "FQDN", "IPv4", "IPv6");
        Ports(tree, to);
        if (old is null || !JsonNode.DeepEquals(old["endpoints"], tree["endpoints"]))
        {
            if (tree.Array("endpoints") is { Count: > MostEndpoints } many)
            {
                to.TooMany("endpoints", many.Count, MostEndpoints);
            }
            foreach (var (i, endpoint) in tree.Objects("endpoints").TakeWhile(_ => tree.Array("endpoints")!.Count <= MostEndpoints))
            {
                Endpoint(endpoint, $"endpoints[{i}]", type, to, ownRole);
            }
        }
        if (old is not null && old.String("addressType") != type)
        {
            to.InvalidText("addressType", type, "field is immutable");
        }
    }

    /// <summary>What an address of the machine itself, or of nobody, must not be: it would be another machine's at each who reads it (ValidateEndpointIP).</summary>
    public static void NotSpecial(string text, string path, Problems to)
    {
        if (IpText.Parse(text) is not { } address)
        {
            return; // told already
        }
        var four = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        var bytes = four.GetAddressBytes();
        if (four.Equals(IPAddress.Any) || four.Equals(IPAddress.IPv6Any))
        {
            to.InvalidText(path, text, $"may not be unspecified ({text})");
        }
        if (IPAddress.IsLoopback(four))
        {
            to.InvalidText(path, text, "may not be in the loopback range (127.0.0.0/8, ::1/128)");
        }
        if (four.IsIPv6LinkLocal || (bytes.Length == 4 && bytes[0] == 169 && bytes[1] == 254))
        {
            to.InvalidText(path, text, "may not be in the link-local range (169.254.0.0/16, fe80::/10)");
        }
        if (s_localGroups.Contains(four) || (bytes.Length == 16 && bytes[0] == 0xff && (bytes[1] & 0x0f) == 2))
        {
            to.InvalidText(path, text, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)");
        }
    }

    private static void Address(JsonObject address, string at, Problems to, bool ownRole)
    {
        var ip = address.String("ip");
        to.Check($"{at}.ip", ip, IpText.Problem);
        if (address.String("hostname") is { Length: > 0 } host)
        {
            to.Check($"{at}.hostname", host, Names.Label);
        }
        if (address.Has("nodeName"))
        {
            to.Check($"{at}.nodeName", address.String("nodeName"), Names.Subdomain);
        }
        if (IpText.Parse(ip) is null)
        {
            to.InvalidText($"{at}.ip", ip, "must be a valid IP address");
        }
        else if (!ownRole)
        {
            NotSpecial(ip, $"{at}.ip", to);
        }
    }

    private static void Port(JsonObject port, bool several, string at, Problems to)
    {
        var name = port.String("name");
        if (name.Length > 0)
        {
            to.Check($"{at}.name", name, Names.Label);
        }
        else if (several)
        {
            to.Required($"{at}.name");
        }
        var number = port.Number("port") ?? 0;
        if (Names.PortNumber(number) is { } wrong)
        {
            to.Invalid($"{at}.port", number.ToString(), wrong);
        }
        to.OneOf(port, "protocol", at, "SCTP", "TCP", "UDP");
        if (port.Has("appProtocol"))
        {
            to.Check($"{at}.appProtocol", port.String("appProtocol"), Names.QualifiedNameProblems);
        }
    }

    private static void Ports(JsonObject tree, Problems to)
    {
        if (tree.Array("ports") is { Count: > MostPorts } many)
        {
            to.TooMany("ports", many.Count, MostPorts);
            return;
        }
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (i, port) in tree.Objects("ports"))
        {
            var (at, name) = ($"ports[{i}]", port.String("name"));
            if (name.Length > 0)
            {
                to.Check($"{at}.name", name, Names.Label);
            }
            if (!names.Add(name))
            {
                to.Duplicate($"{at}.name", name);
            }
            to.OneOf(port, "protocol", at, "SCTP", "TCP", "UDP");
            if (port.Has("appProtocol"))
            {
                to.Check($"{at}.appProtocol", port.String("appProtocol"), Names.QualifiedNameProblems);
            }
        }
    }

    private static void Endpoint(JsonObject endpoint, string at, string type, Problems to, bool ownRole)
    {
        var path = $"{at}.addresses";
        var addresses = endpoint.Array("addresses") ?? [];
        if (addresses.Count == 0)
        {
            to.Required(path, "must contain at least 1 address");
        }
        else if (addresses.Count > MostAddresses)
        {
            to.TooMany(path, addresses.Count, MostAddresses);
        }
        for (var i = 0; i < addresses.Count; i++)
        {
            var text = Tree.Text(addresses[i]);
            if (type == "FQDN")
            {
                DomainName(text, $"{path}[{i}]", to);
            }
            else if (type is "IPv4" or "IPv6")
            {
                Ip(text, type, path, i, to, ownRole);
            }
        }
        if (endpoint.Has("nodeName"))
        {
            to.Check($"{at}.nodeName", endpoint.String("nodeName"), Names.Subdomain);
        }
        if (endpoint.Has("hostname"))
        {
            to.Check($"{at}.hostname", endpoint.String("hostname"), Names.Label);
        }
    }

    private static void Ip(string text, string type, string path, int i, Problems to, bool ownRole)
    {
        var at = $"{path}[{i}]";
        if (IpText.Problem(text) is { } wrong)
        {
            to.InvalidText(at, text, wrong);
            return;
        }
        if (type == "IPv6" && IpText.Canonical(IpText.Parse(text)!) is var written && written != text)
        {
            to.InvalidText(at, text, $"must be in canonical form (\"{written}\")");
            return;
        }
        if (IpText.Family(text) != type)
        {
            to.InvalidText(path, text, $"must be an {type} address");
        }
        if (!ownRole)
        {
            NotSpecial(text, at, to);
        }
    }

    // IsFullyQualifiedDomainName
    private static void DomainName(string text, string at, Problems to)
    {
        var name = text.EndsWith('.') ? text[..^1] : text;
        if (text.Length == 0)
        {
            to.Required(at);
        }
        else if (Names.Subdomain(name) is { } wrong)
        {
            to.InvalidText(at, name, wrong);
        }
        else if (!name.Contains('.', StringComparison.Ordinal))
        {
            to.InvalidText(at, name, "should be a domain with at least two segments separated by dots");
        }
        else if (name.Split('.').FirstOrDefault(l => Names.Label(l) is not null) is { } label)
        {
            to.InvalidText(at, label, Names.Label(label)!);
        }
    }
}
