using System.Text;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Core;
using Serval.Kube;

namespace Serval.Controllers.Workloads;

/// <summary>
/// Service with a selector → EndpointSlices (discovery.k8s.io/v1) and Endpoints (core/v1). Pods whose ports map differently
/// (process runtime) stand in different slices, as a slice has one set of ports.
/// </summary>
internal sealed class EndpointsReconciler(IKubeClient client) : IReconciler
{
    internal const string ServiceNameLabel = "kubernetes.io/service-name";
    internal const string ManagedByLabel = "endpointslice.kubernetes.io/managed-by";

    private readonly SelectorIndex _services = new(
        client.Cache(Kinds.Service), s => s.As<Service>().Spec.Selector is { Count: > 0 } selector ? new LabelSelector { MatchLabels = selector } : null);

    private readonly LabelIndex _pods = new(client.Cache(Kinds.Pod), _ => true);

    public string Name => "endpointslice-controller";

    public ResourceKind Kind => Kinds.Service;

    public IEnumerable<ReconcilerWatch> Watches =>
    [
        _services.Watch,
        new ReconcilerWatch(Kinds.Pod, ServicesOf),
        ReconcilerWatch.Owned(Kinds.EndpointSlice, Kinds.Service),
    ];

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken ct)
    {
        if (client.Cache(Kinds.Service).Get(key) is not { } stored || stored.Metadata.IsDeleting)
        {
            await RemoveEndpointsAsync(key, ct);
            return ReconcileResult.Done;
        }
        var service = stored.As<Service>();
        if (service.Spec.Selector.Count == 0 || service.Spec.Type == "ExternalName")
        {
            return ReconcileResult.Done; // somebody else writes its endpoints
        }
        var groups = Group(service, PodsOf(service));
        var present = client.Cache(Kinds.EndpointSlice).OwnedBy(stored.Metadata.Uid).ToDictionary(s => s.Metadata.Name);
        foreach (var group in groups)
        {
            var slice = Slice(stored, group);
            present.Remove((string)slice["metadata"]!["name"]!);
            await OwnedObjects.EnsureAsync(client, Kinds.EndpointSlice, slice, Name, ct);
        }
        foreach (var stale in present.Values)
        {
            await OwnedObjects.DeleteIfPresentAsync(client, Kinds.EndpointSlice, stale, ct);
        }
        await WriteEndpointsAsync(stored, groups, ct);
        return ReconcileResult.Done;
    }

    private List<Pod> PodsOf(Service service)
    {
        var selector = new LabelSelector { MatchLabels = service.Spec.Selector };
        return [.. _pods.Find(service.Metadata.Namespace, selector).Select(p => p.As<Pod>())
            .Where(p => p.Status.PodIP.Length > 0 && !PodFacts.IsFinished(p))
            .OrderBy(p => p.Metadata.Name, StringComparer.Ordinal)];
    }

    private IEnumerable<ObjectKey> ServicesOf(CacheChange change)
    {
        _pods.Follow(change);
        return _services.Matching(change);
    }

    private static List<PortGroup> Group(Service service, List<Pod> pods)
    {
        var groups = new Dictionary<string, PortGroup>();
        foreach (var pod in pods)
        {
            var ports = service.Spec.Ports
                .Select(p => (Port: p, Target: PodFacts.ResolveTargetPort(pod, p)))
                .Where(p => p.Target is not null)
                .Select(p => new ResolvedPort(p.Port, PodFacts.MapPort(pod, p.Target!.Value))).ToList();
            var id = string.Join(',', ports.Select(p => $"{p.Port.Name}={p.Number}"));
            if (!groups.TryGetValue(id, out var group))
            {
                groups[id] = group = new PortGroup(id, ports, []);
            }
            group.Pods.Add(pod);
        }
        return [.. groups.Values.OrderBy(g => g.Id, StringComparer.Ordinal)];
    }

    private static JsonObject Slice(KubeObject service, PortGroup group)
    {
        var suffix = TemplateHash.Of(Encoding.UTF8.GetBytes(service.Metadata.Uid + group.Id), 5);
        var labels = new JsonObject();
        foreach (var (key, value) in service.Metadata.Labels)
        {
            labels[key] = value;
        }
        labels[ServiceNameLabel] = service.Metadata.Name;
        labels[ManagedByLabel] = "endpointslice-controller.k8s.io";
        var slice = OwnedObjects.New(Kinds.EndpointSlice, service, $"{service.Metadata.Name}-{suffix}", labels);
        slice["addressType"] = "IPv4";
        slice["ports"] = new JsonArray([.. group.Ports.Select(p => (JsonNode)PortJson(p, p.Port.Name))]);
        slice["endpoints"] = new JsonArray([.. group.Pods.Select(p => (JsonNode)EndpointJson(p, service.As<Service>().Spec.PublishNotReadyAddresses))]);
        return slice;
    }

    /// <param name="port">The port.</param>
    /// <param name="name">Its name; a slice has the empty one too, Endpoints have not.</param>
    private static JsonObject PortJson(ResolvedPort port, string? name)
    {
        var json = new JsonObject { ["port"] = port.Number, ["protocol"] = port.Port.Protocol };
        if (name is not null)
        {
            json["name"] = name;
        }
        if (port.Port.AppProtocol.Length > 0)
        {
            json["appProtocol"] = port.Port.AppProtocol;
        }
        return json;
    }

    private static JsonObject EndpointJson(Pod pod, bool publishNotReady)
    {
        var ready = PodFacts.IsReady(pod);
        return new JsonObject
        {
            ["addresses"] = new JsonArray(pod.Status.PodIP),
            ["conditions"] = new JsonObject
            {
                ["ready"] = publishNotReady || ready && !pod.Metadata.IsDeleting,
                ["serving"] = ready,
                ["terminating"] = pod.Metadata.IsDeleting,
            },
            ["nodeName"] = pod.Spec.NodeName,
            ["targetRef"] = Target(pod),
        };
    }

    private static JsonObject Target(Pod pod) => new()
    {
        ["kind"] = "Pod", ["name"] = pod.Metadata.Name, ["namespace"] = pod.Metadata.Namespace, ["uid"] = pod.Metadata.Uid,
    };

    private async Task WriteEndpointsAsync(KubeObject service, List<PortGroup> groups, CancellationToken ct)
    {
        var publishNotReady = service.As<Service>().Spec.PublishNotReadyAddresses;
        var subsets = new JsonArray();
        foreach (var group in groups)
        {
            var pods = group.Pods.Where(p => publishNotReady || !p.Metadata.IsDeleting).ToLookup(p => publishNotReady || PodFacts.IsReady(p));
            var (ready, waiting) = (pods[true].ToList(), pods[false].ToList());
            if (ready.Count + waiting.Count == 0)
            {
                continue;
            }
            var subset = new JsonObject { ["ports"] = new JsonArray([.. group.Ports.Select(p => (JsonNode)PortJson(p, p.Port.Name.Length > 0 ? p.Port.Name : null))]) };
            Add(subset, "addresses", ready);
            Add(subset, "notReadyAddresses", waiting);
            subsets.Add(subset);
        }
        var endpoints = OwnedObjects.New(Kinds.Endpoints, service, service.Metadata.Name, []);
        endpoints["metadata"]!.AsObject().Remove("ownerReferences"); // upstream ties Endpoints to their Service by name
        endpoints["subsets"] = subsets;
        await OwnedObjects.EnsureAsync(client, Kinds.Endpoints, endpoints, Name, ct);

        static void Add(JsonObject subset, string field, List<Pod> pods)
        {
            if (pods.Count > 0)
            {
                subset[field] = new JsonArray([.. pods.Select(p => (JsonNode)new JsonObject
                {
                    ["ip"] = p.Status.PodIP, ["nodeName"] = p.Spec.NodeName, ["targetRef"] = Target(p),
                })]);
            }
        }
    }

    private async Task RemoveEndpointsAsync(ObjectKey key, CancellationToken ct)
    {
        if (client.Cache(Kinds.Endpoints).Get(key) is { } endpoints)
        {
            await OwnedObjects.DeleteIfPresentAsync(client, Kinds.Endpoints, endpoints, ct);
        }
    }

    private sealed record ResolvedPort(ServicePort Port, int Number);

    private sealed record PortGroup(string Id, List<ResolvedPort> Ports, List<Pod> Pods);
}
