using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;

namespace Serval.FunctionalTests;

/// <summary>A Service is reached at its ClusterIP and its own port; where pods have no networks of their own, the Node says that it is not.</summary>
public sealed class ClusterIpTests(ServalFixture fixture) : IClassFixture<ServalFixture>
{
    private const string Services = "/api/v1/namespaces/default/services";

    [Fact]
    public async Task Service_IsReachedAtItsAddress_AlsoAfterACrash()
    {
        var routed = await IsRoutedAsync();
        Assert.Equal(await PodNetworkTests.HasNetworksAsync(fixture.Serval), routed);
        await fixture.Kubectl.ApplyAsync("""
            apiVersion: v1
            kind: Service
            metadata: { name: web }
            spec:
              selector: { app: web }
              sessionAffinity: ClientIP
              ports: [{ name: http, port: 81, targetPort: 8080 }, { name: other, port: 82, targetPort: 9 }]
            ---
            apiVersion: v1
            kind: Pod
            metadata: { name: web, labels: { app: web } }
            spec:
              terminationGracePeriodSeconds: 0
              containers:
              - name: main
                image: dev.local/bb:1
                args: [httpd, -f, -p, "8080", -h, www]
                ports: [{ containerPort: 8080 }]
            """);
        var address = await AddressAsync("web");
        Assert.Equal((await fixture.Serval.Api.GetAsync("/apis/networking.k8s.io/v1/servicecidrs/kubernetes"))["spec"]!["cidrs"]!.AsArray().Select(c => IPNetwork.Parse((string)c!).Contains(address)), [true]);
        if (!routed)
        {
            return;
        }

        await AnswersAsync(address);
        Assert.Contains("WEB_SERVICE_PORT_OTHER=82\n", $"{await fixture.Kubectl.OkAsync("exec", "web", "--", "./busybox", "env")}\n", StringComparison.Ordinal);
        Assert.True(await IsResetAsync(address, 80), "there is no such port");
        Assert.True(await IsResetAsync(address, 82), "nobody listens behind it");
        var api = await AddressAsync("kubernetes");
        var port = (int)(await fixture.Serval.Api.GetAsync($"{Services}/kubernetes"))["spec"]!["ports"]![0]!["port"]!;
        Assert.Equal("ok", await fixture.Kubectl.OkAsync("--server", $"https://{api}:{port}", "get", "--raw", "/readyz"));

        await fixture.CrashAndRestartAsync();

        Assert.Equal((address, api), (await AddressAsync("web"), await AddressAsync("kubernetes")));
        await AnswersAsync(address);
    }

    /// <summary>The whole answer to a request after which this side says no more.</summary>
    private static async Task<string> AskAsync(IPAddress address, int port)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        using var client = new TcpClient();
        await client.ConnectAsync(address, port, patience.Token);
        var stream = client.GetStream();
        await stream.WriteAsync("GET / HTTP/1.0\r\n\r\n"u8.ToArray(), patience.Token);
        client.Client.Shutdown(SocketShutdown.Send);
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return await reader.ReadToEndAsync(patience.Token);
    }

    // What is ready is known to the node a moment after it is stored, and after a crash only when the pod has been found anew.
    private async Task AnswersAsync(IPAddress address)
    {
        await EndpointsAsync();
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < TimeSpan.FromSeconds(60))
        {
            if (!await IsResetAsync(address, 81))
            {
                Assert.EndsWith("hello from busybox\n", await AskAsync(address, 81), StringComparison.Ordinal);
                return;
            }
        }
        Assert.Fail($"{address}:81 resets connections");
    }

    private static async Task<bool> IsResetAsync(IPAddress address, int port)
    {
        try
        {
            await AskAsync(address, port);
            return false;
        }
        catch (Exception e) when (e is SocketException or IOException { InnerException: SocketException })
        {
            return true;
        }
    }

    private async Task<IPAddress> AddressAsync(string service) => IPAddress.Parse((string)(await fixture.Serval.Api.GetAsync($"{Services}/{service}"))["spec"]!["clusterIP"]!);

    private Task EndpointsAsync() => fixture.UntilAsync(
        "/api/v1/namespaces/default/endpoints?fieldSelector=metadata.name=web", e => e["subsets"] is JsonArray { Count: 1 } subsets && subsets[0]!["addresses"] is JsonArray { Count: 1 });

    private async Task<bool> IsRoutedAsync()
    {
        var node = Assert.Single((await fixture.Serval.Api.GetAsync("/api/v1/nodes"))["items"]!.AsArray())!;
        return (string)node["status"]!["conditions"]!.AsArray().Single(c => (string)c!["type"]! == "ServiceNetwork")!["status"]! == "True";
    }
}
