using System.Net;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Kube;

namespace Serval.Composition;

/// <summary>The Service <c>kubernetes</c> of the namespace <c>default</c>: where pods find the API server by name.</summary>
internal static class ApiService
{
    private const string Name = "kubernetes";
    private const int SecurePort = 443;

    /// <summary>Writes what is not so yet.</summary>
    /// <param name="client">Writes.</param>
    /// <param name="api">Where pods reach the API server.</param>
    /// <param name="routed">Whether pods reach Services at their ports; else the port to call is the API server's own.</param>
    /// <param name="ct">Gives up.</param>
    internal static async Task EnsureAsync(IKubeClient client, DnsEndPoint api, bool routed, CancellationToken ct)
    {
        var service = New(Kinds.Service);
        var port = Port(routed ? SecurePort : api.Port);
        port["targetPort"] = api.Port;
        service["spec"] = new JsonObject { ["ports"] = new JsonArray(port) };
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
