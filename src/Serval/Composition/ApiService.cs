using System.Net;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Kube;

namespace Serval.Composition;

/// <summary>The Service <c>kubernetes</c> of the namespace <c>default</c>: where pods find the API server by name.</summary>
internal static class ApiService
{
    private const string Name = "kubernetes";

    /// <summary>Writes what is not so yet.</summary>
    internal static async Task EnsureAsync(IKubeClient client, DnsEndPoint api, CancellationToken ct)
    {
        var service = New(Kinds.Service);
        service["spec"] = new JsonObject { ["ports"] = new JsonArray(Port(api.Port)) };
        await OwnedObjects.EnsureAsync(client, Kinds.Service, service, "serval", ct);
        var endpoints = New(Kinds.Endpoints);
        endpoints["subsets"] = new JsonArray(new JsonObject
        {
            ["addresses"] = new JsonArray(new JsonObject { ["ip"] = api.Host }), ["ports"] = new JsonArray(Port(api.Port)),
        });
        await OwnedObjects.EnsureAsync(client, Kinds.Endpoints, endpoints, "serval", ct);
    }

    private static JsonObject New(ResourceKind kind) => new()
    {
        ["apiVersion"] = kind.ApiVersion, ["kind"] = kind.Kind,
        ["metadata"] = new JsonObject
        {
            ["name"] = Name, ["namespace"] = "default", ["labels"] = new JsonObject { ["component"] = "apiserver", ["provider"] = "kubernetes" },
        },
    };

    private static JsonObject Port(int port) => new() { ["name"] = "https", ["port"] = port, ["protocol"] = "TCP" };
}
