
namespace Serval.FunctionalTests;

/// <summary>Down to zero when nobody asks, up again when somebody does.</summary>
public sealed class ScaleToZeroTests(ServalFixture fixture) : IClassFixture<ServalFixture>
{
    [Fact]
    public async Task Service_Idle_GoesToZeroAndWakesForEveryRequest()
    {
        await fixture.Kubectl.OkAsync(
            "patch", "configmap", "config-autoscaler", "-n", "knative-serving", "--type=merge", "-p", """{"data":{"scale-to-zero-grace-period":"6s"}}""");
        await fixture.ServiceAsync("sleepy", """{"autoscaling.knative.dev/window": "6s"}""");
        Assert.Equal(200, (await fixture.Serval.InvokeAsync("sleepy")).Code);

        await ZeroAsync();
        Assert.Equal(200, (await fixture.Serval.InvokeAsync("sleepy")).Code);

        await ZeroAsync();
        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => fixture.Serval.InvokeAsync("sleepy")));
        Assert.All(answers, a => Assert.Equal(200, a.Code));
    }

    private async Task ZeroAsync()
    {
        await fixture.Kubectl.OkAsync("wait", "--for=delete", "pods", "-l", "serving.knative.dev/service=sleepy", "--timeout=60s");
        Assert.Empty(await fixture.Kubectl.OkAsync("get", "pods", "-l", "serving.knative.dev/service=sleepy", "-o", "name"));
        Assert.Equal("True", KubeHttp.ConditionOf(
            await fixture.Serval.Api.GetAsync("/apis/serving.knative.dev/v1/namespaces/default/services/sleepy"), "Ready"));
    }
}
