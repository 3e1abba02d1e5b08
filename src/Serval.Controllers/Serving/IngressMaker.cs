using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Config;
using Serval.Api.Serving;
using Serval.Controllers.Certificates;
using Serval.Kube;

namespace Serval.Controllers.Serving;

/// <summary>The Knative Ingress of a Route (serving: reconciler/route/resources/ingress). Pure.</summary>
internal static class IngressMaker
{
    // Of the classes one spelling is enough.
    private static readonly string[] s_notPassedOn =
        [ServiceReconciler.LastApplied, KnativeNames.CertificateClassAltAnnotation, KnativeNames.IngressClassAltAnnotation];

    /// <exception cref="FormatException">An annotation of the Route asks for what there is not.</exception>
    internal static JsonObject Make(KubeObject route, TrafficPlan plan, Rollout rollout, RouteHosts hosts, RouteTls tls, ServingConfig config)
    {
        var labels = JsonMaps.ToJson(route.Metadata.Labels);
        labels[KnativeNames.RouteLabel] = route.Metadata.Name;
        labels[KnativeNames.RouteNamespaceLabel] = route.Metadata.Namespace;
        var annotations = Annotations(route, config);
        annotations[KnativeNames.RolloutAnnotation] = RolloutText.Write(rollout);

        var rules = new JsonArray();
        var tagToHost = new JsonObject();
        foreach (var (tag, targets) in plan.Targets)
        {
            rules.Add(Rule(route, hosts.InternalForms(tag), "ClusterLocal", tag, [], targets, plan, config));
            if (!hosts.IsClusterLocal(tag))
            {
                rules.Add(Rule(route, [hosts.External(tag)], "ExternalIP", tag, tls.Paths(hosts.External(tag)), targets, plan, config));
            }
            if (tag.Length > 0)
            {
                tagToHost[tag] = hosts.IsClusterLocal(tag) ? new JsonArray(hosts.Internal(tag)) : new JsonArray(hosts.Internal(tag), hosts.External(tag));
            }
        }
        if (tagToHost.Count > 0)
        {
            annotations[KnativeNames.TagToHostAnnotation] = tagToHost.ToJsonString();
        }
        return New(route, labels, annotations, rules, config, tls.Entries);
    }

    /// <summary>An Ingress with the name of its owner.</summary>
    /// <exception cref="FormatException">An annotation of the owner asks for what there is not.</exception>
    internal static JsonObject New(KubeObject owner, JsonObject labels, JsonObject annotations, JsonArray rules, ServingConfig config, params IEnumerable<JsonObject> tls)
    {
        var ingress = OwnedObjects.New(Kinds.KIngress, owner, ChildNames.Of(owner.Metadata.Name, ""), labels, annotations);
        var spec = new JsonObject { ["rules"] = rules };
        if (HttpOption(owner, config) is { } option)
        {
            spec["httpOption"] = option;
        }
        if (tls.Any())
        {
            spec["tls"] = new JsonArray([.. tls]);
        }
        ingress["spec"] = spec;
        return ingress;
    }

    /// <summary>The annotations of an owner that its Ingress and its Certificates have too.</summary>
    internal static JsonObject PassedOn(KubeObject owner) => JsonMaps.ToJson(owner.Metadata.Annotations, key => !s_notPassedOn.Contains(key));

    /// <summary>What an Ingress says of the annotations of its owner.</summary>
    internal static JsonObject Annotations(KubeObject owner, ServingConfig config)
    {
        var annotations = PassedOn(owner);
        annotations[KnativeNames.IngressClassAnnotation] = KnativeNames.First(
            owner.Metadata.Annotations, KnativeNames.IngressClassAnnotation, KnativeNames.IngressClassAltAnnotation) ?? config.Network.IngressClass;
        return annotations;
    }

    /// <summary>What the annotation asks for, else the cluster's setting; null leaves it to the ingress (serving: pkg/networking/util).</summary>
    private static string? HttpOption(KubeObject owner, ServingConfig config)
    {
        var asked = KnativeNames.First(owner.Metadata.Annotations, KnativeNames.HttpOptionAnnotation, KnativeNames.HttpProtocolAnnotation);
        return asked?.ToLowerInvariant() switch
        {
            "enabled" => "Enabled",
            "redirected" => "Redirected",
            null or "" => config.Network.HttpProtocol switch
            {
                HttpProtocol.Enabled => "Enabled",
                HttpProtocol.Redirected => "Redirected",
                _ => null,
            },
            var other => throw new FormatException($"incorrect http-protocol annotation: {other}"),
        };
    }

    private static JsonObject Rule(
        KubeObject route, IReadOnlyList<string> hosts, string visibility, string tag, IEnumerable<JsonObject> first, List<PlannedTarget> targets, TrafficPlan plan,
        ServingConfig config)
    {
        var paths = new JsonArray([.. first]);
        var path = Path(route, targets);
        if (config.Features.TagHeaderBasedRouting == FeatureFlag.Enabled)
        {
            path["appendHeaders"] = tag.Length == 0
                ? new JsonObject { [KnativeNames.DefaultRouteHeader] = "true" }
                : new JsonObject { [KnativeNames.TagHeader] = tag };
            foreach (var (other, otherTargets) in plan.Targets.Where(t => tag.Length == 0 && t.Key.Length > 0))
            {
                var tagged = Path(route, otherTargets);
                tagged["headers"] = new JsonObject { [KnativeNames.TagHeader] = new JsonObject { ["exact"] = other } };
                paths.Add(tagged);
            }
        }
        paths.Add(path);
        return new JsonObject
        {
            ["hosts"] = new JsonArray([.. hosts.Select(h => (JsonNode)h)]),
            ["visibility"] = visibility,
            ["http"] = new JsonObject { ["paths"] = paths },
        };
    }

    private static JsonObject Path(KubeObject route, List<PlannedTarget> targets)
    {
        var splits = targets.Where(t => t.Percent > 0).Select(t => (JsonNode)new JsonObject
        {
            ["serviceNamespace"] = route.Metadata.Namespace,
            ["serviceName"] = t.RevisionName,
            ["servicePort"] = t.Protocol == "h2c" ? 81 : 80,
            ["percent"] = t.Percent,
            ["appendHeaders"] = new JsonObject
            {
                [KnativeNames.RevisionHeader] = t.RevisionName,
                [KnativeNames.NamespaceHeader] = route.Metadata.Namespace,
            },
        });
        return new JsonObject { ["splits"] = new JsonArray([.. splits]) };
    }
}
