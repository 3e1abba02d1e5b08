using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Serving;
using Serval.Kube;

namespace Serval.Controllers.Networking;

/// <summary>
/// Keeps the Services by which programs find the gateways. That of type LoadBalancer has their addresses in the status and the first one's real port as
/// the node port, but among others: there it is of a class of its own, so that nobody makes a load balancer for it. They come back when somebody deletes them, and stay as they are while no gateway lives.
/// </summary>
internal sealed class GatewayServiceReconciler(IKubeClient client, IGateways gateways, bool amongOthers = false) : IReconciler, IDisposable
{
    private readonly Dictionary<ObjectKey, GatewayService> _services = GatewayService.All.ToDictionary(s => s.Key);
    private IDisposable? _subscription;

    public string Name => "gateway-service-controller";

    public ResourceKind Kind => Kinds.Service;

    public IEnumerable<ReconcilerWatch> Watches =>
    [
        new ReconcilerWatch(Kinds.Namespace, change => change.New.Metadata.Name == KnativeNames.SystemNamespace ? _services.Keys : []),
        new ReconcilerWatch(Kinds.Endpoints, change => _services.ContainsKey(change.New.Key) ? [change.New.Key] : []),
    ];

    public void Started(Action<ObjectKey> enqueue) => _subscription = gateways.Subscribe(() =>
    {
        foreach (var key in _services.Keys)
        {
            enqueue(key);
        }
    });

    public void Dispose() => _subscription?.Dispose();

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken ct)
    {
        if (!_services.TryGetValue(key, out var wanted) || gateways.Live is not { Count: > 0 } live)
        {
            return ReconcileResult.Done;
        }
        var stored = await OwnedObjects.EnsureAsync(client, Kinds.Service, MakeService(wanted, live[0]), Name, ct);
        if (wanted.Type == "LoadBalancer")
        {
            var status = new JsonObject { ["loadBalancer"] = new JsonObject { ["ingress"] = Ips(wanted, live) } };
            await OwnedObjects.PatchStatusAsync(client, Kinds.Service, stored, status, Name, ct);
        }
        var endpoints = New(Kinds.Endpoints, wanted);
        var reached = live.WithEndpoint(wanted.Ports[0].Behind, amongOthers);
        endpoints["subsets"] = new JsonArray([.. reached.GroupBy(door => string.Join(' ', wanted.Ports.Select(p => p.Behind(door).Port))).Select(group => (JsonNode)new JsonObject
        {
            ["addresses"] = Ips(wanted, group),
            ["ports"] = new JsonArray([.. wanted.Ports.Select(p => (JsonNode)new JsonObject
            {
                ["name"] = p.Name, ["port"] = p.Behind(group.First()).Port, ["protocol"] = "TCP",
            })]),
        })]);
        await OwnedObjects.EnsureAsync(client, Kinds.Endpoints, endpoints, Name, ct);
        return ReconcileResult.Done;
    }

    private JsonObject MakeService(GatewayService wanted, GatewayDoors first)
    {
        var service = New(Kinds.Service, wanted);
        service["spec"] = new JsonObject
        {
            ["type"] = wanted.Type,
            ["ports"] = new JsonArray([.. wanted.Ports.Select(p => (JsonNode)Port(p.Name, p.Port, p.Behind(first).Port))]),
        };
        if (wanted.Type == "LoadBalancer" && amongOthers)
        {
            (service["spec"]!["loadBalancerClass"], service["spec"]!["allocateLoadBalancerNodePorts"]) = ("serval.dev/gateway", false);
        }
        return service;

        JsonObject Port(string name, int port, int behind)
        {
            var json = new JsonObject { ["name"] = name, ["port"] = port, ["targetPort"] = behind, ["protocol"] = "TCP" };
            if (wanted.Type == "LoadBalancer" && !amongOthers)
            {
                json["nodePort"] = behind;
            }
            return json;
        }
    }

    private static JsonArray Ips(GatewayService wanted, IEnumerable<GatewayDoors> doors) =>
        [.. doors.Select(door => wanted.Ports[0].Behind(door).Ip).Distinct().Select(ip => new JsonObject { ["ip"] = ip })];

    private static JsonObject New(ResourceKind kind, GatewayService wanted)
    {
        var metadata = new JsonObject { ["name"] = wanted.Name, ["namespace"] = wanted.Key.Namespace };
        if (wanted.Labels.Count > 0)
        {
            metadata["labels"] = JsonMaps.ToJson(wanted.Labels);
        }
        return new JsonObject { ["apiVersion"] = kind.ApiVersion, ["kind"] = kind.Kind, ["metadata"] = metadata };
    }
}
