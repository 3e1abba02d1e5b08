using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Node.Agent;

namespace Serval.Node.Tests;

/// <summary>What the Node of a machine says.</summary>
public sealed class NodeRegistrationTests
{
    // An API server that is not Serval's takes the first address of a type, and the port beside it (kubernetes pkg/kubelet/client).
    [Theory]
    [InlineData("10.1.2.3", """[{"type":"InternalIP","address":"10.1.2.3"},{"type":"InternalIP","address":"10.248.0.1"},{"type":"Hostname","address":"n1"}]""")]
    [InlineData("10.248.0.1", """[{"type":"InternalIP","address":"10.248.0.1"},{"type":"Hostname","address":"n1"}]""")]
    public async Task Door_IsFoundAtTheFirstAddress(string address, string addresses)
    {
        var (kube, key) = (new FakeKube(), ObjectKey.Cluster("n1"));
        await NodeRegistration.RegisterAsync(kube, "n1", "10.248.0.1", Path.GetTempPath(), [], TimeProvider.System, CancellationToken.None);
        var registered = kube.Cache(Kinds.Node).Get(key)!.ToTree()["status"]!;
        Assert.Equal("10.248.0.1", (string?)registered["addresses"]![0]!["address"]);
        Assert.Null(registered["daemonEndpoints"]);

        await NodeRegistration.TellDoorAsync(kube, "n1", IPAddress.Parse(address), 10250, "10.248.0.1", CancellationToken.None);

        var told = kube.Cache(Kinds.Node).Get(key)!.ToTree()["status"]!;
        Assert.Equal(Canonical(addresses), Canonical(told["addresses"]!.ToJsonString()));
        Assert.Equal("""{"kubeletEndpoint":{"Port":10250}}""", told["daemonEndpoints"]!.ToJsonString());
        Assert.Equal("Ready", (string?)told["conditions"]![0]!["type"]);
    }

    private static string Canonical(string json) => Encoding.UTF8.GetString(CanonicalJson.Serialize(JsonNode.Parse(json)!));
}
