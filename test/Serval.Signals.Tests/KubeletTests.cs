using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Serval.Api;
using Serval.Kube;
using Serval.Kube.Certificates;
using Serval.Kube.Tests.Spdy;

namespace Serval.Signals.Tests;

/// <summary>A node as a kube-apiserver sees it: the test plays the API server's part.</summary>
public sealed class KubeletTests : IAsyncLifetime
{
    private const string Logs = "/containerLogs/default/p1/app";
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan s_hour = TimeSpan.FromHours(1);

    private readonly World _world = new();
    private readonly FakeStreams _node = new();
    private readonly CertificateAuthority _authority;
    private readonly X509Certificate2 _apiServer;
    private KubeletServer _door = null!;

    public KubeletTests()
    {
        _authority = new CertificateAuthority(CertificateAuthority.Generate("cluster", _world.Time), _world.Time);
        _apiServer = Client(_authority, "kube-apiserver-kubelet-client", "system:masters");
    }

    public async Task InitializeAsync()
    {
        await CreateAsync(Kinds.ConfigMap, ClientAuthorities.Source, new JsonObject { ["data"] = new JsonObject { ["client-ca-file"] = _authority.CertificatePem } });
        await CreateAsync(Kinds.Pod, new ObjectKey("default", "p1"), new JsonObject { ["spec"] = new JsonObject { ["nodeName"] = "n1" } });
        _node.Logs = async (_, output, ct) => await output.WriteAsync("one\n"u8.ToArray(), ct);
        _door = await KubeletServer.StartAsync(
            new SignalServerOptions { Advertise = IPAddress.Loopback, Client = _world.Kube, Time = _world.Time, Loggers = NullLoggerFactory.Instance }, "n1", _node, CancellationToken.None);
    }

    public async Task DisposeAsync()
    {
        await _door.DisposeAsync().AsTask().WaitAsync(s_patience);
        await _world.DisposeAsync();
        _authority.Dispose();
        _apiServer.Dispose();
    }

    [Fact]
    public async Task Certificate_OfTheCluster_IsAsWhomTheClusterIsAsked()
    {
        var (code, type, body) = await AskAsync(Logs, _apiServer);
        Assert.Equal((200, "text/plain", "one\n"), (code, type, body));
        Assert.Equal(["SubjectAccessReview"], _world.Asked);
        Assert.Equal(
            """{"groups":["system:masters","system:authenticated"],"resourceAttributes":{"name":"n1","resource":"nodes","subresource":"proxy","verb":"get","version":"v1"},"user":"kube-apiserver-kubelet-client"}""",
            Encoding.UTF8.GetString(CanonicalJson.Serialize(_world.Access!)));
    }

    [Fact]
    public async Task Token_OfTheCluster_IsReviewed()
    {
        Assert.Equal((200, "one\n"), await WithTokenAsync(_world.Issue("")));
        Assert.Equal(["TokenReview", "SubjectAccessReview"], _world.Asked);
        Assert.Equal("system:serviceaccount:knative-serving:serval-reader", (string?)_world.Access!["user"]);
        Assert.Equal((401, "Unauthorized"), await WithTokenAsync(_world.Issue("another server")));
    }

    [Theory]
    [InlineData("nobody")]
    [InlineData("another authority")]
    [InlineData("a server's certificate")]
    [InlineData("over")]
    public async Task Stranger_Is401AndNobodyIsAsked(string who)
    {
        using var other = new CertificateAuthority(CertificateAuthority.Generate("cluster", _world.Time), _world.Time);
        using var shown = who switch
        {
            "another authority" => Client(other, "kube-apiserver-kubelet-client", "system:masters"),
            "a server's certificate" => _authority.IssueServer("kube-apiserver", ["x"], s_hour).ToCertificate(),
            "over" => Client(_authority, "kube-apiserver-kubelet-client", "system:masters"),
            _ => null,
        };
        if (who == "over")
        {
            _world.Time.Advance(s_hour * 2);
        }
        foreach (var path in (string[])[Logs, "/pods", "/healthz", "/nothing", "/exec/default/p1/app?command=x&output=1"])
        {
            Assert.Equal((401, "text/plain", "Unauthorized"), await AskAsync(path, shown));
        }
        Assert.Empty(_world.Asked);
    }

    [Theory]
    [InlineData("GET", Logs, "get", "proxy")]
    [InlineData("POST", "/exec/default/p1/app?command=x&output=1", "create", "proxy")]
    [InlineData("GET", "/pods", "get", "pods proxy")]
    [InlineData("GET", "/healthz", "get", "healthz proxy")]
    public async Task Caller_WithoutTheRight_Is403AsAKubeletWordsIt(string method, string path, string verb, string parts)
    {
        _world.Allowed = false;
        var (code, _, body) = await AskAsync(path, _apiServer, method);
        Assert.Equal((403, $"Forbidden (user=kube-apiserver-kubelet-client, verb={verb}, resource=nodes, subresource(s)=[{parts}])\n"), (code, body));
        Assert.Equal((verb, parts.Split(' ')[^1]), ((string?)_world.Access!["resourceAttributes"]!["verb"], (string?)_world.Access["resourceAttributes"]!["subresource"]));
    }

    [Fact]
    public async Task Authority_ThatIsReplaced_CountsNoMore()
    {
        using var other = new CertificateAuthority(CertificateAuthority.Generate("cluster", _world.Time), _world.Time);
        using var shown = Client(other, "kube-apiserver-kubelet-client", "system:masters");
        var source = _world.Kube.Cache(Kinds.ConfigMap).Get(ClientAuthorities.Source)!;

        await _world.Kube.UpdateAsync(Kinds.ConfigMap, source.With(o => o["data"]!["client-ca-file"] = other.CertificatePem), WriteOptions.By("test"));
        Assert.Equal((401, 200), ((await AskAsync(Logs, _apiServer)).Code, (await AskAsync(Logs, shown)).Code));

        await _world.Kube.UpdateAsync(Kinds.ConfigMap, source.With(o => o["data"]!["client-ca-file"] = "no certificate"), WriteOptions.By("test"));
        Assert.Equal(401, (await AskAsync(Logs, shown)).Code);
    }

    [Fact]
    public async Task Strangers_TakeNoPlaceOfTheApiServers()
    {
        var answers = new TaskCompletionSource();
        _world.Kube.AnswersWhen = answers.Task;
        var strangers = Enumerable.Range(0, SignalAccess.MostQuestions).Select(i => WithTokenAsync($"stranger-{i}")).ToList();
        await Poll.UntilAsync(() => _world.Asked.Count == SignalAccess.MostQuestions);
        Assert.Equal(429, (await WithTokenAsync("another")).Code);

        var apiServer = AskAsync(Logs, _apiServer);
        await Poll.UntilAsync(() => _world.Asked.Contains("SubjectAccessReview") || apiServer.IsCompleted);
        answers.SetResult();

        Assert.Equal(200, (await apiServer).Code);
        Assert.All(await Task.WhenAll(strangers), s => Assert.Equal(401, s.Code));
    }

    [Theory]
    [InlineData("GET", "/containerLogs/default/gone/app", 404, "pod does not exist")]
    [InlineData("GET", "/exec/other/p1/app?command=x&output=1", 404, "pod does not exist")]
    [InlineData("GET", "/portForward/default/p1/another", 404, "pod not found")]
    [InlineData("GET", "/exec/default/p1/app?command=x", 400, "you must specify at least 1 of stdin, stdout, stderr")]
    [InlineData("GET", "/exec/default/p1/app?command=x&output=1", 400, "Upgrade request required")]
    [InlineData("GET", "/portForward/default/p1", 400, "Upgrade request required")]
    [InlineData("GET", "/containerLogs/default/p1/app?tailLines=x", 400, "tailLines: \"x\" is no number")]
    [InlineData("GET", "/containerLogs/default/p1/app?stream=Stderr", 400, "unable to return the given log stream: \"Stderr\". A program's outputs are one log here")]
    [InlineData("DELETE", "/pods", 405, "405: Method Not Allowed")]
    [InlineData("GET", "/run/default/p1/app", 404, "404: Page Not Found")]
    [InlineData("GET", "/", 404, "404: Page Not Found")]
    public async Task Request_ThatCannotBeServed_SaysWhyInPlainText(string method, string path, int expected, string told) =>
        Assert.Equal((expected, "text/plain", told), await AskAsync(path, _apiServer, method));

    [Fact]
    public async Task Refusal_OfTheNode_ComesOn()
    {
        _node.Logs = (_, _, _) => throw ApiException.BadRequest("container \"app\" in pod \"p1\" is waiting to start: ContainerCreating");
        Assert.Equal((400, "text/plain", "container \"app\" in pod \"p1\" is waiting to start: ContainerCreating"), await AskAsync(Logs, _apiServer));
    }

    [Fact]
    public async Task Logs_AreAskedWithEveryOption()
    {
        LogOptions? asked = null;
        _node.Logs = (options, _, _) =>
        {
            asked = options;
            return Task.CompletedTask;
        };
        await AskAsync(Logs + "?follow=true&previous=true&timestamps=true&sinceSeconds=5&tailLines=0&limitBytes=7&sinceTime=2026-01-02T03:04:05Z&stream=All", _apiServer);
        Assert.Equal(
            new LogOptions
            {
                Container = "app", Follow = true, Previous = true, Timestamps = true, TailLines = 0, SinceSeconds = 5, LimitBytes = 7,
                SinceTime = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero),
            },
            asked);
    }

    [Fact]
    public async Task Pods_AreListed()
    {
        var (code, type, body) = await AskAsync("/pods", _apiServer);
        Assert.Equal((200, "application/json", "PodList", "p1"), (code, type, (string?)JsonNode.Parse(body)!["kind"], (string?)JsonNode.Parse(body)!["items"]![0]!["metadata"]!["name"]));
        Assert.Equal((200, "text/plain", "ok"), await AskAsync("/healthz", _apiServer) with { Type = "text/plain" });
    }

    // As the API server does it for kubectl: SPDY to the node, whatever the client spoke.
    [Theory]
    [InlineData("exec", "/exec/default/p1/app?command=a&command=b+c&input=1&output=1&error=1")]
    [InlineData("exec", "/exec/default/p1/UID/app?command=a&command=b+c&input=1&output=1&error=1")]
    [InlineData("attach", "/attach/default/p1/app?input=1&output=1&error=1")]
    public async Task Program_IsSpokenWithOverSpdy(string kind, string path)
    {
        ExecOptions? asked = null;
        _node.Find = options =>
        {
            asked = options;
            return async (streams, ct) =>
            {
                await streams.Error!.WriteAsync("oops"u8.ToArray(), ct);
                await streams.Input!.CopyToAsync(streams.Output!, ct); // to the end of input
                return 3;
            };
        };
        var uid = _world.Kube.Cache(Kinds.Pod).Get(new ObjectKey("default", "p1"))!.Metadata.Uid;
        await using var client = await SpdyAsync(path.Replace("UID", uid, StringComparison.Ordinal), "v4.channel.k8s.io");
        var errors = await client.OpenAsync(("streamtype", "error"));
        var input = await client.OpenAsync(("streamtype", "stdin"));
        var output = await client.OpenAsync(("streamtype", "stdout"));
        var other = await client.OpenAsync(("streamtype", "stderr"));
        await client.WriteAsync(input, "hello", last: true);

        await client.UntilAsync(() => client.Ended.Contains(errors) && client.Ended.Contains(output) && client.Ended.Contains(other));

        Assert.Equal(("hello", "oops"), (client.Received[output], client.Received[other]));
        Assert.Equal("3", (string?)JsonNode.Parse(client.Received[errors])!["details"]!["causes"]![0]!["message"]);
        Assert.Equal(kind == "exec" ? ["a", "b c"] : [], asked!.Command);
        Assert.Equal(("app", true, true, true, false), (asked.Container, asked.Stdin, asked.Stdout, asked.Stderr, asked.Tty));
        Assert.Equal("create", (string?)_world.Access!["resourceAttributes"]!["verb"]);
    }

    [Fact]
    public async Task Port_IsForwardedOverSpdy()
    {
        var uid = _world.Kube.Cache(Kinds.Pod).Get(new ObjectKey("default", "p1"))!.Metadata.Uid;
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        _node.Dial = (pod, port) =>
        {
            Assert.Equal((uid, 8080), (pod, port));
            var dialed = new TcpClient();
            dialed.Connect((IPEndPoint)listener.LocalEndpoint);
            return dialed.GetStream();
        };
        await using var client = await SpdyAsync("/portForward/default/p1", "portforward.k8s.io");
        var errors = await client.OpenAsync(("streamtype", "error"), ("port", "8080"), ("requestid", "0"));
        var data = await client.OpenAsync(("streamtype", "data"), ("port", "8080"), ("requestid", "0"));
        await client.WriteAsync(data, "ping", last: true);
        using var inside = await listener.AcceptTcpClientAsync().WaitAsync(s_patience);
        Assert.Equal("ping", await new StreamReader(inside.GetStream()).ReadToEndAsync().WaitAsync(s_patience));
        await inside.GetStream().WriteAsync("pong"u8.ToArray());
        inside.Close();

        await client.UntilAsync(() => client.Ended.Contains(data) && client.Ended.Contains(errors));

        Assert.Equal(("pong", ""), (client.Received[data], client.Received.GetValueOrDefault(errors, "")));
    }

    private static X509Certificate2 Client(CertificateAuthority authority, string name, params string[] groups) => authority.IssueClient(name, groups, s_hour).ToCertificate();

    private async Task CreateAsync(ResourceKind kind, ObjectKey key, JsonObject rest)
    {
        rest["apiVersion"] = kind.ApiVersion;
        rest["kind"] = kind.Kind;
        rest["metadata"] = new JsonObject { ["name"] = key.Name, ["namespace"] = key.Namespace };
        await _world.Kube.CreateAsync(kind, KubeObject.From(rest), WriteOptions.By("test"));
    }

    private SslClientAuthenticationOptions Tls(X509Certificate2? shown) => new()
    {
        TargetHost = "n1", RemoteCertificateValidationCallback = (_, server, _, _) => SignalServer.Hash(server!) == _door.Certificate,
        ClientCertificateContext = shown is null ? null : SslStreamCertificateContext.Create(shown, additionalCertificates: null, offline: true),
    };

    private async Task<(int Code, string Type, string Body)> AskAsync(string path, X509Certificate2? shown, string method = "GET", string? token = null)
    {
        using var handler = new SocketsHttpHandler { SslOptions = Tls(shown) };
        using var client = new HttpMessageInvoker(handler);
        using var request = new HttpRequestMessage(new HttpMethod(method), new Uri(_door.Address, path));
        request.Headers.Authorization = token is null ? null : new AuthenticationHeaderValue("Bearer", token);
        using var response = await client.SendAsync(request, CancellationToken.None).WaitAsync(s_patience);
        return ((int)response.StatusCode, response.Content.Headers.ContentType?.MediaType ?? "", await response.Content.ReadAsStringAsync().WaitAsync(s_patience));
    }

    private async Task<(int Code, string Body)> WithTokenAsync(string token) => await AskAsync(Logs, null, token: token) is var (code, _, body) ? (code, body) : default;

    private async Task<SpdyClient> SpdyAsync(string path, string protocol)
    {
        var tcp = new TcpClient();
        await tcp.ConnectAsync(_door.Address.Host, _door.Address.Port);
        var tls = new SslStream(tcp.GetStream(), leaveInnerStreamOpen: false);
        await tls.AuthenticateAsClientAsync(Tls(_apiServer));
        var head = await SpdyClient.UpgradeAsync(tls, $"POST {path}", "Upgrade: SPDY/3.1", $"X-Stream-Protocol-Version: {protocol}", "Content-Length: 0");
        Assert.StartsWith("HTTP/1.1 101 ", head, StringComparison.Ordinal);
        Assert.Contains($"X-Stream-Protocol-Version: {protocol}", head, StringComparison.OrdinalIgnoreCase);
        return new SpdyClient(tls);
    }
}
