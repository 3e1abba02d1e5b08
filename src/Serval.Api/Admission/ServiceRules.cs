using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Nodes;
using Serval.Api.Core;

namespace Serval.Api.Admission;

/// <summary>Kubernetes' rules of Services, EndpointSlices and Leases.</summary>
internal static class ServiceRules
{
    private const int MostAddresses = 100;
    private const int MostEndpoints = 1000;

    public static void Service(JsonObject tree, JsonObject? old, Problems to)
    {
        var spec = tree.Object("spec");
        var type = spec.String("type");
        if (type is not ("ClusterIP" or "ExternalName" or "LoadBalancer" or "NodePort"))
        {
            to.Unsupported("spec.type", type, "ClusterIP", "ExternalName", "LoadBalancer", "NodePort");
        }
        to.OneOf(spec, "sessionAffinity", "spec", "ClientIP", "None");
        if (type == "ExternalName")
        {
            ExternalName(spec.String("externalName"), to);
        }
        else if (spec.Array("ports") is null or { Count: 0 } && !ClusterIps.IsHeadless(spec))
        {
            to.Required("spec.ports");
        }
        Ports(spec, to);
        foreach (var (key, value) in spec.Texts("selector"))
        {
            to.Check("spec.selector", key, Names.QualifiedName);
            to.Check("spec.selector", value, Names.LabelValue);
        }
        if (type == "ExternalName")
        {
            foreach (var field in (ReadOnlySpan<string>)["clusterIPs", "ipFamilies", "ipFamilyPolicy"])
            {
                if (Tree.IsSet(field, spec?[field]))
                {
                    to.Forbidden($"spec.{field}", "may not be set for ExternalName services");
                }
            }
            return;
        }
        if (type is "LoadBalancer" or "NodePort" && ClusterIps.IsHeadless(spec))
        {
            to.InvalidText("spec.clusterIPs[0]", "None", $"may not be set to 'None' for {type} services");
        }
        ClusterIps.Check(spec, old.Object("spec"), to);
        if (old is not null)
        {
            ClusterIps.CheckChange(spec, old.Object("spec"), to);
        }
    }

    /// <summary>Ranges of Services' addresses cannot be changed (pkg/apis/networking/validation).</summary>
    public static void Cidr(JsonObject tree, JsonObject? old, Problems to)
    {
        var cidrs = tree.Object("spec").Array("cidrs") ?? [];
        if (cidrs.Count == 0)
        {
            to.Required("spec.cidrs", "at least one CIDR required");
        }
        for (var i = 0; i < cidrs.Count; i++)
        {
            var text = Tree.Text(cidrs[i]);
            if (!IPNetwork.TryParse(text, out var range))
            {
                to.InvalidText($"spec.cidrs[{i}]", text, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)");
            }
            else if (!text.StartsWith(range.BaseAddress + "/", StringComparison.Ordinal))
            {
                to.InvalidText($"spec.cidrs[{i}]", text, "must not have bits set beyond the prefix length");
            }
        }
        var before = old.Object("spec").Array("cidrs") ?? [];
        if (old is not null && before.Count != cidrs.Count)
        {
            to.Invalid("spec.cidrs", cidrs.ToJsonString(), "field is immutable");
            return;
        }
        for (var i = 0; i < before.Count; i++)
        {
            if (Tree.Text(before[i]) != Tree.Text(cidrs[i]))
            {
                to.InvalidText($"spec.cidrs[{i}]", Tree.Text(cidrs[i]), "field is immutable");
            }
        }
    }

    public static void EndpointSlice(JsonObject tree, JsonObject? old, Problems to)
    {
        var type = tree.String("addressType");
        to.Need(tree, "addressType", "");
        to.OneOf(tree, "addressType", "", "FQDN", "IPv4", "IPv6");
        if (old is not null && old.String("addressType") != type)
        {
            to.InvalidText("addressType", type, "field is immutable");
        }
        if (tree.Array("endpoints") is { Count: > MostEndpoints } many)
        {
            to.Say($"Too many: {many.Count}: must have at most {MostEndpoints} items", "endpoints");
        }
        foreach (var (i, endpoint) in tree.Objects("endpoints"))
        {
            Addresses(endpoint, $"endpoints[{i}].addresses", type, to);
        }
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (i, port) in tree.Objects("ports"))
        {
            if (!names.Add(port.String("name")))
            {
                to.Duplicate($"ports[{i}].name", port.String("name"));
            }
            to.OneOf(port, "protocol", $"ports[{i}]", "SCTP", "TCP", "UDP");
        }
    }

    public static void Lease(JsonObject tree, Problems to)
    {
        var spec = tree.Object("spec");
        foreach (var field in new[] { "leaseDurationSeconds", "leaseTransitions" })
        {
            var least = field == "leaseTransitions" ? 0 : 1;
            if (spec.Number(field) is { } value && value < least)
            {
                to.Invalid($"spec.{field}", value.ToString(), least == 0 ? "must be greater than or equal to 0" : "must be greater than 0");
            }
        }
    }

    private static void ExternalName(string name, Problems to)
    {
        if (name.Length == 0)
        {
            to.Required("spec.externalName");
            return;
        }
        to.Check("spec.externalName", name.TrimEnd('.').ToLowerInvariant(), Names.Subdomain);
    }

    private static void Ports(JsonObject? spec, Problems to)
    {
        var several = spec.Array("ports") is { Count: > 1 };
        var names = new HashSet<string>(StringComparer.Ordinal);
        var numbers = new HashSet<(long, string)>();
        foreach (var (i, port) in spec.Objects("ports"))
        {
            var path = $"spec.ports[{i}]";
            var name = port.String("name");
            if (name.Length == 0 && several)
            {
                to.Required($"{path}.name");
            }
            else if (name.Length > 0)
            {
                to.Check($"{path}.name", name, Names.Label);
                if (!names.Add(name))
                {
                    to.Duplicate($"{path}.name", name);
                }
            }
            var number = port.Number("port") ?? 0;
            Number(number, $"{path}.port", to);
            to.OneOf(port, "protocol", path, "SCTP", "TCP", "UDP");
            if (!numbers.Add((number, port.String("protocol"))))
            {
                to.Duplicate(path, $"{port.String("protocol")}/{number}");
            }
            TargetPort(port, path, to);
        }
    }

    private static void TargetPort(JsonObject port, string path, Problems to)
    {
        if (port["targetPort"] is JsonValue value && value.GetValueKind() == JsonValueKind.Number)
        {
            Number(Tree.Number(value) ?? -1, $"{path}.targetPort", to);
        }
        else if (port.String("targetPort") is { Length: > 0 } name)
        {
            to.Check($"{path}.targetPort", name, Names.PortName);
        }
        if (port.Number("nodePort") is { } node && node != 0)
        {
            Number(node, $"{path}.nodePort", to);
        }
    }

    private static void Number(long number, string path, Problems to)
    {
        if (Names.PortNumber(number) is { } wrong)
        {
            to.Invalid(path, number.ToString(), wrong);
        }
    }

    private static void Addresses(JsonObject endpoint, string path, string type, Problems to)
    {
        var addresses = endpoint.Array("addresses") ?? [];
        if (addresses.Count == 0)
        {
            to.Required(path, "must contain at least 1 address");
        }
        else if (addresses.Count > MostAddresses)
        {
            to.Say($"Too many: {addresses.Count}: must have at most {MostAddresses} items", path);
        }
        for (var i = 0; i < addresses.Count; i++)
        {
            var text = Tree.Text(addresses[i]);
            var family = IPAddress.TryParse(text, out var address) ? address.AddressFamily : AddressFamily.Unspecified;
            var fits = type switch
            {
                "IPv4" => family == AddressFamily.InterNetwork,
                "IPv6" => family == AddressFamily.InterNetworkV6,
                _ => Names.Subdomain(text) is null,
            };
            if (!fits)
            {
                to.InvalidText($"{path}[{i}]", text, $"must be a valid {type} address");
            }
        }
    }
}
