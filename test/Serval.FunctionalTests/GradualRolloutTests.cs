using System.Text.Json.Nodes;

namespace Serval.FunctionalTests;

/// <summary>A new revision takes over step by step, as <c>serving.knative.dev/rollout-duration</c> says.</summary>
public sealed class GradualRolloutTests(ServalFixture fixture) : IClassFixture<ServalFixture>
{
    [Fact]
    public async Task NewRevision_GetsMoreStepByStep_AndAllRequestsAreAnswered()
    {
        await fixture.ServiceAsync("slow");
        await fixture.Kubectl.OkAsync("annotate", "ksvc", "slow", "serving.knative.dev/rollout-duration=5s");
        await fixture.Kubectl.ApplyAsync(Manifests.Service("slow", env: """[{"name": "A", "value": "2"}]"""));

        const string slow = "/apis/serving.knative.dev/v1/namespaces/default/services?fieldSelector=metadata.name=slow";
        var seen = new List<long>();
        await fixture.UntilAsync(slow, service => IsRollingOut(service) && See(service));
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal(200, (await fixture.Serval.InvokeAsync("slow")).Code);
        }
        await fixture.UntilAsync(slow, service => (!IsRollingOut(service) || See(service)) && KubeHttp.IsReady(service));
        Assert.Equal(seen.Order(), seen);
        Assert.Equal(
            "slow-00002 100 slow-00002",
            await fixture.Kubectl.OkAsync("get", "ksvc", "slow", "-o", "jsonpath={.status.traffic[*].revisionName} {.status.traffic[*].percent} {.status.latestCreatedRevisionName}"));
        await fixture.AnswersAsync("slow", 200);

        bool See(JsonObject service)
        {
            var traffic = service["status"]!["traffic"]!.AsArray();
            Assert.Equal(["slow-00001", "slow-00002"], traffic.Select(t => (string?)t!["revisionName"]));
            Assert.Equal(100, traffic.Sum(t => (long)t!["percent"]!));
            seen.Add((long)traffic[1]!["percent"]!);
            return true;
        }
    }

    private static bool IsRollingOut(JsonObject service) => KubeHttp.ConditionOf(service, "RoutesReady", "reason") == "RolloutInProgress";
}
