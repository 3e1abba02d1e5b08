using System.Text.Json.Nodes;

namespace Serval.ApiServer.Tests.Http;

/// <summary><c>pods/NAME/ephemeralcontainers</c> and <c>pods/NAME/resize</c>.</summary>
public sealed class PodDoorTests : AccessServerTests
{
    private const string Pods = "/api/v1/namespaces/one/pods";
    private const string Strategic = "application/strategic-merge-patch+json";

    [Fact]
    public async Task EphemeralContainer_IsAddedAndDefaulted()
    {
        await PodAsync();
        var (code, pod) = await AddAsync("""{"name":"d","image":"busybox","stdin":true,"targetContainerName":"a"}""", "\"labels\":{\"x\":\"y\"}");
        Assert.Equal(200, code);
        var expected = JsonNode.Parse("""
            {"name":"d","image":"busybox","resources":{},"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File","imagePullPolicy":"Always",
            "stdin":true,"targetContainerName":"a"}
            """);
        var added = pod!["spec"]!["ephemeralContainers"]![0]!;
        Assert.True(JsonNode.DeepEquals(expected, added), added.ToJsonString());
        Assert.Null(pod["metadata"]!["labels"]); // that is not what this door is for
        Assert.Equal(2, (int)pod["metadata"]!["generation"]!);
        Assert.Equal(200, (await SendAsync(Server.Client, "GET", $"{Pods}/p/ephemeralcontainers")).Code);
        Assert.Equal(200, (await AddAsync("""{"name":"e","image":"busybox"}""")).Code);
        Assert.Equal(2, (await Server.GetAsync($"{Pods}/p"))["spec"]!["ephemeralContainers"]!.AsArray().Count);
    }

    [Theory]
    [InlineData("""{"name":"a","image":"x"}""", "spec.ephemeralContainers[0].name: Duplicate value: \"a\"")]
    [InlineData("""{"name":"d","image":"x","targetContainerName":"z"}""", "spec.ephemeralContainers[0].targetContainerName: Not found: \"z\"")]
    [InlineData("""{"name":"d","image":"x","ports":[{"containerPort":80}]}""", "spec.ephemeralContainers[0].ports: Forbidden: cannot be set for an Ephemeral Container")]
    [InlineData("""{"name":"d","image":"x","resources":{"limits":{"cpu":"1"}}}""", "spec.ephemeralContainers[0].resources: Forbidden: cannot be set for an Ephemeral Container")]
    [InlineData("""{"name":"d"}""", "spec.ephemeralContainers[0].image: Required value")]
    public async Task EphemeralContainer_ThatMayNotBe_IsRefused(string container, string why)
    {
        await PodAsync();
        var (code, status) = await AddAsync(container);
        Assert.Equal((422, $"Pod \"p\" is invalid: {why}"), (code, (string?)status!["message"]));
    }

    [Fact]
    public async Task EphemeralContainer_StaysAsItIs()
    {
        await PodAsync();
        await AddAsync("""{"name":"d","image":"x"}""");
        var (code, status) = await AddAsync("""{"name":"d","image":"y"}""");
        Assert.Equal(422, code);
        Assert.StartsWith("Pod \"p\" is invalid: spec.ephemeralContainers: Forbidden: existing ephemeral containers \"d\" may not be changed\n", (string?)status!["message"], StringComparison.Ordinal);
        (code, status) = await SendAsync(Server.Client, "PATCH", $"{Pods}/p/ephemeralcontainers", """{"spec":{"ephemeralContainers":null}}""", "application/merge-patch+json");
        Assert.Equal((422, "Pod \"p\" is invalid: spec.ephemeralContainers: Forbidden: existing ephemeral containers \"d\" may not be removed\n"), (code, (string?)status!["message"]));
    }

    [Fact]
    public async Task EphemeralContainer_ComesThroughNoOtherDoor()
    {
        await PodAsync();
        const string more = """{"spec":{"ephemeralContainers":[{"name":"d","image":"x"}]}}""";
        Assert.Equal(422, (await SendAsync(Server.Client, "PATCH", $"{Pods}/p", more, Strategic)).Code);
        var (code, status) = await SendAsync(Server.Client, "POST", Pods,
            """{"metadata":{"name":"q"},"spec":{"containers":[{"name":"a","image":"a"}],"ephemeralContainers":[{"name":"d","image":"x"}]}}""");
        Assert.Equal((422, "Pod \"q\" is invalid: spec.ephemeralContainers: Forbidden: cannot be set on create"), (code, (string?)status!["message"]));
    }

    [Theory]
    [InlineData("""{"resources":{"requests":{"cpu":"2"}}}""", 200, "")]
    [InlineData("""{"image":"other","resources":{"requests":{"cpu":"2"}}}""", 200, "")] // what is no amount is not looked at
    [InlineData("""{"resources":{"requests":{"cpu":null}}}""", 422, "*resource requests cannot be removed")]
    [InlineData("""{"resources":{"limits":{"cpu":"1","memory":"1Gi"},"requests":{"memory":"1Gi"}}}""", 422, "spec: Invalid value: \"Burstable\": Pod QOS Class may not change as a result of resizing")]
    public async Task Resize(string container, int code, string why)
    {
        await PodAsync();
        var patch = JsonNode.Parse(container)!.AsObject();
        patch["name"] = "a";
        var (got, pod) = await SendAsync(Server.Client, "PATCH", $"{Pods}/p/resize", $$$"""{"spec":{"containers":[{{{patch.ToJsonString()}}}]}}""", Strategic);
        Assert.True(code == got, pod!.ToJsonString());
        if (code == 200)
        {
            Assert.Equal(("2", "a", 2), ((string?)pod["spec"]!["containers"]![0]!["resources"]!["requests"]!["cpu"], (string?)pod["spec"]!["containers"]![0]!["image"], (int)pod["metadata"]!["generation"]!));
            return;
        }
        Assert.Contains(why.TrimStart('*'), (string?)pod["message"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Resize_OfAPodThatRuns_IsRefused()
    {
        await PodAsync();
        await SendAsync(Server.Client, "PATCH", $"{Pods}/p/status",
            """{"status":{"containerStatuses":[{"name":"a","image":"a","imageID":"","ready":true,"restartCount":0,"state":{"running":{}}}]}}""", Strategic);
        var (code, status) = await SendAsync(Server.Client, "PATCH", $"{Pods}/p/resize", """{"spec":{"containers":[{"name":"a","resources":{"requests":{"cpu":"2"}}}]}}""", Strategic);
        Assert.Equal((422, "Pod \"p\" is invalid: spec: Forbidden: Pod running on node without support for resize"), (code, (string?)status!["message"]));
    }

    private Task<JsonObject> PodAsync() =>
        AdminAsync(Pods, """{"metadata":{"name":"p"},"spec":{"containers":[{"name":"a","image":"a","resources":{"requests":{"cpu":"1"}}}]}}""");

    private Task<(int Code, JsonNode? Body)> AddAsync(string container, string metadata = "") => SendAsync(
        Server.Client, "PATCH", $"{Pods}/p/ephemeralcontainers", "{\"metadata\":{" + metadata + "},\"spec\":{\"ephemeralContainers\":[" + container + "]}}", Strategic);
}
