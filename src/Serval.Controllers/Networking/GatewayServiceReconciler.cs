using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Serving;
using Serval.Kube;

namespace Serval.Controllers.Networking;

/// <summary>
/// Keeps the Services by which programs find the gateway. That of type LoadBalancer has its address in the status and its real port as the node
/// port. They come back when somebody deletes them.
/// </summary>
internal sealed class GatewayServiceReconciler(IKubeClient client, IEnumerable<GatewayService> services) : IReconciler
{
    private readonly Dictionary<ObjectKey, GatewayService> _services = services.ToDictionary(s => s.Key);

    public string Name => "gateway-service-controller";

    public ResourceKind Kind => Kinds.Service;

    public IEnumerable<ReconcilerWatch> Watches =>
    [
        new ReconcilerWatch(Kinds.Namespace, change => change.New.Metadata.Name == KnativeNames.SystemNamespace ? _services.Keys : []),
        new ReconcilerWatch(Kinds.Endpoints, change => _services.ContainsKey(change.New.Key) ? [change.New.Key] : []),
    ];

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken ct)
    {
        if (!_services.TryGetValue(key, out var wanted))
        {
            return ReconcileResult.Done;
        }
        var stored = await OwnedObjects.EnsureAsync(client, Kinds.Service, MakeService(wanted), Name, ct);
        if (wanted.Type == "LoadBalancer")
        {
            var status = new JsonObject { ["loadBalancer"] = new JsonObject { ["ingress"] = new JsonArray(Ip(wanted)) } };
            await OwnedObjects.PatchStatusAsync(client, Kinds.Service, stored, status, Name, ct);
        }
        var endpoints = New(Kinds.Endpoints, wanted);
        endpoints["subsets"] = new JsonArray(new JsonObject
        {
            ["addresses"] = new JsonArray(Ip(wanted)),
            ["ports"] = new JsonArray([.. wanted.Ports.Select(p => (JsonNode)new JsonObject
            {
                ["name"] = p.Name, ["port"] = p.Behind, ["protocol"] = "TCP",
            })]),
        });
        await OwnedObjects.EnsureAsync(client, Kinds.Endpoints, endpoints, Name, ct);
        return ReconcileResult.Done;
    }

    private static JsonObject MakeService(GatewayService wanted)
    {
        var service = New(Kinds.Service, wanted);
        service["spec"] = new JsonObject
        {
            ["type"] = wanted.Type,
            ["ports"] = new JsonArray([.. wanted.Ports.Select(p => (JsonNode)Port(p.Name, p.Port, p.Behind))]),
        };
        return service;

        JsonObject Port(string name, int port, int behind)
        {
            var json = new JsonObject { ["name"] = name, ["port"] = port, ["targetPort"] = behind, ["protocol"] = "TCP" };
            if (wanted.Type == "LoadBalancer")
            {
                json["nodePort"] = behind;
            }
            return json;
        }
    }

    private static JsonObject Ip(GatewayService wanted) => new() { ["ip"] = wanted.Address.Ip };

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
