using System.Text;
using Serval.Api;
using Serval.Controllers.Tests.Autoscaler;
using Serval.Controllers.Tests.TestServices;
using Serval.Controllers.Workloads;
using Serval.Kube;

namespace Serval.Controllers.Tests.Workloads;

/// <summary>A store that refuses writes (a full disk) is asked again at the work queue's pace, which slows down.</summary>
public sealed class FailingWritesTests
{
    private static readonly ApiException s_full = new(507, "InternalError", "nothing was stored: the disk is full");

    private readonly ManualTime _time = new();
    private readonly FakeKubeClient _client;

    public FailingWritesTests() => _client = new FakeKubeClient(_time);

    [Theory]
    [InlineData("ReplicaSet")]
    [InlineData("Deployment")]
    public async Task StatusWrite_ThatFails_FailsEveryRunUntilItWorks(string kind)
    {
        var (reconciler, stored) = await CreateAsync(kind);
        var wait = (await reconciler.ReconcileAsync(stored.Key, default)).RequeueAfter; // the status trails
        _time.Advance(wait!.Value);
        _client.Failure = s_full;
        for (var run = 0; run < 3; run++)
        {
            // A run that would end well here would be the first of a new back-off.
            Assert.Same(s_full, await Assert.ThrowsAsync<ApiException>(() => reconciler.ReconcileAsync(stored.Key, default)));
        }

        _client.Failure = null;
        await reconciler.ReconcileAsync(stored.Key, default);

        Assert.Contains(_client.TakeWrites(), w => w is { Subresource: "status" } && w.Kind.Kind == kind);
    }

    private async Task<(IReconciler Reconciler, KubeObject Stored)> CreateAsync(string kind)
    {
        const string Spec = """
            {"replicas": 1, "selector": {"matchLabels": {"app": "a"}}, "template": {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}}
            """;
        var stored = await _client.CreateAsync(
            Kinds.All.Single(k => k.Kind == kind),
            KubeObject.Parse(Encoding.UTF8.GetBytes(
                $$$"""{"apiVersion": "apps/v1", "kind": "{{{kind}}}", "metadata": {"name": "a", "namespace": "n"}, "spec": {{{Spec}}}}""")),
            WriteOptions.By("test"));
        return (kind == "ReplicaSet" ? new ReplicaSetReconciler(_client, new NodeRoom(_client), new RecordedEvents(), _time) : new DeploymentReconciler(_client, new RecordedEvents(), _time), stored);
    }
}
