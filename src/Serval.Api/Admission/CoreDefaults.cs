using System.Text;
using System.Text.Json.Nodes;

namespace Serval.Api.Admission;

/// <summary>Kubernetes' defaults of the kinds that are not pods.</summary>
internal static class CoreDefaults
{
    public static void Deployment(JsonObject tree)
    {
        var spec = tree.Ensure("spec");
        spec.Default("replicas", 1);
        spec.Default("revisionHistoryLimit", 10);
        spec.Default("progressDeadlineSeconds", 600);
        var strategy = spec.Ensure("strategy");
        strategy.DefaultZero("type", "RollingUpdate");
        if (strategy.String("type") == "RollingUpdate")
        {
            var rolling = strategy.Ensure("rollingUpdate");
            rolling.Default("maxUnavailable", "25%");
            rolling.Default("maxSurge", "25%");
        }
        PodDefaults.Template(spec.Ensure("template"));
    }

    public static void ReplicaSet(JsonObject tree)
    {
        var spec = tree.Ensure("spec");
        spec.Default("replicas", 1);
        PodDefaults.Template(spec.Ensure("template"));
    }

    public static void Service(JsonObject tree)
    {
        var spec = tree.Ensure("spec");
        spec.DefaultZero("type", "ClusterIP");
        spec.DefaultZero("sessionAffinity", "None");
        if (spec.String("sessionAffinity") == "ClientIP")
        {
            spec.Ensure("sessionAffinityConfig").Ensure("clientIP").Default("timeoutSeconds", 10800);
        }
        else if (spec.String("sessionAffinity") == "None")
        {
            spec.Remove("sessionAffinityConfig");
        }
        foreach (var (_, port) in spec.Objects("ports"))
        {
            port.DefaultZero("protocol", "TCP");
            if (port["port"] is { } number)
            {
                port.DefaultZero("targetPort", number.DeepClone());
            }
        }
        var type = spec.String("type");
        if (type == "ExternalName")
        {
            return;
        }
        spec.Default("internalTrafficPolicy", "Cluster");
        if (ServiceTrafficRules.IsReachedFromOutside(spec))
        {
            spec.DefaultZero("externalTrafficPolicy", "Cluster");
        }
        if (type == "LoadBalancer")
        {
            spec.Default("allocateLoadBalancerNodePorts", true);
        }
    }

    public static void Secret(JsonObject tree)
    {
        tree.DefaultZero("type", "Opaque");
        if (tree.Object("stringData") is not { } texts)
        {
            return;
        }
        foreach (var (key, value) in texts)
        {
            tree.Ensure("data")[key] = Convert.ToBase64String(Encoding.UTF8.GetBytes(Tree.Text(value)));
        }
        tree.Remove("stringData");
    }

    /// <summary>Whose namespaces end is decided once: on a create the controller of namespaces joins those that are named (registry/core/namespace: strategy.go).</summary>
    public static void Namespace(JsonObject tree, bool isNew)
    {
        var metadata = tree.Ensure("metadata");
        if (metadata.String("name") is { Length: > 0 } name)
        {
            metadata.Ensure("labels")["kubernetes.io/metadata.name"] = name;
        }
        if (isNew)
        {
            tree["status"] = new JsonObject { ["phase"] = "Active" };
        }
    }

    public static void Endpoints(JsonObject tree)
    {
        foreach (var (_, subset) in tree.Objects("subsets"))
        {
            Ports(subset, named: false);
        }
    }

    /// <summary>What a container may have at most is what it gets, and that is what it asks for (kubernetes pkg/apis/core/v1/defaults.go).</summary>
    public static void LimitRange(JsonObject tree)
    {
        foreach (var (_, item) in tree.Object("spec").Objects("limits").Where(l => l.Item.String("type") == "Container"))
        {
            foreach (var (to, from) in (ReadOnlySpan<(string, string)>)[("default", "max"), ("defaultRequest", "default"), ("defaultRequest", "min")])
            {
                foreach (var (name, amount) in item.Object(from) ?? [])
                {
                    item.Ensure(to).Default(name, amount!.DeepClone());
                }
            }
        }
    }

    /// <summary>Fields of elections by a coordinator, which is off by default: dropped, as upstream drops them (registry/coordination/lease: strategy.go).</summary>
    public static void Lease(JsonObject tree, JsonObject? old)
    {
        foreach (var field in (ReadOnlySpan<string>)["strategy", "preferredHolder"])
        {
            if (!old.Object("spec").Has(field))
            {
                tree.Object("spec")?.Remove(field);
            }
        }
    }

    public static void EndpointSlice(JsonObject tree)
    {
        Ports(tree, named: true);
        foreach (var (_, endpoint) in tree.Objects("endpoints"))
        {
            endpoint.Default("conditions", new JsonObject());
        }
    }

    private static void Ports(JsonObject owner, bool named)
    {
        foreach (var (_, port) in owner.Objects("ports"))
        {
            port.DefaultZero("protocol", "TCP");
            if (named)
            {
                port.Default("name", "");
            }
        }
    }
}
