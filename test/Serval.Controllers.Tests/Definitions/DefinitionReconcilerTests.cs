using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Controllers.Definitions;
using Serval.Controllers.Tests.Autoscaler;
using Serval.Kube;

namespace Serval.Controllers.Tests.Definitions;

public sealed class DefinitionReconcilerTests : IDisposable
{
    private const string Finalizer = "customresourcecleanup.apiextensions.k8s.io";

    private readonly FakeKubeClient _client = new(new ManualTime());
    private readonly DefinitionReconciler _reconciler;
    private readonly HashSet<ObjectKey> _due = [];

    public DefinitionReconcilerTests()
    {
        _reconciler = new DefinitionReconciler(_client, new ManualTime());
        _reconciler.Started(key => _due.Add(key));
    }

    public void Dispose() => _reconciler.Dispose();

    [Fact]
    public async Task ANameThatIsFreed_GoesToWhoWaitsForIt()
    {
        await DefineAsync("widgets", "Widget");
        await DefineAsync("things", "Widget");
        Assert.Equal(("True", "False"), (Established("widgets"), Established("things")));
        await _client.DeleteAsync(Kinds.CustomResourceDefinition, Key("widgets"), DeleteOptions.Background);
        _due.Clear();
        await RunAsync("widgets");
        Assert.Equal([Key("things")], _due);
        await RunAsync("things");
        Assert.Equal("True", Established("things"));
    }

    [Fact]
    public async Task BuiltInNamesOfTheGroup_AreTaken()
    {
        await DefineAsync("revisions2", "Revision", "serving.knative.dev");
        Assert.Equal("False", Established("revisions2", "serving.knative.dev"));
    }

    [Theory]
    [InlineData("https://example.com/1", "True ApprovedAnnotation")]
    [InlineData("unapproved, for a test", "False UnapprovedAnnotation")]
    [InlineData("somebody said so", "False InvalidAnnotation")]
    [InlineData(null, "False MissingAnnotation")]
    public async Task AGroupOfTheCommunity_SaysWhoApprovedIt(string? annotation, string told)
    {
        await DefineAsync("widgets", "Widget", "example.k8s.io", annotation: annotation);
        Assert.Equal(told, Condition("widgets", "KubernetesAPIApprovalPolicyConformant", "example.k8s.io"));
        Assert.Equal("True", Established("widgets", "example.k8s.io"));
    }

    /// <summary>The order in which upstream's controllers come to it.</summary>
    [Fact]
    public async Task Conditions_AreOfNames_ThenOfServing_ThenOfApproval()
    {
        await DefineAsync("widgets", "Widget", "example.k8s.io", annotation: "unapproved");
        var types = StatusFields.Of(Find("widgets", "example.k8s.io")!)["conditions"]!.AsArray().Select(c => (string?)c!["type"]);
        Assert.Equal(["NamesAccepted", "Established", "KubernetesAPIApprovalPolicyConformant"], types);
    }

    [Fact]
    public async Task ABundleThatCannotBeRead_KeepsADefinitionFromBeingServed()
    {
        var hook = new JsonObject { ["clientConfig"] = new JsonObject { ["url"] = "https://x", ["caBundle"] = "Cg==" }, ["conversionReviewVersions"] = new JsonArray("v1") };
        await DefineAsync("widgets", "Widget", conversion: new JsonObject { ["strategy"] = "Webhook", ["webhook"] = hook });
        Assert.Equal("False InvalidCABundle", Condition("widgets", "Established"));
    }

    [Fact]
    public async Task WhatIsSettled_IsNotWrittenAgain()
    {
        await DefineAsync("widgets", "Widget");
        _client.TakeWrites();
        await RunAsync("widgets");
        Assert.Empty(_client.TakeWrites());
    }

    [Fact]
    public async Task ADefinitionThatGoes_WaitsForItsObjects()
    {
        await DefineAsync("widgets", "Widget", finalizer: Finalizer);
        _client.Registry.Set(new CustomResource
        {
            Group = "example.com", Plural = "widgets", Kind = "Widget", Namespaced = false,
            Versions = [new("v1", Served: true, Stored: true, new KindShape { Singular = "widget", ListKind = "WidgetList" })],
        });
        var widgets = _client.Registry.FindPlural("example.com", "v1", "widgets")!;
        await CreateAsync(widgets, "free", new JsonObject());
        await CreateAsync(widgets, "held", new JsonObject { ["finalizers"] = new JsonArray("example.com/hold") });
        await _client.DeleteAsync(Kinds.CustomResourceDefinition, Key("widgets"), DeleteOptions.Background);
        await RunAsync("widgets");
        Assert.Equal("held", Assert.Single(_client.Cache(widgets).List()).Metadata.Name);
        Assert.Equal("True InstanceDeletionInProgress", Condition("widgets", "Terminating"));
        await RunAsync("widgets");
        Assert.NotNull(Find("widgets"));
        _client.OnTheWay.Add(ObjectKey.Cluster("held")); // written by another process: not in the cache yet
        await RunAsync("widgets");
        Assert.Equal("True InstanceDeletionInProgress", Condition("widgets", "Terminating"));
        _client.OnTheWay.Clear();

        _due.Clear();
        var let = new KubePatch(PatchType.Merge, """{"metadata":{"finalizers":null}}"""u8.ToArray());
        await _client.PatchAsync(widgets, ObjectKey.Cluster("held"), let, WriteOptions.By("test"));
        Assert.Equal([Key("widgets")], _due);
        await RunAsync("widgets");
        Assert.Null(Find("widgets"));
    }

    [Fact]
    public async Task ADefinitionThatWasNeverServed_GoesAtOnce()
    {
        await DefineAsync("widgets", "Widget");
        await DefineAsync("things", "Widget", finalizer: Finalizer);
        await _client.DeleteAsync(Kinds.CustomResourceDefinition, Key("things"), DeleteOptions.Background);
        await RunAsync("things");
        Assert.Null(Find("things"));
    }

    private async Task DefineAsync(string plural, string kind, string group = "example.com", string? finalizer = null, string? annotation = null, JsonObject? conversion = null)
    {
        var spec = new JsonObject
        {
            ["group"] = group, ["scope"] = "Cluster",
            ["names"] = new JsonObject { ["plural"] = plural, ["singular"] = plural[..^1], ["kind"] = kind, ["listKind"] = kind + "List" },
        };
        if (conversion is not null)
        {
            spec["conversion"] = conversion;
        }
        var metadata = finalizer is null ? [] : new JsonObject { ["finalizers"] = new JsonArray(finalizer) };
        if (annotation is not null)
        {
            metadata["annotations"] = new JsonObject { ["api-approved.kubernetes.io"] = annotation };
        }
        await CreateAsync(Kinds.CustomResourceDefinition, $"{plural}.{group}", metadata, spec);
        await RunAsync(plural, group);
    }

    private Task CreateAsync(ResourceKind kind, string name, JsonObject metadata, JsonObject? spec = null)
    {
        metadata["name"] = name;
        return _client.CreateAsync(
            kind, KubeObject.From(new JsonObject { ["apiVersion"] = kind.ApiVersion, ["kind"] = kind.Kind, ["metadata"] = metadata, ["spec"] = spec }),
            WriteOptions.By("test"));
    }

    private static ObjectKey Key(string plural, string group = "example.com") => ObjectKey.Cluster($"{plural}.{group}");

    private KubeObject? Find(string plural, string group = "example.com") => _client.Cache(Kinds.CustomResourceDefinition).Get(Key(plural, group));

    private Task RunAsync(string plural, string group = "example.com") => _reconciler.ReconcileAsync(Key(plural, group), CancellationToken.None);

    private string Established(string plural, string group = "example.com") => Condition(plural, "Established", group).Split(' ')[0];

    private string Condition(string plural, string type, string group = "example.com")
    {
        var condition = StatusFields.Of(Find(plural, group)!)["conditions"]!.AsArray().Single(c => (string?)c!["type"] == type)!;
        return $"{condition["status"]} {condition["reason"]}";
    }
}
