using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Controllers.Tests.Autoscaler;
using Serval.Controllers.Tests.TestServices;
using Serval.Controllers.Workloads;
using Serval.Kube;

namespace Serval.Controllers.Tests.Workloads;

/// <summary>What Deployments, ReplicaSets and the binding of pods tell.</summary>
public sealed class WorkloadEventsTests
{
    private const string Template = """{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}""";

    private readonly ManualTime _time = new();
    private readonly RecordedEvents _events = new();
    private readonly FakeKubeClient _client;

    public WorkloadEventsTests() => _client = new FakeKubeClient(_time);

    [Fact]
    public async Task Deployment_MadeScaledAndAtZero_TellsEachScaling()
    {
        var reconciler = new DeploymentReconciler(_client, _events, _time);
        var key = await CreateAsync(Kinds.Deployment, $$"""{"replicas":2,"selector":{"matchLabels":{"a":"b"} },"template":{{Template}} }""");
        await reconciler.ReconcileAsync(key, CancellationToken.None);
        var set = _client.Cache(Kinds.ReplicaSet).List()[0].Metadata.Name;
        Assert.Equal(["deployment-controller"], _events.Components());
        Assert.Equal([$"Normal ScalingReplicaSet Deployment/w: Scaled up replica set {set} from 0 to 2"], _events.Take());
        await reconciler.ReconcileAsync(key, CancellationToken.None);
        Assert.Empty(_events.Take());
        await ScaleAsync(key, 0);
        await reconciler.ReconcileAsync(key, CancellationToken.None);
        Assert.Equal([$"Normal ScalingReplicaSet Deployment/w: Scaled down replica set {set} from 2 to 0"], _events.Take());
    }

    [Fact]
    public async Task Deployment_MadeAtZero_TellsNothing()
    {
        var key = await CreateAsync(Kinds.Deployment, $$"""{"replicas":0,"selector":{"matchLabels":{"a":"b"} },"template":{{Template}} }""");
        await new DeploymentReconciler(_client, _events, _time).ReconcileAsync(key, CancellationToken.None);
        Assert.Empty(_events.Take());
    }

    [Fact]
    public async Task Deployment_WhoseSetIsRefused_Warns()
    {
        var key = await CreateAsync(Kinds.Deployment, $$"""{"replicas":2,"selector":{"matchLabels":{"a":"b"} },"template":{{Template}} }""");
        _client.Failure = new ApiException(422, "Invalid", "no good");
        await Assert.ThrowsAsync<ApiException>(() => new DeploymentReconciler(_client, _events, _time).ReconcileAsync(key, CancellationToken.None));
        Assert.Matches("^Warning ReplicaSetCreateError Deployment/w: Failed to create new replica set \"w-[a-z0-9]+\": no good$", Assert.Single(_events.Take()));
    }

    [Fact]
    public async Task ReplicaSet_MakesAndDeletesPods_TellsBoth_AndTheirBinding()
    {
        await CreateAsync(Kinds.Node, "{}", "node-1", "");
        var reconciler = new ReplicaSetReconciler(_client, new NodeRoom(_client), _events, _time);
        var key = await CreateAsync(Kinds.ReplicaSet, $$"""{"replicas":1,"template":{{Template}} }""");
        await reconciler.ReconcileAsync(key, CancellationToken.None);
        var pod = Assert.Single(_client.Cache(Kinds.Pod).List()).Metadata.Name;
        Assert.Equal(["replicaset-controller", "default-scheduler"], _events.Components());
        Assert.Equal(
            [$"Normal SuccessfulCreate ReplicaSet/w: Created pod: {pod}", $"Normal Scheduled Pod/{pod}: Successfully assigned n1/{pod} to node-1"], _events.Take());
        await ScaleAsync(key, 0, Kinds.ReplicaSet);
        await reconciler.ReconcileAsync(key, CancellationToken.None);
        Assert.Equal([$"Normal SuccessfulDelete ReplicaSet/w: Deleted pod: {pod}"], _events.Take());
    }

    [Fact]
    public async Task ReplicaSet_WhosePodsAreRefused_Warns_UnlessItsNamespaceGoes()
    {
        var reconciler = new ReplicaSetReconciler(_client, new NodeRoom(_client), _events, _time);
        var key = await CreateAsync(Kinds.ReplicaSet, $$"""{"replicas":1,"template":{{Template}} }""");
        _client.Failure = new ApiException(422, "Invalid", "no good");
        await Assert.ThrowsAsync<ApiException>(() => reconciler.ReconcileAsync(key, CancellationToken.None));
        Assert.Equal(["Warning FailedCreate ReplicaSet/w: Error creating: no good"], _events.Take());
        _client.Failure = ApiException.NamespaceTerminating(Kinds.Pod, "", "n1");
        await Assert.ThrowsAsync<ApiException>(() => reconciler.ReconcileAsync(key, CancellationToken.None));
        Assert.Empty(_events.Take());
    }

    [Fact]
    public async Task Pod_WithoutNode_WarnsUntilThereIsOne()
    {
        var reconciler = new PodBindingReconciler(_client, new NodeRoom(_client), _events, _time);
        var key = await CreateAsync(Kinds.Pod, """{"containers":[{"name":"c","image":"i"}]}""");
        await reconciler.ReconcileAsync(key, CancellationToken.None);
        Assert.Equal(["Warning FailedScheduling Pod/w: no nodes available to schedule pods"], _events.Take());
        await CreateAsync(Kinds.Node, "{}", "node-1", "");
        await reconciler.ReconcileAsync(key, CancellationToken.None);
        Assert.Equal(["Normal Scheduled Pod/w: Successfully assigned n1/w to node-1"], _events.Take());
    }

    private Task ScaleAsync(ObjectKey key, int replicas, ResourceKind? kind = null) => _client.PatchAsync(
        kind ?? Kinds.Deployment, key,
        new KubePatch(PatchType.Merge, CanonicalJson.Serialize(new JsonObject { ["spec"] = new JsonObject { ["replicas"] = replicas } })), WriteOptions.By("test"));

    private async Task<ObjectKey> CreateAsync(ResourceKind kind, string spec, string name = "w", string ns = "n1")
    {
        var tree = new JsonObject
        {
            ["apiVersion"] = kind.ApiVersion, ["kind"] = kind.Kind, ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = ns },
            ["spec"] = JsonNode.Parse(spec),
        };
        return (await _client.CreateAsync(kind, KubeObject.From(tree), WriteOptions.By("test"))).Key;
    }
}
