using System.Text;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Kube;
using static Serval.StoreConformance.Objects;

namespace Serval.StoreConformance;

public abstract partial class KubeClientFacts
{
    [Fact]
    public async Task Apply_OfAnAbsentObject_CreatesIt()
    {
        var stored = await Apply("a", """{"data":{"x":"1"}}""");
        Assert.Equal("1", stored.Text("data", "x"));
        Assert.Equal(36, stored.Metadata.Uid.Length);
        Assert.Equal(["a Apply"], Managers(stored));
        Assert.True(stored.SameAs(await Client.GetAsync(Kinds.ConfigMap, Key("applied"))));
    }

    [Fact]
    public async Task Apply_OfTheSame_IsNoWrite()
    {
        var first = await Apply("a", """{"data":{"x":"1"}}""");
        Assert.True(first.SameAs(await Apply("a", """{"data":{"x":"1"}}""")));
        var other = await Apply("b", """{"data":{"x":"1"}}""");
        Assert.True(other.Version > first.Version, "a second manager is a change");
        Assert.Equal(["a Apply", "b Apply"], Managers(other));
    }

    [Fact]
    public async Task Apply_WithoutAKey_TakesOutOnlyItsOwn()
    {
        await Apply("a", """{"data":{"x":"1","y":"1"}}""");
        await Client.PatchAsync(Kinds.ConfigMap, Key("applied"), Merge("""{"data":{"z":"1"}}"""), By("u"));
        var stored = await Apply("a", """{"data":{"y":"1"}}""");
        Assert.Equal("""{"y":"1","z":"1"}""", stored.Node("data")!.ToJsonString());
        Assert.Equal(["a Apply", "u Update"], Managers(stored));
    }

    [Fact]
    public async Task Apply_OverAnothersField_ConflictsUnlessForced()
    {
        await Apply("a", """{"data":{"x":"1","y":"1"}}""");
        var refused = await Refused(409, () => Apply("b", """{"data":{"x":"2","y":"2"}}"""));
        Assert.True(refused.IsConflict);
        Assert.Equal(["FieldManagerConflict .data.x", "FieldManagerConflict .data.y"], refused.Causes.Select(c => $"{c.Reason} {c.Field}"));
        Assert.Equal("Apply failed with 2 conflicts: conflicts with \"a\":\n- .data.x\n- .data.y", refused.Message);
        var forced = await Apply("b", """{"data":{"x":"2","y":"2"}}""", By("b") with { Force = true });
        Assert.Equal(("2", "b Apply"), (forced.Text("data", "x"), Assert.Single(Managers(forced))));
    }

    [Fact]
    public async Task Apply_OfDefaultedFields_LeavesThemUnowned()
    {
        var stored = await ApplyDeployment("a", """{"replicas":2}""");
        Assert.Equal("RollingUpdate", stored.Text("spec", "strategy", "type"));
        Assert.Null(stored.Node("metadata", "managedFields")![0]!["fieldsV1"]!["f:spec"]!["f:strategy"]);
        Assert.NotNull(stored.Node("metadata", "managedFields")![0]!["fieldsV1"]!["f:spec"]!["f:replicas"]);
        var again = await ApplyDeployment("b", """{"strategy":{"rollingUpdate":{"maxSurge":2}}}""");
        Assert.Equal("2", again.Text("spec", "strategy", "rollingUpdate", "maxSurge"));
        Assert.Equal(2, again.Metadata.Generation);
    }

    [Fact]
    public async Task Apply_OfListItems_IsByTheirKeys()
    {
        await ApplyDeployment("a", "{}");
        var stored = await Client.PatchAsync(Kinds.Deployment, Key("applied"), Applied(
            """{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"applied"},"spec":{"template":{"spec":{"containers":[{"name":"main","env":[{"name":"E","value":"1"}]}]}}}}"""), By("b"));
        Assert.Equal("example.com/app:1", stored.Node("spec", "template", "spec", "containers")![0]!["image"]!.ToString());
        Assert.Equal("1", stored.Node("spec", "template", "spec", "containers")![0]!["env"]![0]!["value"]!.ToString());
        var refused = await Refused(409, () => ApplyDeployment("b", "{}", image: "example.com/app:2"));
        Assert.Equal(".spec.template.spec.containers[name=\"main\"].image", Assert.Single(refused.Causes).Field);
    }

    [Fact]
    public async Task Apply_OfStatus_IsAnEntryOfItsOwn()
    {
        await ApplyDeployment("a", "{}");
        var config = Applied("""{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"applied"},"spec":{"replicas":9},"status":{"collisionCount":3}}""");
        var stored = await Client.PatchAsync(Kinds.Deployment, Key("applied"), config, By("s") with { Subresource = "status" });
        Assert.Equal(("3", "1"), (stored.Text("status", "collisionCount"), stored.Text("spec", "replicas")));
        Assert.Equal(["a Apply", "s Apply/status"], Managers(stored));
        await Refused(404, () => Client.PatchAsync(Kinds.Deployment, Key("absent"), Applied(
            """{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"absent"},"status":{}}"""), By("s") with { Subresource = "status" }));
        var main = await Client.PatchAsync(Kinds.Deployment, Key("applied"), config, By("m"));
        Assert.Equal(("3", "9"), (main.Text("status", "collisionCount"), main.Text("spec", "replicas")));
    }

    [Fact]
    public async Task Apply_OfAScale_OwnsTheReplicas()
    {
        await ApplyDeployment("a", """{"replicas":2}""");
        var scale = Applied("""{"apiVersion":"autoscaling/v1","kind":"Scale","metadata":{"name":"applied"},"spec":{"replicas":5}}""");
        var by = By("s") with { Subresource = "scale" };
        Assert.Equal(".spec.replicas", Assert.Single((await Refused(409, () => Client.PatchAsync(Kinds.Deployment, Key("applied"), scale, by))).Causes).Field);
        var shown = await Client.PatchAsync(Kinds.Deployment, Key("applied"), scale, by with { Force = true });
        Assert.Equal(("Scale", "5"), (shown.Kind, shown.Text("spec", "replicas")));
        Assert.Equal(["a Apply", "s Apply/scale"], Managers(await Client.GetAsync(Kinds.Deployment, Key("applied"))));
        await Refused(409, () => ApplyDeployment("a", """{"replicas":2}"""));
        await Client.PatchAsync(Kinds.Deployment, Key("applied"), Merge("""{"spec":{"replicas":6}}"""), by);
        Assert.Equal(["a Apply", "s Update/scale"], Managers(await Client.GetAsync(Kinds.Deployment, Key("applied"))));
    }

    [Fact]
    public async Task Apply_OfWhatIsMeantForAnother_IsRefused()
    {
        var stored = await Apply("a", """{"data":{"x":"1"}}""");
        await Refused(422, () => Apply("a", """{"data":{"x":"2"}}""", metadata: """ "uid":"another" """));
        await Refused(409, () => Apply("a", """{"data":{"x":"2"}}""", metadata: """ "resourceVersion":"1" """));
        Assert.Equal("2", (await Apply("a", """{"data":{"x":"2"}}""", metadata: $""" "resourceVersion":"{stored.Version}","uid":"{stored.Metadata.Uid}" """)).Text("data", "x"));
        var gone = await Refused(409, () => Client.PatchAsync(Kinds.ConfigMap, Key("none"), Applied(
            """{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"none","uid":"u"}}"""), By("a")));
        Assert.EndsWith("uid mismatch: the provided object specified uid u, and no existing object was found", gone.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Apply_DryRun_StoresNothing()
    {
        var dry = By("a") with { DryRun = true };
        Assert.Equal("1", (await Apply("a", """{"data":{"x":"1"}}""", dry)).Text("data", "x"));
        await Refused(404, () => Client.GetAsync(Kinds.ConfigMap, Key("applied")));
        var stored = await Apply("a", """{"data":{"x":"1"}}""");
        Assert.Equal("2", (await Apply("a", """{"data":{"x":"2"}}""", dry)).Text("data", "x"));
        Assert.True(stored.SameAs(await Client.GetAsync(Kinds.ConfigMap, Key("applied"))));
    }

    [Fact]
    public async Task Apply_ByManyAtOnce_LosesNothing()
    {
        await Task.WhenAll(Enumerable.Range(0, 12).Select(i => Task.Run(() => Apply($"m{i}", $$$"""{"data":{"k{{{i}}}":"1"}}"""))));
        var stored = await Client.GetAsync(Kinds.ConfigMap, Key("applied"));
        Assert.Equal(12, stored.Node("data")!.AsObject().Count);
        Assert.Equal(12, Managers(stored).Count);
    }

    [Fact]
    public async Task Update_OfAnAppliedObject_TakesWhatItChanges()
    {
        await Apply("a", """{"data":{"x":"1","y":"1"}}""");
        var stored = await Client.PatchAsync(Kinds.ConfigMap, Key("applied"), Merge("""{"data":{"x":"2"}}"""), By("u"));
        Assert.Equal(["a Apply", "u Update"], Managers(stored));
        await Refused(409, () => Apply("a", """{"data":{"x":"1","y":"1"}}"""));
        Assert.Equal("2", (await Apply("a", """{"data":{"y":"1"}}""")).Text("data", "x"));
    }

    [Fact]
    public async Task Update_ThatSendsManagedFields_EditsThem()
    {
        await Apply("a", """{"data":{"x":"1"}}""");
        var renamed = await Client.PatchAsync(Kinds.ConfigMap, Key("applied"), Json("""[{"op":"replace","path":"/metadata/managedFields/0/manager","value":"b"}]"""), By("u"));
        Assert.Equal(["b Apply"], Managers(renamed));
        var reset = await Client.PatchAsync(Kinds.ConfigMap, Key("applied"), Merge("""{"metadata":{"managedFields":[{}]}}"""), By("u"));
        Assert.Null(reset.Node("metadata", "managedFields"));
    }

    private protected static KubePatch Applied(string json) => new(PatchType.Apply, Encoding.UTF8.GetBytes(json));

    private protected static WriteOptions By(string manager) => Write with { FieldManager = manager, Tracked = true };

    /// <summary>Each as <c>manager operation</c>, with the subresource; without a cluster's own.</summary>
    private protected static IReadOnlyList<string> Managers(KubeObject obj) => [.. (obj.Node("metadata", "managedFields") as JsonArray ?? [])
        .Where(e => (string?)e!["manager"] != "kube-controller-manager")
        .Select(e => $"{e!["manager"]} {e["operation"]}{(e["subresource"] is { } door ? $"/{door}" : "")}").Order(StringComparer.Ordinal)];

    private Task<KubeObject> Apply(string manager, string config, WriteOptions? options = null, string metadata = "")
    {
        var tree = JsonNode.Parse(config)!.AsObject();
        tree["apiVersion"] = "v1";
        tree["kind"] = "ConfigMap";
        tree["metadata"] = JsonNode.Parse($$"""{"name":"applied"{{(metadata.Length > 0 ? "," + metadata : "")}} }""");
        return Client.PatchAsync(Kinds.ConfigMap, Key("applied"), Applied(tree.ToJsonString()), options ?? By(manager));
    }

    private Task<KubeObject> ApplyDeployment(string manager, string spec, string image = "example.com/app:1")
    {
        var tree = Deployment("applied").ToTree();
        tree["spec"]!.AsObject().Remove("replicas");
        tree["spec"]!["template"]!["spec"]!["containers"]![0]!["image"] = image;
        foreach (var (key, value) in JsonNode.Parse(spec)!.AsObject())
        {
            tree["spec"]![key] = value?.DeepClone();
        }
        return Client.PatchAsync(Kinds.Deployment, Key("applied"), Applied(tree.ToJsonString()), By(manager));
    }
}
