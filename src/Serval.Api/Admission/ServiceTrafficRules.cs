using System.Text.Json.Nodes;
using Serval.Api.Core;

namespace Serval.Api.Admission;

/// <summary>
/// The fields of a Service that say from where and how it is reached (kubernetes pkg/apis/core/validation, validateService; pkg/registry/core/service
/// strategy.go, dropTypeDependentFields).
/// </summary>
internal static class ServiceTrafficRules
{
    /// <summary>What a Service says that is old, or that its type leaves without meaning (pkg/api/service: warnings.go).</summary>
    public static void Warn(JsonObject? spec, Action<string> warn)
    {
        var isExternal = spec.String("type") == "ExternalName";
        var isHeadless = spec.String("type") == "ClusterIP" && spec.String("clusterIP") == "None";
        var hasExternals = spec.Array("externalIPs") is { Count: > 0 };
        if (isHeadless && spec.String("loadBalancerIP").Length > 0)
        {
            warn("spec.loadBalancerIP is ignored for headless services");
        }
        if (isHeadless && hasExternals)
        {
            warn("spec.externalIPs is ignored for headless services");
        }
        if (isHeadless && spec.String("sessionAffinity") is not ("" or "None"))
        {
            warn("spec.SessionAffinity is ignored for headless services");
        }
        if (hasExternals && !isHeadless)
        {
            warn(isExternal ? "spec.externalIPs is ignored when spec.type is \"ExternalName\"" : "spec.externalIPs is deprecated and may no longer be implemented in some clusters");
        }
        if (!isExternal && spec.String("externalName").Length > 0)
        {
            warn("spec.externalName is ignored when spec.type is not \"ExternalName\"");
        }
        if (spec.String("trafficDistribution") == "PreferClose")
        {
            warn("spec.trafficDistribution: \"PreferClose\" is deprecated; use \"PreferSameZone\"");
        }
    }

    private const int LongestAffinity = 86400;
    private const string RangesAnnotation = "service.beta.kubernetes.io/load-balancer-source-ranges";
    private const string Hints = "service.kubernetes.io/topology-aware-hints";
    private const string Mode = "service.kubernetes.io/topology-mode";
    private const string OnlyBalanced = "may only be used when `type` is 'LoadBalancer'";

    /// <summary>Takes away what the type has no use for and nobody changed, also where it was left when the type changed: it would forbid every update.</summary>
    public static void Drop(JsonObject spec, JsonObject before)
    {
        if (!UsesNodePorts(spec) && (UsesNodePorts(before) || !IsBalanced(spec)) && NodePorts(spec).SequenceEqual(NodePorts(before)))
        {
            foreach (var (_, port) in spec.Objects("ports"))
            {
                port.Remove("nodePort");
            }
        }
        if (!NeedsHealthCheck(spec))
        {
            DropSame("healthCheckNodePort");
        }
        if (!IsBalanced(spec))
        {
            DropSame("allocateLoadBalancerNodePorts");
            DropSame("loadBalancerClass");
        }
        if (!IsReachedFromOutside(spec))
        {
            DropSame("externalTrafficPolicy");
        }

        void DropSame(string field)
        {
            if (JsonNode.DeepEquals(spec[field], before[field]))
            {
                spec.Remove(field);
            }
        }
    }

    /// <summary>Whether its default is a policy for traffic from outside.</summary>
    public static bool IsReachedFromOutside(JsonObject? spec) =>
        spec.String("type") is "LoadBalancer" or "NodePort" || (spec.String("type") == "ClusterIP" && spec.Array("externalIPs") is { Count: > 0 });

    public static void Check(JsonObject tree, JsonObject? old, Problems to)
    {
        var (spec, before) = (tree.Object("spec"), old.Object("spec"));
        NodePorts(spec, to);
        SamePorts(spec, to);
        SourceRanges(tree, old, to);
        if (spec.Has("allocateLoadBalancerNodePorts") && !IsBalanced(spec))
        {
            to.Forbidden("spec.allocateLoadBalancerNodePorts", OnlyBalanced);
        }
        Class(spec, before, to);
        External(spec, to);
        if (spec.Has("internalTrafficPolicy") && spec.String("internalTrafficPolicy") is not ("Cluster" or "Local") and var inside)
        {
            to.Unsupported("spec.internalTrafficPolicy", inside, "Cluster", "Local");
        }
        if (spec.Has("trafficDistribution") && spec.String("trafficDistribution") is not ("PreferClose" or "PreferSameZone" or "PreferSameNode") and var wanted)
        {
            to.Unsupported("spec.trafficDistribution", wanted, "PreferClose", "PreferSameZone", "PreferSameNode");
        }
        if (NeedsHealthCheck(before) && NeedsHealthCheck(spec) && before.Number("healthCheckNodePort") is > 0 and var port && spec.Number("healthCheckNodePort") != port)
        {
            to.Forbidden("spec.healthCheckNodePort", "field is immutable");
        }
    }

    /// <summary>How long a client stays with its pod.</summary>
    public static void Affinity(JsonObject? spec, Problems to)
    {
        const string at = "spec.sessionAffinityConfig";
        if (spec.String("sessionAffinity") == "ClientIP")
        {
            if (spec.Object("sessionAffinityConfig").Object("clientIP").Number("timeoutSeconds") is { } seconds and (<= 0 or > LongestAffinity))
            {
                to.Invalid($"{at}.clientIP.timeoutSeconds", seconds.ToString(), $"must be greater than 0 and less than {LongestAffinity}");
            }
        }
        else if (spec.String("sessionAffinity") == "None" && spec.Has("sessionAffinityConfig"))
        {
            to.Forbidden(at, "must not be set when session affinity is None");
        }
    }

    /// <summary>Two names of one setting say the same.</summary>
    public static void Topology(JsonObject tree, Problems to)
    {
        var annotations = tree.Object("metadata").Texts("annotations");
        if (annotations.TryGetValue(Mode, out var mode) && annotations.TryGetValue(Hints, out var hints) && mode != hints)
        {
            to.InvalidText($"metadata.annotations[{Mode}]", mode, $"must match annotations[{Hints}] when both are specified");
        }
    }

    private static void SamePorts(JsonObject? spec, Problems to)
    {
        var numbers = new HashSet<(long, string)>();
        foreach (var (i, port) in spec.Objects("ports"))
        {
            var (number, protocol) = (port.Number("port") ?? 0, port.String("protocol"));
            if (!numbers.Add((number, protocol)))
            {
                to.DuplicateValue($"spec.ports[{i}]", $$"""{"Name":"","Protocol":"{{protocol}}","AppProtocol":null,"Port":{{number}},"TargetPort":0,"NodePort":0}""");
            }
        }
    }

    /// <summary>Addresses that somebody else leads to the cluster; those known stay.</summary>
    public static void ExternalIps(JsonObject? spec, JsonObject? before, Problems to)
    {
        var known = before.Strings("externalIPs").ToHashSet(StringComparer.Ordinal);
        foreach (var (i, node) in (spec.Array("externalIPs") ?? []).Index())
        {
            var (text, at) = (Tree.Text(node), $"spec.externalIPs[{i}]");
            if (!known.Contains(text) && IpText.Problem(text) is { } wrong)
            {
                to.InvalidText(at, text, wrong);
            }
            else
            {
                EndpointRules.NotSpecial(text, at, to);
            }
        }
    }

    private static void NodePorts(JsonObject? spec, Problems to)
    {
        var seen = new HashSet<(string, long)>();
        foreach (var (i, port) in spec.Objects("ports"))
        {
            if (port.Number("nodePort") is not { } number || number == 0)
            {
                continue;
            }
            if (spec.String("type") == "ClusterIP")
            {
                to.Forbidden($"spec.ports[{i}].nodePort", "may not be used when `type` is 'ClusterIP'");
            }
            if (!seen.Add((port.String("protocol"), number)))
            {
                to.Invalid($"spec.ports[{i}].nodePort", number.ToString(), "provided port is already allocated");
            }
        }
    }

    private static void SourceRanges(JsonObject tree, JsonObject? old, Problems to)
    {
        const string field = "spec.LoadBalancerSourceRanges"; // upstream's own spelling
        var spec = tree.Object("spec");
        if (spec.Array("loadBalancerSourceRanges") is { Count: > 0 } ranges)
        {
            if (!IsBalanced(spec))
            {
                to.Forbidden(field, OnlyBalanced);
            }
            var known = old.Object("spec").Strings("loadBalancerSourceRanges").Select(r => r.Trim()).ToHashSet(StringComparer.Ordinal);
            foreach (var (i, node) in ranges.Index())
            {
                var text = Tree.Text(node).Trim();
                if (!known.Contains(text))
                {
                    to.Check($"{field}[{i}]", text, IpText.RangeProblem);
                }
            }
            return;
        }
        if (tree.Object("metadata").Object("annotations")?[RangesAnnotation] is not { } noted)
        {
            return;
        }
        const string annotation = $"metadata.annotations[{RangesAnnotation}]";
        if (!IsBalanced(spec))
        {
            to.Forbidden(annotation, OnlyBalanced);
        }
        if (Tree.Text(noted) is var given && given.Trim().Length > 0 && old.Object("metadata").Object("annotations").String(RangesAnnotation) != given)
        {
            foreach (var text in given.Trim().Split(','))
            {
                to.Check(annotation, text.Trim(), IpText.RangeProblem);
            }
        }
    }

    private static void Class(JsonObject? spec, JsonObject? before, Problems to)
    {
        const string at = "spec.loadBalancerClass";
        var (has, had) = (spec.String("loadBalancerClass"), before.String("loadBalancerClass"));
        if (before is not null && IsBalanced(before) && IsBalanced(spec) && (has != had || spec.Has("loadBalancerClass") != before.Has("loadBalancerClass")))
        {
            to.Invalid(at, spec.Has("loadBalancerClass") ? $"\"{has}\"" : "null", "may not change once set");
        }
        if (!spec.Has("loadBalancerClass"))
        {
            return;
        }
        if (IsBalanced(spec))
        {
            to.Check(at, has, Names.QualifiedNameProblems);
        }
        else
        {
            to.Forbidden(at, OnlyBalanced);
        }
    }

    private static void External(JsonObject? spec, Problems to)
    {
        var policy = spec.String("externalTrafficPolicy");
        if (!IsReachedFromOutside(spec))
        {
            if (policy.Length > 0)
            {
                to.InvalidText("spec.externalTrafficPolicy", policy, "may only be set for externally-accessible services");
            }
        }
        else
        {
            to.OneOf(spec, "externalTrafficPolicy", "spec", "Cluster", "Local");
        }
        if (spec.Number("healthCheckNodePort") is not { } port || port == 0)
        {
            return;
        }
        if (!NeedsHealthCheck(spec))
        {
            to.Invalid("spec.healthCheckNodePort", port.ToString(), "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'");
        }
        else if (Names.PortNumber(port) is { } wrong)
        {
            to.Invalid("spec.healthCheckNodePort", port.ToString(), wrong);
        }
    }

    private static bool IsBalanced(JsonObject? spec) => spec.String("type") == "LoadBalancer";

    private static bool NeedsHealthCheck(JsonObject? spec) => IsBalanced(spec) && spec.String("externalTrafficPolicy") == "Local";

    private static bool UsesNodePorts(JsonObject spec) => spec.String("type") == "NodePort" || (IsBalanced(spec) && spec.Bool("allocateLoadBalancerNodePorts") != false);

    private static IEnumerable<long> NodePorts(JsonObject spec) => spec.Objects("ports").Select(p => p.Item.Number("nodePort") ?? 0).Where(p => p != 0);
}
