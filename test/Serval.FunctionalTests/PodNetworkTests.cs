namespace Serval.FunctionalTests;

/// <summary>A pod has a network of its own where Serval may make one; elsewhere the Node says why not, and every other test sees mapped ports.</summary>
public sealed class PodNetworkTests(ServalFixture fixture) : IClassFixture<ServalFixture>
{
    [Fact]
    public async Task FixedPort_TwoReplicas_BothServeOnIt()
    {
        if (!await HasNetworksAsync(fixture.Serval))
        {
            return;
        }
        await fixture.Kubectl.ApplyAsync(Manifests.Service(
            "fixed", """["httpd", "-f", "-p", "8080", "-h", "www"]""", annotations: """{"autoscaling.knative.dev/min-scale": "2"}"""));
        await fixture.ReadyAsync("fixed");
        await fixture.AnswersAsync("fixed", 200);

        var slices = await fixture.Serval.Api.GetAsync(
            "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?labelSelector=kubernetes.io/service-name=fixed-00001-private");

        var slice = Assert.Single(slices["items"]!.AsArray())!; // one set of ports: both listen on 8080
        Assert.Contains(slice["ports"]!.AsArray(), p => p!["port"]!.GetValue<int>() == 8080);
        Assert.Equal(2, slice["endpoints"]!.AsArray().Select(e => (string)e!["addresses"]![0]!).Distinct().Count());
    }

    [Fact]
    public async Task LoopbackAlone_OnAFixedPort_IsServed()
    {
        if (!await HasNetworksAsync(fixture.Serval))
        {
            return;
        }
        await fixture.Kubectl.ApplyAsync(Manifests.Service("loopback", """["httpd", "-f", "-p", "127.0.0.1:8080", "-h", "www"]"""));

        await fixture.ReadyAsync("loopback");

        await fixture.AnswersAsync("loopback", 200);
    }

    [Fact]
    public async Task Interfaces_AreGoneAfterTheEnd_AlsoThoseOfARunThatWasKilled()
    {
        var data = Directory.CreateTempSubdirectory("serval-").FullName;
        var killed = await ServalProcess.UpAsync(data);
        var expected = await HasNetworksAsync(killed) ? 1 : 0;
        Assert.Equal(expected, Bridges(data));
        await killed.KillAsync();
        killed.Api.Dispose();
        await using (var next = await ServalProcess.UpAsync(data))
        {
            Assert.Equal(expected, Bridges(data));
            Assert.Equal(0, await next.StopAsync());
        }
        Assert.Equal(0, Bridges(data));
        Directory.Delete(data, recursive: true);
    }

    private static async Task<bool> HasNetworksAsync(ServalProcess serval)
    {
        var node = Assert.Single((await serval.Api.GetAsync("/api/v1/nodes"))["items"]!.AsArray())!;
        var condition = node["status"]!["conditions"]!.AsArray().Single(c => (string)c!["type"]! == "PodNetwork")!;
        Assert.NotEmpty((string)condition["message"]!);
        return (string)condition["status"]! == "True";
    }

    // Other Servals of this machine have theirs.
    private static int Bridges(string data) =>
        Directory.GetDirectories("/sys/class/net").Count(d => Alias(d).EndsWith(Path.Combine(data, "node"), StringComparison.Ordinal));

    private static string Alias(string link)
    {
        try
        {
            return File.ReadAllText(Path.Combine(link, "ifalias")).Trim();
        }
        catch (IOException)
        {
            return ""; // it went away
        }
    }
}
