using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Apps;
using Serval.Api.Networking;
using Serval.Api.Serving;
using Serval.Controllers.Workloads;
using Serval.Kube;

namespace Serval.Controllers.Autoscaler;

/// <summary>
/// ServerlessService → a private Service that selects the pods, and a public one whose endpoints are the gateways, or in Serve mode the pods
/// (knative/serving: reconciler/serverlessservice). Routes lead through the gateway in both modes.
/// </summary>
internal sealed class ServerlessServiceReconciler(
    IKubeClient client, Func<IReadOnlyList<GatewayAddress>> gateways, IEventRecorder events, TimeProvider time) : IReconciler
{
    private const string SksLabel = KnativeNames.NetworkingInternalGroup + "/serverlessservice";
    private const string Populated = "EndpointsPopulated";
    private const string GatewayInPath = "ActivatorEndpointsPopulated";

    private readonly StatusTrail _trail = new(time);
    private readonly EventReporter _events = new(events, "serverlessservice-controller");

    public string Name => "serverlessservice-controller";

    public ResourceKind Kind => Kinds.ServerlessService;

    public int Concurrency => 8;

    public IEnumerable<ReconcilerWatch> Watches =>
    [
        ReconcilerWatch.Owned(Kinds.Service, Kinds.ServerlessService),
        ReconcilerWatch.Owned(Kinds.Endpoints, Kinds.ServerlessService),
        new ReconcilerWatch(Kinds.Deployment, change => change.Old is null && change.New.Metadata.Label(KnativeNames.RevisionLabel) is { Length: > 0 } revision
            ? [new ObjectKey(change.New.Metadata.Namespace, revision)] : []),
        new ReconcilerWatch(Kinds.EndpointSlice, change => PrivateOf(change.New) is { } key && Serves(key) ? [key] : []),
        new ReconcilerWatch(Kinds.Pod, change => change.New.Metadata.Label(KnativeNames.RevisionLabel) is { Length: > 0 } revision
            && RevisionFacts.ReadinessChanged(change) ? [new ObjectKey(change.New.Metadata.Namespace, revision)] : []),
    ];

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken ct)
    {
        if (client.Cache(Kinds.ServerlessService).Get(key) is not { } stored || stored.Metadata.IsDeleting)
        {
            _trail.Forget(key);
            return ReconcileResult.Done;
        }
        var serverless = stored.As<ServerlessService>();
        var conditions = new ConditionSet(serverless.Status.Conditions, time.GetUtcNow(), Populated);
        var deployment = client.Cache(Kinds.Deployment).Get(new ObjectKey(key.Namespace, serverless.Spec.ObjectRef.Name));
        if (deployment is null)
        {
            return ReconcileResult.Done; // its creation runs this again
        }
        var status = new JsonObject { ["observedGeneration"] = stored.Metadata.Generation };
        try
        {
            var h2c = serverless.Spec.ProtocolType == "h2c";
            var selector = JsonMaps.ToJson(deployment.As<Deployment>().Spec.Selector.MatchLabels);
            var made = await OwnedObjects.EnsureAsync(client, Kinds.Service, MakePrivate(stored, h2c, selector), Name, ct);
            status["privateServiceName"] = made.Metadata.Name;
            await OwnedObjects.EnsureAsync(client, Kinds.Service, MakePublic(stored, h2c), Name, ct);
            var pods = Serves(key) ? PodSubsets(made, h2c) : [];
            var endpoints = New(Kinds.Endpoints, stored, stored.Metadata.Name, "Public");
            endpoints["subsets"] = pods.Count > 0 ? pods : GatewaySubsets(h2c);
            await OwnedObjects.EnsureAsync(client, Kinds.Endpoints, endpoints, Name, ct);
            status["serviceName"] = stored.Metadata.Name;
            Mark(conditions, RevisionFacts.Ready(client, deployment), pods.Count > 0);
        }
        catch (OwnerConflictException e)
        {
            conditions.MarkFalse(Populated, "NotOwned", $"Resource {e.Key.Name} of type {e.Kind.Kind} is not owned by SKS");
            _events.Warning(stored, "InternalError", e.Message);
        }
        return await WriteAsync(stored, serverless, status, conditions, ct);
    }

    private static void Mark(ConditionSet conditions, int ready, bool serves)
    {
        if (ready > 0)
        {
            conditions.MarkTrue(Populated);
        }
        else
        {
            conditions.MarkUnknown(Populated, "NoHealthyBackends", "K8s Service is not ready");
        }
        const string Backed = "Revision is backed by Activator"; // upstream says so in both states
        if (serves)
        {
            conditions.MarkFalse(GatewayInPath, GatewayInPath, Backed, "Info");
        }
        else
        {
            conditions.MarkTrue(GatewayInPath, GatewayInPath, Backed, "Info");
        }
    }

    /// <summary>The names are waited for by others; the rest follows pods up and down and trails them for so long that one write says all.</summary>
    private async Task<ReconcileResult> WriteAsync(
        KubeObject stored, ServerlessService serverless, JsonObject status, ConditionSet conditions, CancellationToken ct)
    {
        status["conditions"] = conditions.ToJson();
        var changed = JsonDiff.MergePatch(stored.ToTree()["status"] as JsonObject ?? [], status) is not null;
        if (changed && serverless.Status.PrivateServiceName.Length > 0 && _trail.Wait(stored.Key, waking: true) is var wait && wait > TimeSpan.Zero)
        {
            return ReconcileResult.After(wait);
        }
        await OwnedObjects.PatchStatusAsync(client, Kinds.ServerlessService, stored, status, Name, ct);
        _trail.Forget(stored.Key);
        return ReconcileResult.Done;
    }

    private static JsonObject MakePrivate(KubeObject stored, bool h2c, JsonObject selector)
    {
        var service = New(Kinds.Service, stored, ChildNames.Of(stored.Metadata.Name, "-private"), "Private");
        service["spec"] = new JsonObject { ["ports"] = new JsonArray(Port(h2c, 80, KnativeNames.UserPort)), ["selector"] = selector };
        return service;
    }

    private static JsonObject MakePublic(KubeObject stored, bool h2c)
    {
        var service = New(Kinds.Service, stored, stored.Metadata.Name, "Public");
        service["spec"] = new JsonObject { ["ports"] = new JsonArray(Port(h2c, h2c ? 81 : 80, h2c ? 8013 : 8012)) };
        return service;
    }

    private static ObjectKey? PrivateOf(KubeObject slice) =>
        slice.Metadata.Label(KnativeNames.ServiceTypeLabel) == "Private" && slice.Metadata.Label(SksLabel) is { Length: > 0 } name
            ? new ObjectKey(slice.Metadata.Namespace, name) : null;

    private bool Serves(ObjectKey key) => client.Cache(Kinds.ServerlessService).Get(key)?.As<ServerlessService>().Spec.Mode == ServerlessMode.Serve;

    /// <summary>The ready pods behind the private Service.</summary>
    private JsonArray PodSubsets(KubeObject service, bool h2c) =>
    [
        .. client.Cache(Kinds.EndpointSlice).OwnedBy(service.Metadata.Uid).OrderBy(s => s.Metadata.Name, StringComparer.Ordinal).Select(s => s.As<EndpointSlice>())
            .Select(slice => Subset(
                slice.Endpoints.Where(e => e.Conditions.Ready != false).SelectMany(e => e.Addresses), slice.Ports.FirstOrDefault(p => p.Name == PortName(h2c))?.Port, h2c))
            .OfType<JsonObject>(),
    ];

    private JsonArray GatewaySubsets(bool h2c) =>
        [.. gateways().GroupBy(g => g.Port).OrderBy(g => g.Key).Select(group => Subset(group.Select(g => g.Ip), group.Key, h2c)).OfType<JsonObject>()];

    private static JsonObject? Subset(IEnumerable<string> addresses, int? port, bool h2c) =>
        addresses.Order(StringComparer.Ordinal).ToList() is { Count: > 0 } ips && port is { } number
            ? new JsonObject
            {
                ["addresses"] = new JsonArray([.. ips.Select(ip => (JsonNode)new JsonObject { ["ip"] = ip })]),
                ["ports"] = new JsonArray(new JsonObject { ["name"] = PortName(h2c), ["port"] = number, ["protocol"] = "TCP" }),
            }
            : null;

    private static JsonObject New(ResourceKind kind, KubeObject stored, string name, string type)
    {
        var labels = JsonMaps.ToJson(stored.Metadata.Labels);
        labels[SksLabel] = stored.Metadata.Name;
        labels[KnativeNames.ServiceTypeLabel] = type;
        return OwnedObjects.New(kind, stored, name, labels, JsonMaps.ToJson(stored.Metadata.Annotations));
    }

    private static JsonObject Port(bool h2c, int port, JsonNode target)
    {
        var json = new JsonObject { ["name"] = PortName(h2c), ["port"] = port, ["protocol"] = "TCP", ["targetPort"] = target };
        if (h2c)
        {
            json["appProtocol"] = "kubernetes.io/h2c";
        }
        return json;
    }

    private static string PortName(bool h2c) => h2c ? "http2" : "http";
}
