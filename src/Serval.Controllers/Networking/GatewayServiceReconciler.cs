using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Serving;
using Serval.Controllers.Autoscaler;
using Serval.Kube;

namespace Serval.Controllers.Networking;

/// <summary>
/// Keeps the Service by which programs find the gateway: of type LoadBalancer, its address in the status and its real port as the node port, as an
/// ingress of Knative has one (knative.dev/pkg: test/ingress looks it up). It comes back when somebody deletes it.
/// </summary>
internal sealed class GatewayServiceReconciler(IKubeClient client, GatewayAddress gateway) : IReconciler
{
    internal static readonly ObjectKey Key = new(KnativeNames.SystemNamespace, "gateway");

    public string Name => "gateway-service-controller";

    public ResourceKind Kind => Kinds.Service;

    public IEnumerable<ReconcilerWatch> Watches =>
    [
        new ReconcilerWatch(Kinds.Namespace, change => change.New.Metadata.Name == Key.Namespace ? [Key] : []),
        new ReconcilerWatch(Kinds.Endpoints, change => change.New.Key == Key ? [Key] : []),
    ];

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken ct)
    {
        if (key != Key)
        {
            return ReconcileResult.Done;
        }
        var service = New(Kinds.Service);
        service["spec"] = new JsonObject
        {
            ["type"] = "LoadBalancer",
            ["ports"] = new JsonArray(new JsonObject
            {
                ["name"] = "http2", ["port"] = 80, ["targetPort"] = gateway.Port, ["nodePort"] = gateway.Port, ["protocol"] = "TCP",
            }),
        };
        var stored = await OwnedObjects.EnsureAsync(client, Kinds.Service, service, Name, ct);
        var status = new JsonObject { ["loadBalancer"] = new JsonObject { ["ingress"] = new JsonArray(new JsonObject { ["ip"] = gateway.Ip }) } };
        await OwnedObjects.PatchStatusAsync(client, Kinds.Service, stored, status, Name, ct);

        var endpoints = New(Kinds.Endpoints);
        endpoints["subsets"] = new JsonArray(new JsonObject
        {
            ["addresses"] = new JsonArray(new JsonObject { ["ip"] = gateway.Ip }),
            ["ports"] = new JsonArray(new JsonObject { ["name"] = "http2", ["port"] = gateway.Port, ["protocol"] = "TCP" }),
        });
        await OwnedObjects.EnsureAsync(client, Kinds.Endpoints, endpoints, Name, ct);
        return ReconcileResult.Done;
    }

    private static JsonObject New(ResourceKind kind) => new()
    {
        ["apiVersion"] = kind.ApiVersion,
        ["kind"] = kind.Kind,
        ["metadata"] = new JsonObject { ["name"] = Key.Name, ["namespace"] = Key.Namespace },
    };
}
