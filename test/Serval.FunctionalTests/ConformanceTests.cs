
namespace Serval.FunctionalTests;

/// <summary>What the tests of knative/serving rely on (test/conformance, test/e2e), each where the reader of a failure would look first.</summary>
public sealed class ConformanceTests(ServalFixture fixture) : IClassFixture<ServalFixture>
{
    /// <summary>They look up a Service, take its first address and the node port of port 80 (knative.dev/pkg: test/ingress).</summary>
    [Fact]
    public async Task Gateway_IsReachedAsItsServiceSays()
    {
        await fixture.ServiceAsync("door");
        var gateway = await fixture.Serval.Api.GetAsync("/api/v1/namespaces/knative-serving/services/gateway");
        Assert.Equal("127.0.0.1", (string?)gateway["status"]?["loadBalancer"]?["ingress"]?[0]?["ip"]);
        var port = (int)gateway["spec"]!["ports"]!.AsArray().Single(p => (int)p!["port"]! == 80)!["nodePort"]!;
        var (code, text) = await RawHttp.GetAsync(port, "door.default.localhost", "/", CancellationToken.None);
        Assert.Equal(200, code);
        Assert.Contains("hello from busybox", text, StringComparison.Ordinal);
    }
}
