using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Apps;
using Serval.Api.Networking;
using Serval.Api.Serving;
using Serval.Controllers.Workloads;
using Serval.Kube;

namespace Serval.Controllers.Autoscaler;

/// <summary>
/// ServerlessService → a public Service whose endpoints are the gateways, and a private one that selects the pods
/// (knative/serving: reconciler/serverlessservice, always in Proxy mode).
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
            await OwnedObjects.EnsureAsync(client, Kinds.Endpoints, MakeEndpoints(stored, h2c), Name, ct);
            status["serviceName"] = stored.Metadata.Name;
            Mark(conditions, RevisionFacts.Ready(client, deployment));
        }
        catch (OwnerConflictException e)
        {
            conditions.MarkFalse(Populated, "NotOwned", $"Resource {e.Key.Name} of type {e.Kind.Kind} is not owned by SKS");
            _events.Warning(stored, "InternalError", e.Message);
        }
        return await WriteAsync(stored, serverless, status, conditions, ct);
    }

    private static void Mark(ConditionSet conditions, int ready)
    {
        if (ready > 0)
        {
            conditions.MarkTrue(Populated);
        }
        else
        {
            conditions.MarkUnknown(Populated, "NoHealthyBackends", "K8s Service is not ready");
        }
        conditions.MarkTrue(GatewayInPath, "ActivatorEndpointsPopulated", "Revision is backed by Activator", "Info");
    }

    /// <summary>The names are waited for by others; the rest follows pods up and down and may trail a wake.</summary>
    private async Task<ReconcileResult> WriteAsync(
        KubeObject stored, ServerlessService serverless, JsonObject status, ConditionSet conditions, CancellationToken ct)
    {
        status["conditions"] = conditions.ToJson();
        var changed = JsonDiff.MergePatch(stored.ToTree()["status"] as JsonObject ?? [], status) is not null;
        if (changed && serverless.Status.PrivateServiceName.Length > 0 && _trail.Wait(stored.Key, waking: false) is var wait && wait > TimeSpan.Zero)
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

    private JsonObject MakeEndpoints(KubeObject stored, bool h2c)
    {
        var endpoints = New(Kinds.Endpoints, stored, stored.Metadata.Name, "Public");
        var subsets = gateways().GroupBy(g => g.Port).OrderBy(g => g.Key).Select(group => (JsonNode)new JsonObject
        {
            ["addresses"] = new JsonArray([.. group.Select(g => g.Ip).Order(StringComparer.Ordinal).Select(ip => (JsonNode)new JsonObject { ["ip"] = ip })]),
            ["ports"] = new JsonArray(new JsonObject { ["name"] = PortName(h2c), ["port"] = group.Key, ["protocol"] = "TCP" }),
        });
        endpoints["subsets"] = new JsonArray([.. subsets]);
        return endpoints;
    }

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
