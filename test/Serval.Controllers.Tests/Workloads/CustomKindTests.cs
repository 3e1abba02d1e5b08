using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Controllers.Tests.Autoscaler;
using Serval.Controllers.Tests.TestServices;
using Serval.Controllers.Workloads;
using Serval.Kube;

namespace Serval.Controllers.Tests.Workloads;

/// <summary>Objects of kinds that came after the start are deleted with their owners and with their namespace.</summary>
public sealed class CustomKindTests
{
    private const string Namespace = WorkloadWorld.Namespace;

    private static readonly CustomResource s_widgets = new()
    {
        Group = "example.com", Plural = "widgets", Kind = "Widget", Namespaced = true,
        Versions = [new("v1", Served: true, Stored: true, new KindShape { Singular = "widget", ListKind = "WidgetList" })],
    };

    [Fact]
    public async Task DependentsGoWithTheirOwner_WhicheverOfThemIsCustom()
    {
        var time = new ManualTime();
        var client = new FakeKubeClient(time);
        await using var collector = new GarbageCollector(client, time, new LogLines<GarbageCollector>());
        await collector.StartAsync(CancellationToken.None);
        client.Registry.Set(s_widgets);
        var widgets = client.Registry.FindPlural("example.com", "v1", "widgets")!;
        var owner = await CreateAsync(client, Kinds.ConfigMap, "owner");
        var widget = await CreateAsync(client, widgets, "widget", owner);
        await CreateAsync(client, Kinds.ConfigMap, "owned", widget);
        await client.DeleteAsync(Kinds.ConfigMap, owner.Key, DeleteOptions.Background);
        await Poll.UntilAsync(() => collector.Pending <= time.Armed);
        Assert.Empty(client.Cache(widgets).List());
        Assert.Empty(client.Cache(Kinds.ConfigMap).List());
    }

    /// <summary>The owner's definition may go before the collector comes to what it owned.</summary>
    [Fact]
    public async Task DependentsGo_WhenTheirOwnersKindIsGoneToo()
    {
        var time = new ManualTime();
        var client = new FakeKubeClient(time);
        client.Registry.Set(s_widgets);
        var widgets = client.Registry.FindPlural("example.com", "v1", "widgets")!;
        var widget = await CreateAsync(client, widgets, "widget");
        await CreateAsync(client, Kinds.ConfigMap, "owned", widget);
        await client.DeleteAsync(widgets, widget.Key, DeleteOptions.Background);
        client.Registry.Remove("widgets.example.com");
        await using var collector = new GarbageCollector(client, time, new LogLines<GarbageCollector>());
        await collector.StartAsync(CancellationToken.None);
        await Poll.UntilAsync(() => collector.Pending <= time.Armed);
        Assert.Empty(client.Cache(Kinds.ConfigMap).List());
    }

    [Fact]
    public async Task ANamespaceThatGoes_TakesCustomObjectsWithIt()
    {
        var time = new ManualTime();
        var client = new FakeKubeClient(time);
        using var reconciler = new NamespaceReconciler(client, rootCa: null, time);
        var due = new Queue<ObjectKey>();
        reconciler.Started(due.Enqueue);
        client.Registry.Set(s_widgets);
        var widgets = client.Registry.FindPlural("example.com", "v1", "widgets")!;
        await CreateAsync(client, widgets, "widget");
        await client.CreateAsync(
            Kinds.Namespace,
            KubeObject.From(new JsonObject
            {
                ["apiVersion"] = "v1", ["kind"] = "Namespace",
                ["metadata"] = new JsonObject { ["name"] = Namespace, ["deletionTimestamp"] = "2026-01-01T12:00:00Z" },
                ["spec"] = new JsonObject { ["finalizers"] = new JsonArray("kubernetes") },
            }),
            WriteOptions.By("test"));
        client.TakeWrites();
        await reconciler.ReconcileAsync(ObjectKey.Cluster(Namespace), CancellationToken.None);
        Assert.Empty(client.Cache(widgets).List());
        Assert.Single(due);
        Assert.Equal("update Namespace n1/finalize", client.TakeWrites()[^1].ToString());
    }

    private static Task<KubeObject> CreateAsync(FakeKubeClient client, ResourceKind kind, string name, KubeObject? owner = null)
    {
        var metadata = new JsonObject { ["name"] = name, ["namespace"] = Namespace };
        if (owner is not null)
        {
            metadata["ownerReferences"] = new JsonArray(new JsonObject
            {
                ["apiVersion"] = owner.ApiVersion, ["kind"] = owner.Kind, ["name"] = owner.Metadata.Name, ["uid"] = owner.Metadata.Uid,
            });
        }
        return client.CreateAsync(
            kind, KubeObject.From(new JsonObject { ["apiVersion"] = kind.ApiVersion, ["kind"] = kind.Kind, ["metadata"] = metadata }), WriteOptions.By("test"));
    }
}
