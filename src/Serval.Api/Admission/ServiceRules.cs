using System.Net;
using System.Text.Json.Nodes;
using Serval.Api.Core;

namespace Serval.Api.Admission;

/// <summary>Kubernetes' rules of Services, their ranges, and Leases.</summary>
internal static class ServiceRules
{
    public static void Service(JsonObject tree, JsonObject? old, Problems to)
    {
        var spec = tree.Object("spec");
        var type = spec.String("type");
        ServiceTrafficRules.Topology(tree, to);
        if (type == "ExternalName")
        {
            ExternalName(spec, to);
        }
        else if (spec.Array("ports") is null or { Count: 0 } && !ClusterIps.IsHeadless(spec))
        {
            to.Required("spec.ports");
        }
        if (type is "LoadBalancer" or "NodePort" && ClusterIps.IsHeadless(spec))
        {
            to.InvalidText("spec.clusterIPs[0]", "None", $"may not be set to 'None' for {type} services");
        }
        Ports(spec, to);
        foreach (var (key, value) in spec.Texts("selector"))
        {
            to.Check("spec.selector", key, Names.QualifiedNameProblems);
            to.Check("spec.selector", value, Names.LabelValue);
        }
        to.OneOf(spec, "sessionAffinity", "spec", "ClientIP", "None");
        ServiceTrafficRules.Affinity(spec, to);
        if (type != "ExternalName")
        {
            ClusterIps.Check(spec, old.Object("spec"), to);
            if (old is not null)
            {
                ClusterIps.CheckChange(spec, old.Object("spec"), to);
            }
        }
        ServiceTrafficRules.ExternalIps(spec, old.Object("spec"), to);
        if (type is not ("ClusterIP" or "ExternalName" or "LoadBalancer" or "NodePort"))
        {
            to.Unsupported("spec.type", type, "ClusterIP", "ExternalName", "LoadBalancer", "NodePort");
        }
        ServiceTrafficRules.Check(tree, old, to);
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

    private static void ExternalName(JsonObject? spec, Problems to)
    {
        foreach (var field in ((string[])["clusterIPs", "ipFamilies", "ipFamilyPolicy"]).Where(f => Tree.IsSet(f, spec?[f])))
        {
            to.Forbidden($"spec.{field}", "may not be set for ExternalName services");
        }
        var given = spec.String("externalName");
        var name = given.EndsWith('.') ? given[..^1] : given; // one that is whole may say so
        if (name.Length == 0)
        {
            to.Required("spec.externalName");
        }
        else
        {
            to.Check("spec.externalName", name, Names.Subdomain);
        }
    }

    private static void Ports(JsonObject? spec, Problems to)
    {
        var several = spec.Array("ports") is { Count: > 1 };
        var names = new HashSet<string>(StringComparer.Ordinal);
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
            to.PortOrName($"{path}.targetPort", port["targetPort"]);
            if (port.Has("appProtocol"))
            {
                to.Check($"{path}.appProtocol", port.String("appProtocol"), Names.QualifiedNameProblems);
            }
        }
    }

    private static void Number(long number, string path, Problems to)
    {
        if (Names.PortNumber(number) is { } wrong)
        {
            to.Invalid(path, number.ToString(), wrong);
        }
    }
}
