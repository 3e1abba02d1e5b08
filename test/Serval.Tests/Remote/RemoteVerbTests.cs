using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Serval.Cli;
using Serval.Kube.Remote;
using Serval.Remote;

namespace Serval.Tests.Remote;

public sealed class RemoteVerbTests : ServedVerbTests
{
    private const string Manifest = "apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: hello}\nspec: {template: {spec: {containers: [{image: a}]}}}\n";
    [Fact]
    public async Task Apply_NewThenSameThenChanged_CreatesKeepsAndPatches()
    {
        JsonNode? stored = null;
        Server.Answers["POST " + Services] = (context, body) => AnswerAsync(context, stored = Stamp(body!, "1"));
        Server.Answers[$"PATCH {Services}/hello"] = (context, body) => AnswerAsync(context, Stamp(stored!.DeepClone(), "2"));
        Server.Answers[$"GET {Services}/hello"] = (context, _) => AnswerAsync(context, stored);

        Assert.Equal("service.serving.knative.dev/hello created\n", (await Line.RunAsync(Manifest, CancellationToken.None, "apply", "-f", "-")).Out);
        Assert.Equal("service.serving.knative.dev/hello unchanged\n", (await Line.RunAsync(Manifest, CancellationToken.None, "apply", "-f", "-")).Out);
        var changed = await Line.RunAsync(Manifest.Replace("image: a", "image: b", StringComparison.Ordinal), CancellationToken.None, "apply", "-f", "-", "-n", "default", "--dry-run");
        Assert.Equal("service.serving.knative.dev/hello configured (dry run)\n", changed.Out);

        var post = Assert.Single(Server.Requests, r => r.Line.StartsWith("POST", StringComparison.Ordinal));
        Assert.Equal($"POST {Services}?fieldManager=serval&fieldValidation=Strict", post.Line);
        Assert.Equal("default", (string?)post.Body!["metadata"]!["namespace"]);
        Assert.NotNull(post.Body["metadata"]!["annotations"]![ThreeWayMerge.LastApplied]);
        var patch = Assert.Single(Server.Requests, r => r.Line.StartsWith("PATCH", StringComparison.Ordinal));
        Assert.Equal("application/merge-patch+json", patch.Type);
        Assert.EndsWith("&dryRun=All", patch.Line, StringComparison.Ordinal);
        Assert.Equal("""{"template":{"spec":{"containers":[{"image":"b"}]}}}""", patch.Body!["spec"]!.ToJsonString());
    }

    [Fact]
    public async Task Apply_Refused_GoesOnWithTheOthersAndTellsTheServersMessage()
    {
        Server.Json("POST /api/v1/namespaces/default/configmaps", """{"metadata":{"name":"second"}}""", 201, warning: "old field");
        Server.Json("POST " + Services, """{"kind":"Status","reason":"Invalid","message":"spec.template is invalid","code":422}""", 422);

        var result = await Line.RunAsync(Manifest + "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: second}\n", CancellationToken.None, "apply", "-f", "-");

        Assert.Equal(ExitCodes.Refused, result.Code);
        Assert.Equal("configmap/second created\n", result.Out);
        Assert.Contains("spec.template is invalid", result.Error, StringComparison.Ordinal);
        Assert.Contains("warning: old field", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Apply_OtherNamespaceOnTheCommandLine_IsRefused()
    {
        var result = await Line.RunAsync(Manifest.Replace("{name: hello}", "{name: hello, namespace: a}", StringComparison.Ordinal), CancellationToken.None, "apply", "-f", "-", "-n", "b");

        Assert.Equal(ExitCodes.Usage, result.Code);
    }

    [Fact]
    public async Task Apply_Wait_EndsWithReadyAndWithTimeoutNamesTheReason()
    {
        Server.Json("POST " + Services, Conditioned("False", 1), 201);
        Server.Text($"GET {Services}", Change(Conditioned("Unknown", 1)) + Change(Conditioned("True", 1)));
        Assert.Equal(ExitCodes.Ok, (await Line.RunAsync(Manifest, CancellationToken.None, "apply", "-f", "-", "--wait")).Code);

        Server.Answers[$"GET {Services}"] = async (context, _) =>
        {
            await context.Response.WriteAsync(Change(Conditioned("False", 1)));
            await context.Response.Body.FlushAsync();
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
        };
        var late = await Line.RunAsync(Manifest, CancellationToken.None, "apply", "-f", "-", "--wait", "--timeout", "1");

        Assert.Equal(ExitCodes.Timeout, late.Code);
        Assert.Contains("RevisionFailed: because", late.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Get_Tables_AreAlignedAsTheServerRendersThem()
    {
        Server.Answers["GET /api/v1/pods"] = (context, _) =>
        {
            Assert.Contains("as=Table", context.Request.Headers.Accept.ToString(), StringComparison.Ordinal);
            return AnswerAsync(context, JsonNode.Parse("""
                {"kind":"Table","columnDefinitions":[{"name":"Name","priority":0},{"name":"Ready"},{"name":"IP","priority":1}],
                 "rows":[{"cells":["a-long-name","1/1","10.0.0.1"],"object":{"metadata":{"name":"a-long-name","namespace":"one"}}},
                         {"cells":["b",2,null],"object":{"metadata":{"name":"b","namespace":"two"}}}]}
                """));
        };

        Assert.Equal("NAMESPACE   NAME          READY\none         a-long-name   1/1\ntwo         b             2\n", (await Line.RunAsync("get", "po", "-A")).Out);
        Assert.Contains("IP", (await Line.RunAsync("get", "pods", "-A", "-o", "wide")).Lines[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Get_Formats_GiveObjectsNamesAndNothing()
    {
        Server.Json("GET " + Services, """{"apiVersion":"serving.knative.dev/v1","kind":"ServiceList","items":[{"metadata":{"name":"hello"},"spec":{"size":"1"}}]}""");
        Server.Json("GET /api/v1/namespaces/default/pods", """{"kind":"Table","columnDefinitions":[{"name":"Name"}],"rows":[]}""");

        Assert.Equal("service.serving.knative.dev/hello\n", (await Line.RunAsync("get", "ksvc", "-o", "name")).Out);
        Assert.Equal("1", (string?)JsonNode.Parse((await Line.RunAsync("get", "ksvc", "-o", "json")).Out)!["items"]![0]!["spec"]!["size"]);
        Assert.Contains("size: \"1\"", (await Line.RunAsync("get", "ksvc", "-o", "yaml")).Out, StringComparison.Ordinal);
        var none = await Line.RunAsync("get", "pods");
        Assert.Equal((ExitCodes.Ok, "", "No resources found in namespace default.\n"), (none.Code, none.Out, none.Error));
    }

    [Fact]
    public async Task Get_UnknownKind_IsAskedOfTheServer()
    {
        Server.Json("GET /api", """{"versions":["v1"]}""");
        Server.Json("GET /api/v1", """{"resources":[]}""");
        Server.Json("GET /apis", """{"groups":[{"name":"example.com","versions":[{"version":"v1"}]}]}""");
        Server.Json("GET /apis/example.com/v1", """{"resources":[{"name":"widgets","kind":"Widget","namespaced":true,"shortNames":["wd"]},{"name":"widgets/status","kind":"Widget"}]}""");
        Server.Json("GET /apis/example.com/v1/namespaces/default/widgets/w1", """{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"w1"}}""");

        Assert.Equal("widget.example.com/w1\n", (await Line.RunAsync("get", "wd/w1", "-o", "name")).Out);
        Assert.Equal(ExitCodes.Usage, (await Line.RunAsync("get", "gadgets")).Code);
    }

    [Fact]
    public async Task GetAndDelete_Missing_AreExitCode3()
    {
        Assert.Equal(ExitCodes.NotFound, (await Line.RunAsync("get", "ksvc", "hello")).Code);
        Assert.Equal(ExitCodes.NotFound, (await Line.RunAsync("delete", "ksvc", "hello")).Code);
        Assert.Equal(ExitCodes.Ok, (await Line.RunAsync("delete", "ksvc", "hello", "--ignore-not-found")).Code);
    }

    [Fact]
    public async Task Delete_ByFile_GoesBackwards()
    {
        Server.Json($"DELETE {Services}/hello", "{}");
        Server.Json("DELETE /api/v1/namespaces/default/configmaps/second", "{}");

        var result = await Line.RunAsync(Manifest + "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: second}\n", CancellationToken.None, "delete", "-f", "-");

        Assert.Equal(["configmap \"second\" deleted", "service.serving.knative.dev \"hello\" deleted"], result.Lines);
    }

    [Fact]
    public async Task Logs_OfAService_AreThoseOfItsPods()
    {
        Server.Json($"GET {Services}/hello", "{}");
        Server.Json("GET /api/v1/namespaces/default/pods?labelSelector=serving.knative.dev%2Fservice%3Dhello", """{"items":[{"metadata":{"name":"p1"}},{"metadata":{"name":"p2"}}]}""");
        Server.Text("GET /api/v1/namespaces/default/pods/p1/log?container=c&tailLines=5", "one\ntwo\n");
        Server.Text("GET /api/v1/namespaces/default/pods/p2/log?container=c&tailLines=5", "three\n");

        Assert.Equal("[p1] one\n[p1] two\n[p2] three\n", (await Line.RunAsync("logs", "hello", "-c", "c", "--tail", "5")).Out);
    }

    [Fact]
    public async Task Logs_Followed_GoOnAfterAContainerStartedAgain()
    {
        using var stop = new CancellationTokenSource();
        var logs = new SemaphoreSlim(0);
        var served = 0;
        Server.Json($"GET {Services}/hello", "{}");
        Server.Answers["GET /api/v1/namespaces/default/pods"] = async (context, _) =>
        {
            await SayAsync(context, Pod(0, "running"));
            await logs.WaitAsync(CancellationToken.None);
            await SayAsync(context, Pod(0, "waiting"));
            await SayAsync(context, Pod(1, "running"));
            await SayAsync(context, Pod(1, "running")); // something else of it changed
            await logs.WaitAsync(CancellationToken.None);
            await SayAsync(context, Pod(2, "running"));
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted);
        };
        Server.Answers["GET /api/v1/namespaces/default/pods/p1/log"] = async (context, _) =>
        {
            var run = served++;
            if (run == 2)
            {
                await stop.CancelAsync(); // the logs of the runs before are through
                return;
            }
            await context.Response.WriteAsync($"run {run}\n");
            logs.Release();
        };

        var result = await Line.RunAsync("", stop.Token, "logs", "hello", "-f", "--tail", "1");

        Assert.Equal(["[p1] run 0", "[p1] run 1"], result.Lines);
        Assert.Equal(
            ["?follow=true&tailLines=1", "?follow=true", "?follow=true"],
            Server.Requests.Where(r => r.Line.Contains("/p1/log", StringComparison.Ordinal)).Select(r => r.Line[r.Line.IndexOf('?', StringComparison.Ordinal)..]));

        static string Pod(int restarts, string state) => Change(
            $$$"""{"metadata":{"name":"p1"},"status":{"containerStatuses":[{"restartCount":{{{restarts}}},"state":{"{{{state}}}":{} } }] } }""");

        static async Task SayAsync(HttpContext context, string line)
        {
            await context.Response.WriteAsync(line);
            await context.Response.Body.FlushAsync();
        }
    }

    [Fact]
    public async Task Logs_AtZeroAndOfNothing_SaySo()
    {
        Server.Json($"GET {Services}/hello", "{}");
        Server.Json("GET /api/v1/namespaces/default/pods", """{"items":[]}""");

        Assert.Contains("scaled to zero", (await Line.RunAsync("logs", "ksvc/hello")).Error, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.NotFound, (await Line.RunAsync("logs", "pod/none")).Code);
        Assert.Equal(ExitCodes.Usage, (await Line.RunAsync("logs", "configmap/none")).Code);
    }

    [Fact]
    public async Task Invoke_ThroughTheGateway_CarriesHostMethodHeadersAndBody()
    {
        await using var gateway = await FakeGateway.StartAsync();
        Server.Json($"GET {Services}/hello", """{"status":{"url":"http://hello.default.example.com:8880"}}""");

        var result = await Line.RunAsync("invoke", "hello", "/a?b=c", "-d", "{}", "-H", "Content-Type: application/json", "-H", "X-One: 1", "--gateway", gateway.Address);
        var failed = await Line.RunAsync("invoke", "hello", "/fail", "-o", "json", "--gateway", gateway.Address);

        Assert.Equal("POST hello.default.example.com:8880 /a?b=c application/json 1 {}", result.Out);
        Assert.Equal((ExitCodes.Failed, 503), (failed.Code, (int)JsonNode.Parse(failed.Out)!["status"]!));
        Assert.Contains("503", failed.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gateway", "http://hello.default.example.com")]
    [InlineData("gateway-private", "http://hello.default.svc.cluster.local")]
    public async Task Invoke_FindsTheGatewayAtTheServer(string door, string url)
    {
        await using var gateway = await FakeGateway.StartAsync();
        var at = IPEndPoint.Parse(gateway.Address);
        Server.Json($"GET {Services}/hello", $$$"""{"status":{"url":"{{{url}}}"}}""");
        Server.Json($"GET /api/v1/namespaces/knative-serving/endpoints/{door}", $$$"""
            {"subsets":[{"addresses":[{"ip":"{{{at.Address}}}"}],"ports":[{"name":"https","port":1},{"name":"http2","port":{{{at.Port}}}}]}]}
            """);

        Assert.StartsWith($"GET {new Uri(url).Host} /", (await Line.RunAsync("invoke", "hello")).Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Invoke_NotReadyOrMissing_SaysWhy()
    {
        Assert.Equal(ExitCodes.NotFound, (await Line.RunAsync("invoke", "hello")).Code);
        Server.Json($"GET {Services}/hello", """{"status":{"conditions":[{"type":"Ready","status":"False","message":"image is missing"}]}}""");
        Assert.Contains("image is missing", (await Line.RunAsync("invoke", "hello")).Error, StringComparison.Ordinal);
    }

    // Rights in his own namespace do: the URL may lead to the gateway by itself.
    [Fact]
    public async Task Invoke_OfWhoMaySeeNoGateway_GoesToTheUrl_OrSaysWhatIsMissing()
    {
        await using var gateway = await FakeGateway.StartAsync();
        Server.Json("GET /api/v1/namespaces/knative-serving/endpoints/gateway", """{"kind":"Status","reason":"Forbidden","message":"endpoints \"gateway\" is forbidden"}""", 403);
        Server.Json("GET /api/v1/namespaces/cert-manager/secrets/knative-selfsigned-ca", """{"kind":"Status","reason":"Forbidden","message":"secrets \"knative-selfsigned-ca\" is forbidden"}""", 403);

        Server.Json($"GET {Services}/hello", $$$"""{"status":{"url":"http://hello.default.localhost:{{{IPEndPoint.Parse(gateway.Address).Port}}}"}}""");
        Assert.Equal("Hello from a test", (await Line.RunAsync("invoke", "hello")).Out);

        using var closed = new TcpListener(IPAddress.Loopback, 0);
        closed.Start();
        var port = ((IPEndPoint)closed.LocalEndpoint).Port;
        closed.Stop();
        Server.Json($"GET {Services}/hello", $$$"""{"status":{"url":"https://hello.default.localhost:{{{port}}}"}}""");
        var lost = await Line.RunAsync("invoke", "hello");
        Assert.Equal(ExitCodes.NotReachable, lost.Code);
        Assert.EndsWith(
            "name it with --gateway HOST:PORT, or ask for the rights that were missing to find it: endpoints \"gateway\" is forbidden; secrets \"knative-selfsigned-ca\" is forbidden\n",
            lost.Error, StringComparison.Ordinal);
    }

    // The one that is made is of no use where its server is reached in another way than by its address.
    [Fact]
    public async Task Kubeconfig_OfAnAccount_LeadsToTheServerAsThisOneDoes()
    {
        Server.Json("POST /api/v1/namespaces/default/serviceaccounts/robot/token", """{"status":{"token":"t","expirationTimestamp":"2030-01-01T00:00:00Z"}}""", 201);
        var own = Path.Combine(Line.Data, "kubeconfig");
        using var proxy = new ConnectProxy();
        await File.WriteAllTextAsync(own, (await File.ReadAllTextAsync(own)).Replace("    server:", $"    tls-server-name: 127.0.0.1\n    proxy-url: {proxy.Address}\n    server:", StringComparison.Ordinal));
        var file = Path.Combine(Line.Data, "made");

        var made = await Line.RunAsync("kubeconfig", "create", "--service-account", "robot", "-o", file);

        Assert.True(made.Code == ExitCodes.Ok, made.Error);
        var (from, to) = (KubeConfig.Read(own, "", TimeProvider.System), KubeConfig.Read(file, "", TimeProvider.System));
        Assert.Equal((from.Server, "127.0.0.1", proxy.Address), (to.Server, to.ServerName, to.Proxy));
        Assert.Equal(from.ReadAuthorityPem(), to.ReadAuthorityPem());
        Assert.False(to.SkipVerification);
    }

    private static string Conditioned(string status, int generation) =>
        $$$"""{"metadata":{"name":"hello","namespace":"default","generation":1},"status":{"observedGeneration":{{{generation}}},"conditions":[{"type":"Ready","status":"{{{status}}}","reason":"RevisionFailed","message":"because"}]}}""";

    private static string Change(string json) => "{\"type\":\"MODIFIED\",\"object\":" + json + "}\n";

    private static JsonNode Stamp(JsonNode node, string version)
    {
        node["metadata"]!["resourceVersion"] = version;
        return node;
    }

    private static Task AnswerAsync(HttpContext context, JsonNode? node)
    {
        if (node is null)
        {
            context.Response.StatusCode = 404;
            return context.Response.WriteAsync("""{"reason":"NotFound","message":"not found"}""");
        }
        return context.Response.WriteAsync(node.ToJsonString());
    }
}
