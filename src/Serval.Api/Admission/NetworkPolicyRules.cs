using System.Text.Json;
using System.Text.Json.Nodes;
using Serval.Api.Core;

namespace Serval.Api.Admission;

/// <summary>Specs of NetworkPolicies (kubernetes pkg/apis/networking/validation: ValidateNetworkPolicySpec).</summary>
internal static class NetworkPolicyRules
{
    public static void Check(JsonObject? spec, Problems to)
    {
        WorkloadRules.ParseSelector(spec.Object("podSelector") ?? [], "spec.podSelector", to);
        foreach (var (direction, peers) in (ReadOnlySpan<(string, string)>)[("ingress", "from"), ("egress", "to")])
        {
            foreach (var (i, rule) in spec.Objects(direction))
            {
                foreach (var (j, port) in rule.Objects("ports"))
                {
                    Port(port, $"spec.{direction}[{i}].ports[{j}]", to);
                }
                foreach (var (j, peer) in rule.Objects(peers))
                {
                    Peer(peer, $"spec.{direction}[{i}].{peers}[{j}]", to);
                }
            }
        }
        var types = spec.Array("policyTypes") ?? [];
        if (types.Count > 2)
        {
            to.Invalid("spec.policyTypes", types.ToJsonString(), "may not specify more than two policyTypes");
            return;
        }
        for (var i = 0; i < types.Count; i++)
        {
            if (Tree.Text(types[i]) is not ("Ingress" or "Egress") and var type)
            {
                to.Unsupported($"spec.policyTypes[{i}]", type, "Ingress", "Egress");
            }
        }
    }

    private static void Port(JsonObject port, string path, Problems to)
    {
        to.OneOf(port, "protocol", path, "TCP", "UDP", "SCTP");
        var (given, end) = (port["port"], port.Number("endPort"));
        if (given is not null)
        {
            to.PortOrName($"{path}.port", given);
        }
        if (end is not { } last)
        {
            return;
        }
        if (given is null)
        {
            to.Invalid($"{path}.endPort", $"{last}", "may not be specified when `port` is not specified");
        }
        else if (given.GetValueKind() == JsonValueKind.String)
        {
            to.Invalid($"{path}.endPort", $"{last}", "may not be specified when `port` is non-numeric");
        }
        else
        {
            if (last < Tree.Number(given))
            {
                to.Invalid($"{path}.endPort", $"{Tree.Number(given)}", "must be greater than or equal to `port`");
            }
            if (Names.PortNumber(last) is { } wrong)
            {
                to.Invalid($"{path}.endPort", $"{last}", wrong);
            }
        }
    }

    private static void Peer(JsonObject peer, string path, Problems to)
    {
        var others = false;
        foreach (var field in (ReadOnlySpan<string>)["podSelector", "namespaceSelector"])
        {
            if (peer.Object(field) is { } selector)
            {
                others = true;
                WorkloadRules.ParseSelector(selector, $"{path}.{field}", to);
            }
        }
        if (peer.Object("ipBlock") is not { } block)
        {
            if (!others)
            {
                to.Required(path, "must specify a peer");
            }
            return;
        }
        Block(block, $"{path}.ipBlock", to);
        if (others)
        {
            to.Forbidden(path, "may not specify both ipBlock and another peer");
        }
    }

    private static void Block(JsonObject block, string path, Problems to)
    {
        to.Need(block, "cidr", path);
        if (block.String("cidr") is not { Length: > 0 } cidr)
        {
            return;
        }
        to.Check($"{path}.cidr", cidr, IpText.RangeProblem);
        var except = block.Array("except") ?? [];
        for (var i = 0; i < except.Count; i++)
        {
            var text = Tree.Text(except[i]);
            to.Check($"{path}.except[{i}]", text, IpText.RangeProblem);
            if (System.Net.IPNetwork.TryParse(cidr, out var all) && System.Net.IPNetwork.TryParse(text, out var part) && (!all.Contains(part.BaseAddress) || all.PrefixLength >= part.PrefixLength))
            {
                to.InvalidText($"{path}.except[{i}]", text, "must be a strict subset of `cidr`");
            }
        }
    }
}
