using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Controllers.Tests.Autoscaler;
using Serval.Controllers.Workloads;
using Serval.Kube;

namespace Serval.Controllers.Tests.Workloads;

/// <summary>While a namespace is being deleted, workload controllers do not put back what its deletion takes away.</summary>
public sealed class ClosingNamespaceTests
{
    private static readonly ObjectKey s_key = new("n1", "w");

    private readonly ManualTime _time = new();
    private readonly FakeKubeClient _client;

    public ClosingNamespaceTests() => _client = new FakeKubeClient(_time);

    [Theory]
    [InlineData(false, 2)]
    [InlineData(true, 0)]
    public async Task ReplicaSet_ThatMissesPods_MakesThemOnlyWhileItsNamespaceStays(bool closing, int pods)
    {
        await CreateAsync(Kinds.ReplicaSet, """{"replicas":2,"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}""", closing);
        await new ReplicaSetReconciler(_client, new NodeRoom(_client), NoEvents.Instance, _time).ReconcileAsync(s_key, CancellationToken.None);
        Assert.Equal(pods, _client.TakeWrites().Count(w => w.ToString().StartsWith("create Pod", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 0)]
    public async Task Deployment_WithoutReplicaSet_MakesOneOnlyWhileItsNamespaceStays(bool closing, int sets)
    {
        await CreateAsync(
            Kinds.Deployment,
            """{"replicas":2,"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}""",
            closing);
        await new DeploymentReconciler(_client, NoEvents.Instance, _time).ReconcileAsync(s_key, CancellationToken.None);
        Assert.Equal(sets, _client.TakeWrites().Count(w => w.ToString().StartsWith("create ReplicaSet", StringComparison.Ordinal)));
    }

    private async Task CreateAsync(ResourceKind kind, string spec, bool closing)
    {
        var ns = new JsonObject { ["name"] = "n1" };
        if (closing)
        {
            ns["deletionTimestamp"] = "2026-01-01T12:00:00Z";
        }
        await _client.CreateAsync(Kinds.Namespace, Make(Kinds.Namespace, ns, "{}"), WriteOptions.By("test"));
        await _client.CreateAsync(kind, Make(kind, new JsonObject { ["namespace"] = "n1", ["name"] = "w" }, spec), WriteOptions.By("test"));
        _client.TakeWrites();
    }

    private static KubeObject Make(ResourceKind kind, JsonObject metadata, string spec) => KubeObject.From(
        new JsonObject { ["apiVersion"] = kind.ApiVersion, ["kind"] = kind.Kind, ["metadata"] = metadata, ["spec"] = JsonNode.Parse(spec) });
}
