using System.Text.Json.Nodes;
using Serval.ApiServer.Http;

namespace Serval.ApiServer.Tests.Http;

/// <summary>Evictions, with and without a budget.</summary>
public sealed class EvictionTests : AccessServerTests
{
    private const string Pods = "/api/v1/namespaces/one/pods";
    private const string Budgets = "/apis/policy/v1/namespaces/one/poddisruptionbudgets";
    private const string Violation = "Cannot evict pod as it would violate the pod's disruption budget.";

    [Fact]
    public async Task WithoutABudget_ThePodGoes()
    {
        await PodAsync("p");
        var (code, body) = await EvictAsync("p");
        Assert.Equal("""201 {"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success","code":201}""", $"{code} {body!.ToJsonString()}");
        Assert.Equal(404, (await SendAsync(Server.Client, "GET", $"{Pods}/p")).Code);
        Assert.Equal(404, (await EvictAsync("p")).Code);
    }

    [Fact]
    public async Task AsProtobuf_ThePodGoes()
    {
        await PodAsync("p");
        using var content = new ByteArrayContent(ProtobufTests.Wrap("policy/v1", "Eviction", ProtobufTests.Message(1, ProtobufTests.Text(1, "p"))));
        content.Headers.TryAddWithoutValidation("Content-Type", ProtobufDecoder.MediaType);
        using var response = await Server.Client.PostAsync($"{Pods}/p/eviction", content);
        Assert.Equal(201, (int)response.StatusCode);
        Assert.Equal(404, (await SendAsync(Server.Client, "GET", $"{Pods}/p")).Code);
    }

    [Fact]
    public async Task Budget_IsUsedUp()
    {
        await PodAsync("p");
        await PodAsync("q");
        await BudgetAsync("b", allowed: 1);
        Assert.Equal(201, (await EvictAsync("p", """{"dryRun":["All"]}""")).Code);
        Assert.Equal(201, (await EvictAsync("p")).Code);
        var status = (await Server.GetAsync($"{Budgets}/b"))["status"]!;
        Assert.Equal((0, "p", "InsufficientPods"),
            ((int)status["disruptionsAllowed"]!, Assert.Single(status["disruptedPods"]!.AsObject()).Key, (string?)status["conditions"]![0]!["reason"]));
        var (code, refusal) = await EvictAsync("q");
        Assert.Equal((429, Violation, "TooManyRequests"), (code, (string?)refusal!["message"], (string?)refusal["reason"]));
        Assert.Equal("""{"causes":[{"reason":"DisruptionBudget","message":"The disruption budget b needs 1 healthy pods and has 2 currently"}]}""",
            refusal["details"]!.ToJsonString());
        Assert.Equal(200, (await SendAsync(Server.Client, "GET", $"{Pods}/q")).Code);
    }

    [Fact]
    public async Task BudgetOfAnotherGeneration_IsWaitedFor()
    {
        await PodAsync("p");
        await AdminAsync(Budgets, """{"metadata":{"name":"b"},"spec":{"minAvailable":1,"selector":{"matchLabels":{"a":"b"}}}}""");
        var (response, refusal) = await Server.SendAsync(HttpMethod.Post, $"{Pods}/p/eviction", Eviction("p"));
        Assert.Equal((429, "10"), ((int)response.StatusCode, response.Headers.RetryAfter?.ToString()));
        Assert.Equal("The disruption budget b is still being processed by the server.", (string?)refusal["details"]!["causes"]![0]!["message"]);
    }

    [Theory]
    [InlineData("Pending", "False", "", 201)]
    [InlineData("Succeeded", "False", "", 201)]
    [InlineData("Running", "False", "", 201)] // as many healthy ones as wanted without it
    [InlineData("Running", "True", "", 429)]
    public async Task PodThatServesNobody_GoesWithoutABudget(string phase, string ready, string spec, int code)
    {
        await PodAsync("p", phase, ready);
        await BudgetAsync("b", allowed: 0, spec);
        Assert.Equal(code, (await EvictAsync("p")).Code);
    }

    [Theory]
    [InlineData("IfHealthyBudget", 429)]
    [InlineData("AlwaysAllow", 201)]
    public async Task UnreadyPod_OfAnUnhealthyBudget_GoesWhenThePolicyAllows(string policy, int code)
    {
        await PodAsync("p", "Running", "False");
        await BudgetAsync("b", allowed: 0, $$""","unhealthyPodEvictionPolicy":"{{policy}}" """, healthy: 0);
        Assert.Equal(code, (await EvictAsync("p")).Code);
    }

    [Fact]
    public async Task BadRequests_SayWhy()
    {
        await PodAsync("p");
        Assert.Equal(405, (await SendAsync(Server.Client, "GET", $"{Pods}/p/eviction")).Code);
        Assert.Equal(400, (await SendAsync(Server.Client, "POST", $"{Pods}/p/eviction", Eviction("q"))).Code);
        Assert.Equal(400, (await SendAsync(Server.Client, "POST", $"{Pods}/p/eviction", """{"apiVersion":"policy/v1","kind":"Pod"}""")).Code);
        Assert.Equal(400, (await EvictAsync("p", "[]")).Code);
        Assert.Equal(409, (await EvictAsync("p", """{"preconditions":{"uid":"other"}}""")).Code);
        Assert.Equal(409, (await EvictAsync("p", """{"preconditions":{"resourceVersion":"1"}}""")).Code);
        await BudgetAsync("b", allowed: 1);
        await BudgetAsync("c", allowed: 1);
        var (code, refusal) = await EvictAsync("p");
        Assert.Equal((500, "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."), (code, (string?)refusal!["message"]));
    }

    [Fact]
    public async Task Eviction_TakesTheRight()
    {
        await PodAsync("p");
        await BindAsync("one", "view", "User", "ann");
        using var ann = Server.ConnectAs("ann");
        Assert.Equal(403, (await SendAsync(ann, "POST", $"{Pods}/p/eviction", Eviction("p"))).Code);
        await BindAsync("one", "edit", "User", "ann");
        Assert.Equal(201, (await SendAsync(ann, "POST", $"{Pods}/p/eviction", Eviction("p"))).Code);
    }

    private Task<(int Code, JsonNode? Body)> EvictAsync(string pod, string options = "{}") =>
        SendAsync(Server.Client, "POST", $"{Pods}/{pod}/eviction", Eviction(pod, options));

    private static string Eviction(string pod, string options = "{}") =>
        $$$"""{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"{{{pod}}}","namespace":"one"},"deleteOptions":{{{options}}}}""";

    private async Task PodAsync(string name, string phase = "Running", string ready = "True")
    {
        await AdminAsync(Pods, $$$"""{"metadata":{"name":"{{{name}}}","labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}""");
        await StatusAsync($"{Pods}/{name}", $$$"""{"status":{"phase":"{{{phase}}}","conditions":[{"type":"Ready","status":"{{{ready}}}"}]}}""");
    }

    private async Task BudgetAsync(string name, int allowed, string spec = "", int healthy = 2)
    {
        await AdminAsync(Budgets, $$$$"""{"metadata":{"name":"{{{{name}}}}"},"spec":{"minAvailable":1,"selector":{"matchLabels":{"a":"b"}}{{{{spec}}}}}}""");
        await StatusAsync($"{Budgets}/{name}", $$$"""
            {"status":{"observedGeneration":1,"disruptionsAllowed":{{{allowed}}},"currentHealthy":{{{healthy}}},"desiredHealthy":1,"expectedPods":2}}
            """);
    }

    private async Task StatusAsync(string path, string patch) =>
        Assert.Equal(200, (await SendAsync(Server.Client, "PATCH", $"{path}/status", patch, "application/merge-patch+json")).Code);
}
