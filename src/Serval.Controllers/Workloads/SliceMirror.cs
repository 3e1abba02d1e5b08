using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Core;
using Serval.Kube;

namespace Serval.Controllers.Workloads;

/// <summary>
/// Endpoints that somebody wrote for a Service without a selector → EndpointSlices, for programs that look at those alone (Kubernetes:
/// pkg/controller/endpointslicemirroring). The slices trail the Endpoints, so that no wake waits for them.
/// </summary>
internal sealed class SliceMirror(IKubeClient client, TimeProvider time) : IReconciler
{
    private const string SkipLabel = "endpointslice.kubernetes.io/skip-mirror";
    private const string LeaderAnnotation = "control-plane.alpha.kubernetes.io/leader";
    private const int MostAddresses = 1000; // of a subset

    private readonly StatusTrail _trail = new(time);

    public string Name => "endpointslicemirroring-controller";

    public ResourceKind Kind => Kinds.Endpoints;

    public IEnumerable<ReconcilerWatch> Watches =>
    [
        new ReconcilerWatch(Kinds.Service, change => client.Cache(Kinds.Endpoints).Get(change.New.Key) is null ? [] : [change.New.Key]),
        ReconcilerWatch.Owned(Kinds.EndpointSlice, Kinds.Endpoints),
    ];

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken ct)
    {
        if (client.Cache(Kinds.Endpoints).Get(key) is not { Metadata.IsDeleting: false } stored)
        {
            _trail.Forget(key);
            return ReconcileResult.Done; // its slices go with it
        }
        var present = client.Cache(Kinds.EndpointSlice).OwnedBy(stored.Metadata.Uid).ToDictionary(s => s.Metadata.Name);
        var wanted = IsMirrored(stored) ? Slices(stored) : [];
        if (wanted.Count == present.Count && wanted.TrueForAll(w => present.TryGetValue(w.Name, out var slice) && Covers(slice, w.Slice)))
        {
            _trail.Forget(key);
            return ReconcileResult.Done;
        }
        if (_trail.Wait(key, waking: false) is var wait && wait > TimeSpan.Zero)
        {
            return ReconcileResult.After(wait);
        }
        foreach (var (name, slice) in wanted)
        {
            present.Remove(name);
            await OwnedObjects.EnsureAsync(client, Kinds.EndpointSlice, slice, Name, ct);
        }
        foreach (var stale in present.Values)
        {
            await OwnedObjects.DeleteIfPresentAsync(client, Kinds.EndpointSlice, stale, ct);
        }
        _trail.Forget(key);
        return ReconcileResult.Done;
    }

    private static bool Covers(KubeObject slice, JsonObject wanted)
    {
        using var document = CanonicalJson.Document(slice.Json);
        return JsonDiff.Covers(document.RootElement, wanted);
    }

    private bool IsMirrored(KubeObject endpoints) =>
        endpoints.Metadata.Label(SkipLabel) != "true" && endpoints.Metadata.Annotation(LeaderAnnotation) is null
        && client.Cache(Kinds.Service).Get(endpoints.Key)?.As<Service>().Spec is { Selector.Count: 0 };

    /// <summary>One slice for each set of ports and family of addresses.</summary>
    private static List<(string Name, JsonObject Slice)> Slices(KubeObject stored)
    {
        var addresses = (stored.ToTree()["subsets"] as JsonArray ?? []).OfType<JsonObject>().SelectMany(subset =>
            Addresses(subset, "addresses", ready: true).Concat(Addresses(subset, "notReadyAddresses", ready: false)).Take(MostAddresses)
                .Select(a => (a.Family, a.Endpoint, Ports: (subset["ports"] ?? new JsonArray()).ToJsonString())));
        return [.. addresses.GroupBy(a => (a.Family, a.Ports)).Select(group =>
        {
            var name = $"{stored.Metadata.Name}-{TemplateHash.Of(Encoding.UTF8.GetBytes(stored.Metadata.Uid + group.Key), 5)}";
            var labels = JsonMaps.ToJson(stored.Metadata.Labels);
            labels[EndpointsReconciler.ServiceNameLabel] = stored.Metadata.Name;
            labels[EndpointsReconciler.ManagedByLabel] = "endpointslicemirroring-controller.k8s.io";
            var slice = OwnedObjects.New(Kinds.EndpointSlice, stored, name, labels);
            slice["addressType"] = group.Key.Family;
            slice["ports"] = JsonNode.Parse(group.Key.Ports);
            slice["endpoints"] = new JsonArray([.. group.Select(a => (JsonNode)a.Endpoint)]);
            return (name, slice);
        })];
    }

    private static IEnumerable<(string Family, JsonObject Endpoint)> Addresses(JsonObject subset, string field, bool ready)
    {
        foreach (var address in (subset[field] as JsonArray ?? []).OfType<JsonObject>())
        {
            if (!IPAddress.TryParse((string?)address["ip"], out var ip))
            {
                continue;
            }
            var endpoint = new JsonObject
            {
                ["addresses"] = new JsonArray((string)address["ip"]!), ["conditions"] = new JsonObject { ["ready"] = ready },
            };
            foreach (var copied in (ReadOnlySpan<string>)["hostname", "nodeName", "targetRef"])
            {
                if (address[copied] is { } value)
                {
                    endpoint[copied] = value.DeepClone();
                }
            }
            yield return (ip.AddressFamily == AddressFamily.InterNetworkV6 ? "IPv6" : "IPv4", endpoint);
        }
    }
}
