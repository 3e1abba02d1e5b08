using System.Text.Json;

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

    /// <summary>A pod reaches the gateway at the machine's address among the pods (status.hostIP), and there every host, also cluster-local ones.</summary>
    [Fact]
    public async Task Gateway_IsReachedFromAPod_AlsoForClusterLocalHosts()
    {
        await fixture.Kubectl.ApplyAsync(Manifests.Service("callee"));
        await fixture.ReadyAsync("callee");
        var script = $"./busybox wget -q -O - --header 'Host: callee.default.svc.cluster.local' http://$HOST_IP:{fixture.Serval.GatewayPort}/ && echo called; sleep 60";
        await fixture.Kubectl.ApplyAsync($$"""
            apiVersion: v1
            kind: Pod
            metadata:
              name: caller
            spec:
              terminationGracePeriodSeconds: 0
              containers:
              - name: caller
                image: dev.local/bb:1
                args: [sh, -c, {{JsonSerializer.Serialize(script)}}]
                env:
                - name: HOST_IP
                  valueFrom: { fieldRef: { fieldPath: status.hostIP } }
            """);

        await fixture.Kubectl.OkAsync("wait", "--for=condition=Ready", "pod/caller", "--timeout=30s");
        await fixture.Kubectl.FollowUntilAsync("called", () => Task.CompletedTask, "logs", "-f", "caller");
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

    internal static async Task<bool> HasNetworksAsync(ServalProcess serval)
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
