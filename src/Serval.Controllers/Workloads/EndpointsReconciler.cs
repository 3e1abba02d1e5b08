using System.Text;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Core;
using Serval.Api.Networking;
using Serval.Kube;

namespace Serval.Controllers.Workloads;

/// <summary>
/// Service with a selector → EndpointSlices (discovery.k8s.io/v1) and Endpoints (core/v1). Pods whose ports map differently
/// (process runtime) stand in different slices, as a slice has one set of ports. A Service that selects no pod has an empty one, its placeholder
/// (kubernetes staging/src/k8s.io/endpointslice: reconciler.go), which the first pods move into: a scale to zero and a wake are one write of it each.
/// </summary>
internal sealed class EndpointsReconciler(IKubeClient client, TimeProvider time) : IReconciler
{
    internal const string ServiceNameLabel = "kubernetes.io/service-name";
    private const string HeadlessLabel = "service.kubernetes.io/headless";
    internal const string ManagedByLabel = "endpointslice.kubernetes.io/managed-by";
    private const string Manager = "endpointslice-controller.k8s.io";

    private readonly SelectorIndex _services = new(
        client.Cache(Kinds.Service), s => s.As<Service>().Spec.Selector is { Count: > 0 } selector ? new LabelSelector { MatchLabels = selector } : null);

    private readonly LabelIndex _pods = new(client.Cache(Kinds.Pod), _ => true);
    private readonly StatusTrail _placeholders = new(time);

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
            _placeholders.Forget(key);
            await RemoveEndpointsAsync(key, ct);
            return ReconcileResult.Done;
        }
        var service = stored.As<Service>();
        if (service.Spec.Selector.Count == 0 || service.Spec.Type == "ExternalName")
        {
            return ReconcileResult.Done; // somebody else writes its endpoints
        }
        var groups = Group(service, PodsOf(service));
        var wait = await WriteSlicesAsync(stored, groups, ct);
        await WriteEndpointsAsync(stored, groups, ct);
        return wait > TimeSpan.Zero ? ReconcileResult.After(wait) : ReconcileResult.Done;
    }

    /// <summary>How long a placeholder still waits to be made: where pods are on their way up, they are there before.</summary>
    private async Task<TimeSpan> WriteSlicesAsync(KubeObject service, List<PortGroup> groups, CancellationToken ct)
    {
        var present = client.Cache(Kinds.EndpointSlice).OwnedBy(service.Metadata.Uid)
            .Where(s => s.Metadata.Label(ManagedByLabel) == Manager).OrderBy(s => s.Metadata.Name, StringComparer.Ordinal).ToList();
        if (groups.Count == 0 && present.Count == 0 && _placeholders.Wait(service.Key, waking: true) is var wait && wait > TimeSpan.Zero)
        {
            return wait;
        }
        var wanted = Named(service, groups.Count == 0 ? [PortGroup.None] : groups, present);
        foreach (var (name, group) in wanted)
        {
            await OwnedObjects.EnsureAsync(client, Kinds.EndpointSlice, Slice(service, name, group), Name, ct);
        }
        foreach (var stale in present.Where(s => !wanted.Exists(w => w.Name == s.Metadata.Name)))
        {
            await OwnedObjects.DeleteIfPresentAsync(client, Kinds.EndpointSlice, stale, ct);
        }
        _placeholders.Forget(service.Key);
        return TimeSpan.Zero;
    }

    /// <summary>The slice of each group: the one it is in, so that no address is away for a moment, or else one that no group is in any more, or else a new one.</summary>
    private static List<(string Name, PortGroup Group)> Named(KubeObject service, List<PortGroup> groups, List<KubeObject> present)
    {
        var free = present.ToList();
        var own = groups.ConvertAll(g => Take(free, s => IdOf(s) == g.Id));
        var names = present.Select(s => s.Metadata.Name).ToHashSet(StringComparer.Ordinal);
        return [.. groups.Select((group, i) => (own[i] ?? Take(free, _ => true) ?? NewName(service, group.Id, names), group))];

        static string? Take(List<KubeObject> free, Predicate<KubeObject> which)
        {
            var index = free.FindIndex(which);
            var name = index < 0 ? null : free[index].Metadata.Name;
            if (name is not null)
            {
                free.RemoveAt(index);
            }
            return name;
        }
    }

    private static string NewName(KubeObject service, string id, HashSet<string> names)
    {
        for (var salt = ""; ; salt += "+") // the first is another's where that moved into this group's
        {
            var name = $"{service.Metadata.Name}-{TemplateHash.Of(Encoding.UTF8.GetBytes(service.Metadata.Uid + id + salt), 5)}";
            if (names.Add(name))
            {
                return name;
            }
        }
    }

    private static string IdOf(KubeObject slice) => string.Join(',', slice.As<EndpointSlice>().Ports.Select(p => $"{p.Name}={p.Port}"));

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

    private JsonObject Slice(KubeObject service, string name, PortGroup group)
    {
        var labels = LabelsOf(service);
        labels[ServiceNameLabel] = service.Metadata.Name;
        labels[ManagedByLabel] = Manager;
        Drop(labels, client.Cache(Kinds.EndpointSlice).Get(new ObjectKey(service.Metadata.Namespace, name)));
        var slice = OwnedObjects.New(Kinds.EndpointSlice, service, name, labels);
        slice["addressType"] = "IPv4";
        slice["ports"] = ListOrNull(group.Ports.Select(p => (JsonNode)PortJson(p, p.Port.Name)));
        slice["endpoints"] = ListOrNull(group.Pods.Select(p => (JsonNode)EndpointJson(p, service.As<Service>().Spec.PublishNotReadyAddresses)));
        return slice;
    }

    /// <summary>The Service's, and whether it is headless (kubernetes pkg/controller/endpoint, staging/src/k8s.io/endpointslice: utils.go).</summary>
    private static JsonObject LabelsOf(KubeObject service)
    {
        var labels = JsonMaps.ToJson(service.Metadata.Labels);
        labels.Remove(HeadlessLabel);
        if (service.As<Service>().Spec.ClusterIP is "" or "None")
        {
            labels[HeadlessLabel] = "";
        }
        return labels;
    }

    /// <summary>Has the labels that <paramref name="present"/> has beyond these taken away: they are the Service's of before.</summary>
    private static void Drop(JsonObject labels, KubeObject? present)
    {
        foreach (var name in present?.Metadata.Labels.Keys ?? [])
        {
            labels.TryAdd(name, null);
        }
    }

    // As they are kept: what is empty is null there.
    private static JsonArray? ListOrNull(IEnumerable<JsonNode> items) => items.ToArray() is { Length: > 0 } some ? new JsonArray(some) : null;

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
        var labels = LabelsOf(service);
        labels["endpoints.kubernetes.io/managed-by"] = "endpoint-controller";
        Drop(labels, client.Cache(Kinds.Endpoints).Get(service.Key));
        var endpoints = OwnedObjects.New(Kinds.Endpoints, service, service.Metadata.Name, labels);
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

    private sealed record PortGroup(string Id, List<ResolvedPort> Ports, List<Pod> Pods)
    {
        /// <summary>What a placeholder holds.</summary>
        internal static readonly PortGroup None = new("", [], []);
    }
}
