using System.Text.Json.Nodes;
using Serval.Api;
using Serval.ApiServer.Store;
using Serval.Kube;
using static Serval.StoreConformance.Objects;

namespace Serval.StoreConformance;

/// <summary>What managedFields takes note of in one process, and what it costs nothing (docs/decisions/0015).</summary>
public sealed class FieldTrackingTests : IAsyncLifetime
{
    private static readonly WriteOptions s_role = WriteOptions.By("role");
    private static readonly WriteOptions s_client = Write with { Tracked = true };

    private OpenedStore _opened = null!;

    private IKubeClient Client => _opened.Client;

    public async Task InitializeAsync() => _opened = await OpenedStore.OpenAsync(new StoreOptions());

    public async Task DisposeAsync() => await _opened.DisposeAsync();

    [Fact]
    public async Task ObjectsOfRoles_AreNotTracked_NeitherWhenAClientWrites()
    {
        var made = await Client.CreateAsync(Kinds.Deployment, Deployment("a"), s_role);
        Assert.Null(Entries(made));
        Assert.Null(Entries(await Patch("""{"spec":{"replicas":2}}""", s_client)));
    }

    [Fact]
    public async Task ObjectsOfRoles_BecomeTrackedByAnApply()
    {
        await Client.CreateAsync(Kinds.Deployment, Deployment("a"), s_role);
        var applied = await Client.PatchAsync(Kinds.Deployment, new ObjectKey("facts", "a"), new KubePatch(PatchType.Apply,
            """{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"a","labels":{"l":"1"}}}"""u8.ToArray()), s_client);
        Assert.Equal(["facts", "before-first-apply"], Entries(applied)!.Select(e => (string?)e!["manager"]));
    }

    [Fact]
    public async Task ObjectsOfClients_AreTracked_ByTheirManager()
    {
        var made = await Client.CreateAsync(Kinds.Deployment, Deployment("a"), s_client);
        var fields = Assert.Single(Entries(made)!)!["fieldsV1"]!;
        Assert.NotNull(fields["f:spec"]!["f:replicas"]);
        Assert.Null(fields["f:spec"]!["."]);
        Assert.Null(fields["f:metadata"]);
        Assert.NotNull(fields["f:spec"]!["f:template"]!["f:spec"]!["f:containers"]!["k:{\"name\":\"main\"}"]!["."]);
    }

    [Fact]
    public async Task StatusOfRoles_IsNotRecorded_UntilAClientOwnsStatus()
    {
        var made = await Client.CreateAsync(Kinds.Deployment, Deployment("a"), s_client);
        var status = await Patch("""{"status":{"replicas":1}}""", WriteOptions.By("role", "status"));
        Assert.True(JsonNode.DeepEquals(Entries(made), Entries(status)));

        var owned = await Patch("""{"status":{"replicas":2}}""", s_client with { Subresource = "status" });
        Assert.Equal("status", (string?)Entries(owned)![1]!["subresource"]);
        var taken = await Patch("""{"status":{"replicas":3}}""", WriteOptions.By("role", "status"));
        Assert.Equal(["facts", "role"], Entries(taken)!.Select(e => (string?)e!["manager"]));
    }

    [Fact]
    public async Task StatusOfAClient_WithoutFieldValidation_IsRecorded()
    {
        await Client.CreateAsync(Kinds.Deployment, Deployment("a"), s_client);
        var owned = await Patch("""{"status":{"replicas":2}}""", s_client with { Subresource = "status", FieldValidation = FieldValidation.Ignore });
        Assert.Equal(2, Entries(owned)!.Count);
    }

    [Fact]
    public async Task RolesOnTrackedObjects_TakeWhatTheyChange()
    {
        await Client.CreateAsync(Kinds.Deployment, Deployment("a"), s_client);
        var changed = await Patch("""{"spec":{"replicas":5}}""", s_role);
        Assert.Equal("""{"f:spec":{"f:replicas":{}}}""", Entries(changed)!.Single(e => (string?)e!["manager"] == "role")!["fieldsV1"]!.ToJsonString());
        Assert.Null(Entries(changed)!.Single(e => (string?)e!["manager"] == "facts")!["fieldsV1"]!["f:spec"]!["f:replicas"]);
    }

    [Fact]
    public async Task CustomObjects_OwnTheirOutermostSteps()
    {
        var made = await Client.CreateAsync(Kinds.KService, Parse(
            """{"apiVersion":"serving.knative.dev/v1","kind":"Service","metadata":{"name":"a","namespace":"facts"},"spec":{"template":{"spec":{"containers":[{"image":"example.com/app:1"}]}}}}"""), s_client);
        Assert.NotNull(Entries(made)![0]!["fieldsV1"]!["f:spec"]!["."]);
    }

    private Task<KubeObject> Patch(string merge, WriteOptions options) => Client.PatchAsync(Kinds.Deployment, new ObjectKey("facts", "a"), Merge(merge), options);

    private static JsonArray? Entries(KubeObject obj) => obj.Node("metadata", "managedFields") as JsonArray;
}
