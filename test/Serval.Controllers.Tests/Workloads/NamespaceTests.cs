using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Admission;
using Serval.Api.Core;
using Serval.Controllers.Tests.Autoscaler;
using Serval.Controllers.Workloads;
using Serval.Kube;

namespace Serval.Controllers.Tests.Workloads;

public sealed class NamespaceTests
{
    private static readonly ObjectKey s_account = new(WorkloadWorld.Namespace, "default");

    [Fact]
    public async Task DefaultAccount_Deleted_ComesBack()
    {
        var world = new WorkloadWorld();
        await OpenAsync(world);
        Assert.NotNull(world.Client.Cache(Kinds.ServiceAccount).Get(s_account));
        await world.Client.DeleteAsync(Kinds.ServiceAccount, s_account, DeleteOptions.Background);
        await world.SettleAsync();
        Assert.NotNull(world.Client.Cache(Kinds.ServiceAccount).Get(s_account));
    }

    [Fact]
    public async Task Authority_ChangedOrDeleted_ComesBack()
    {
        var world = new WorkloadWorld();
        await OpenAsync(world);
        Assert.Equal(WorkloadWorld.RootCa, Authority());
        await world.PatchAsync(Kinds.ConfigMap, AccountMount.RootCa, """{"data":{"ca.crt":"mine"}}""");
        Assert.Equal(WorkloadWorld.RootCa, Authority());
        await world.Client.DeleteAsync(Kinds.ConfigMap, new ObjectKey("n1", AccountMount.RootCa), DeleteOptions.Background);
        await world.SettleAsync();
        Assert.Equal(WorkloadWorld.RootCa, Authority());

        string? Authority() => (string?)world.Client.Cache(Kinds.ConfigMap).Get(new ObjectKey("n1", AccountMount.RootCa))!.ToTree()["data"]!["ca.crt"];
    }

    /// <summary>What another process wrote before the end is not lost from sight: the namespace waits until the cache shows it too.</summary>
    [Fact]
    public async Task Namespace_ThatGoes_WaitsForWhatTheCacheDoesNotShowYet()
    {
        var time = new ManualTime();
        var client = new FakeKubeClient(time);
        await client.CreateAsync(
            Kinds.Namespace,
            KubeObject.From(new JsonObject
            {
                ["apiVersion"] = "v1", ["kind"] = "Namespace", ["metadata"] = new JsonObject { ["name"] = "n1", ["finalizers"] = new JsonArray("test/hold") },
                ["spec"] = new JsonObject { ["finalizers"] = new JsonArray("kubernetes") },
            }),
            WriteOptions.By("test"));
        var late = new JsonObject { ["apiVersion"] = "v1", ["kind"] = "ConfigMap", ["metadata"] = new JsonObject { ["name"] = "late", ["namespace"] = "n1" } };
        client.OnTheWay.Add((await client.CreateAsync(Kinds.ConfigMap, KubeObject.From(late), WriteOptions.By("test"))).Key);
        await client.DeleteAsync(Kinds.Namespace, ObjectKey.Cluster("n1"), DeleteOptions.Background);
        var reconciler = new NamespaceReconciler(client, rootCa: null, time);
        Assert.NotNull((await reconciler.ReconcileAsync(ObjectKey.Cluster("n1"), CancellationToken.None)).RequeueAfter);
        Assert.Equal(1, Finalizers());
        client.OnTheWay.Clear();
        await reconciler.ReconcileAsync(ObjectKey.Cluster("n1"), CancellationToken.None);
        Assert.Empty(client.Cache(Kinds.ConfigMap).List());
        await reconciler.ReconcileAsync(ObjectKey.Cluster("n1"), CancellationToken.None);
        Assert.Equal(0, Finalizers());

        int Finalizers() => client.Cache(Kinds.Namespace).Get(ObjectKey.Cluster("n1"))!.As<Namespace>().Spec.Finalizers.Count;
    }

    /// <summary>What keeps it is said in upstream's words, until it is gone; the times are those of changes.</summary>
    [Fact]
    public async Task Namespace_ThatGoes_SaysWhatKeepsIt()
    {
        var time = new ManualTime();
        var client = new FakeKubeClient(time);
        await client.CreateAsync(
            Kinds.Namespace,
            KubeObject.From(new JsonObject
            {
                ["apiVersion"] = "v1", ["kind"] = "Namespace", ["metadata"] = new JsonObject { ["name"] = "n1", ["deletionTimestamp"] = "2026-01-01T12:00:00Z" },
                ["spec"] = new JsonObject { ["finalizers"] = new JsonArray("kubernetes", "test/own") },
            }),
            WriteOptions.By("test"));
        await HoldAsync(Kinds.ConfigMap, "a", "test/f");
        await HoldAsync(Kinds.ConfigMap, "b", "test/f", "test/g");
        await HoldAsync(Kinds.Deployment, "c", "test/f");
        var reconciler = new NamespaceReconciler(client, rootCa: null, time);
        await reconciler.ReconcileAsync(ObjectKey.Cluster("n1"), CancellationToken.None);
        Assert.Equal(
            [
                "NamespaceDeletionDiscoveryFailure False ResourcesDiscovered: All resources successfully discovered",
                "NamespaceDeletionGroupVersionParsingFailure False ParsedGroupVersions: All legacy kube types successfully parsed",
                "NamespaceDeletionContentFailure False ContentDeleted: All content successfully deleted, may be waiting on finalization",
                "NamespaceContentRemaining True SomeResourcesRemain: Some resources are remaining: configmaps. has 2 resource instances, deployments.apps has 1 resource instances",
                "NamespaceFinalizersRemaining True SomeFinalizersRemain: Some content in the namespace has finalizers remaining: test/f in 3 resource instances, test/g in 1 resource instances",
            ],
            Conditions());
        client.TakeWrites();
        await reconciler.ReconcileAsync(ObjectKey.Cluster("n1"), CancellationToken.None);
        Assert.Empty(client.TakeWrites()); // nothing is new
        foreach (var (kind, name) in new[] { (Kinds.ConfigMap, "a"), (Kinds.ConfigMap, "b"), (Kinds.Deployment, "c") })
        {
            await client.PatchAsync(
                kind, new ObjectKey("n1", name), new KubePatch(PatchType.Merge, CanonicalJson.Serialize(new JsonObject { ["metadata"] = new JsonObject { ["finalizers"] = new JsonArray() } })),
                WriteOptions.By("test"));
        }
        await reconciler.ReconcileAsync(ObjectKey.Cluster("n1"), CancellationToken.None);
        Assert.Equal(
            [
                "NamespaceContentRemaining False ContentRemoved: All content successfully removed",
                "NamespaceFinalizersRemaining False ContentHasNoFinalizers: All content-preserving finalizers finished",
            ],
            Conditions()[3..]);
        Assert.Equal("[\"test/own\"]", client.Cache(Kinds.Namespace).Get(ObjectKey.Cluster("n1"))!.ToTree()["spec"]!["finalizers"]!.ToJsonString());

        Task HoldAsync(ResourceKind kind, string name, params string[] finalizers) => client.CreateAsync(
            kind,
            KubeObject.From(new JsonObject
            {
                ["apiVersion"] = kind.ApiVersion, ["kind"] = kind.Kind,
                ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = "n1", ["finalizers"] = new JsonArray([.. finalizers.Select(f => (JsonNode)f)]) },
            }),
            WriteOptions.By("test"));

        string[] Conditions() => [.. ((JsonArray)client.Cache(Kinds.Namespace).Get(ObjectKey.Cluster("n1"))!.ToTree()["status"]!["conditions"]!)
            .Select(c => $"{c!["type"]} {c["status"]} {c["reason"]}: {c["message"]}")];
    }

    /// <summary>What others hold is emptied too, whether or not this controller is among those who hold it.</summary>
    [Fact]
    public async Task Namespace_HeldByOthersAlone_IsEmptied()
    {
        var client = await TerminatingAsync("test/own");
        await MakeAsync(client, Kinds.ConfigMap, "a");
        await new NamespaceReconciler(client, rootCa: null, new ManualTime()).ReconcileAsync(ObjectKey.Cluster("n1"), CancellationToken.None);
        Assert.Empty(client.Cache(Kinds.ConfigMap).List());
        Assert.Equal("[\"test/own\"]", client.Cache(Kinds.Namespace).Get(ObjectKey.Cluster("n1"))!.ToTree()["spec"]!["finalizers"]!.ToJsonString());
    }

    /// <summary>What cannot be deleted keeps the namespace, not the rest of what is in it, and the condition says why.</summary>
    [Fact]
    public async Task Namespace_WithWhatCannotBeDeleted_LosesTheRest_AndIsTriedAgain()
    {
        var client = await TerminatingAsync("kubernetes");
        foreach (var (kind, name) in new[] { (Kinds.ConfigMap, "a"), (Kinds.ConfigMap, "b"), (Kinds.Deployment, "c"), (Kinds.Secret, "d") })
        {
            await MakeAsync(client, kind, name);
        }
        client.Refuse = write => write.Verb == "delete" && write.Key.Name is "a" or "d" ? ApiException.Forbidden(write.Kind, write.Key.Name, "it is needed") : null;
        var reconciler = new NamespaceReconciler(client, rootCa: null, new ManualTime());
        const string why = "Failed to delete all resource types, 2 remaining: configmaps \"a\" is forbidden: it is needed, secrets \"d\" is forbidden: it is needed";
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => reconciler.ReconcileAsync(ObjectKey.Cluster("n1"), CancellationToken.None));
        Assert.Equal(why, failure.Message);
        Assert.Equal(["a", "d"], new[] { Kinds.ConfigMap, Kinds.Deployment, Kinds.Secret }.SelectMany(k => client.Cache(k).List()).Select(o => o.Metadata.Name));
        Assert.Equal($"True ContentDeletionFailed: {why}", Condition());
        client.Refuse = _ => null;
        await reconciler.ReconcileAsync(ObjectKey.Cluster("n1"), CancellationToken.None);
        Assert.Empty(client.Cache(Kinds.Namespace).Get(ObjectKey.Cluster("n1"))?.As<Namespace>().Spec.Finalizers ?? []);

        string Condition() => ((JsonArray)client.Cache(Kinds.Namespace).Get(ObjectKey.Cluster("n1"))!.ToTree()["status"]!["conditions"]!)
            .Where(c => (string?)c!["type"] == "NamespaceDeletionContentFailure").Select(c => $"{c!["status"]} {c["reason"]}: {c["message"]}").Single();
    }

    private static async Task<FakeKubeClient> TerminatingAsync(params string[] finalizers)
    {
        var client = new FakeKubeClient(new ManualTime());
        await client.CreateAsync(
            Kinds.Namespace,
            KubeObject.From(new JsonObject
            {
                ["apiVersion"] = "v1", ["kind"] = "Namespace", ["metadata"] = new JsonObject { ["name"] = "n1", ["deletionTimestamp"] = "2026-01-01T12:00:00Z" },
                ["spec"] = new JsonObject { ["finalizers"] = new JsonArray([.. finalizers.Select(f => (JsonNode)f)]) },
            }),
            WriteOptions.By("test"));
        return client;
    }

    private static Task MakeAsync(FakeKubeClient client, ResourceKind kind, string name) => client.CreateAsync(
        kind,
        KubeObject.From(new JsonObject { ["apiVersion"] = kind.ApiVersion, ["kind"] = kind.Kind, ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = "n1" } }),
        WriteOptions.By("test"));

    private static async Task OpenAsync(WorkloadWorld world)
    {
        await world.Client.CreateAsync(
            Kinds.Namespace,
            KubeObject.From(new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Namespace", ["metadata"] = new JsonObject { ["name"] = WorkloadWorld.Namespace } }),
            WriteOptions.By("test"));
        await world.SettleAsync();
    }
}
