using System.Diagnostics;
using System.Text.Json.Nodes;

namespace Serval.FunctionalTests;

/// <summary>A program that ends is started again in its pod, and its pod takes requests again.</summary>
public sealed class RestartTests(ServalFixture fixture) : IClassFixture<ServalFixture>
{
    private const string Pods = "/api/v1/namespaces/default/pods?labelSelector=serving.knative.dev/service=phoenix";

    [Fact]
    public async Task Program_Crashed_AnswersAgainFromTheSamePod()
    {
        await fixture.ServiceAsync("phoenix", """{"autoscaling.knative.dev/min-scale": "1"}""");
        Assert.Equal(200, (await fixture.Serval.InvokeAsync("phoenix")).Code);
        var before = (await fixture.Serval.Api.GetAsync(Pods))["items"]![0]!;

        using (var program = Process.GetProcessById(Pid(before)))
        {
            program.Kill();
        }

        await fixture.UntilAsync(Pods, p => Container(p) is var c && c["restartCount"]!.GetValue<int>() == 1 && c["ready"]!.GetValue<bool>());
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        Assert.Equal(200, (await fixture.Serval.InvokeAsync("phoenix", ct: patience.Token)).Code);
        var after = (await fixture.Serval.Api.GetAsync(Pods))["items"]!.AsArray();
        Assert.Equal(before["metadata"]!["uid"]!.GetValue<string>(), Assert.Single(after)!["metadata"]!["uid"]!.GetValue<string>());
    }

    private static JsonNode Container(JsonNode pod) => pod["status"]!["containerStatuses"]![0]!;

    // "process://<pid>-<start time>"
    private static int Pid(JsonNode pod) => int.Parse(Container(pod)["containerID"]!.GetValue<string>().Split('/', '-')[2]);
}
