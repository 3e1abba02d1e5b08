using System.Net;
using System.Text;
using System.Text.Json.Nodes;

namespace Serval.ApiServer.Tests.Proxying;

/// <summary>Requests that go on to a program in a pod.</summary>
public sealed class ProxyTests : AccessServerTests
{
    private const string One = "/api/v1/namespaces/one";
    private const string Plain = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    [Theory]
    [InlineData("pods/web/proxy/", "GET / HTTP/1.1", 8080)]
    [InlineData("pods/web:9090/proxy/a//b/", "GET /a/b/ HTTP/1.1", 9090)]
    [InlineData("pods/http:web:9090/proxy/a%20b/c?x=1&y=%2F", "GET /a%20b/c?x=1&y=%2F HTTP/1.1", 9090)]
    [InlineData("pods/web/proxy/a%253Fb/%25", "GET /a%253Fb/%25 HTTP/1.1", 8080)]
    [InlineData("pods/web/proxy/a%2Fb/a%252Fb/c%2f", "GET /a%2Fb/a%252Fb/c%2f HTTP/1.1", 8080)]
    [InlineData("pods/web/proxy/%C3%A4%20%3F%23/a:b@c", "GET /%C3%A4%20%3F%23/a:b@c HTTP/1.1", 8080)]
    [InlineData("pods/web/proxy/a//%2e%2e/b%2525/%3F", "GET /a/b%2525/%3F HTTP/1.1", 8080)]
    [InlineData("services/svc/proxy/", "", 0)] // its only port has a name
    [InlineData("services/svc:80/proxy/x", "GET /x HTTP/1.1", 8080)]
    [InlineData("services/http:svc:web/proxy/x?q", "GET /x?q HTTP/1.1", 8080)]
    public async Task Path_IsAskedOfThePod(string path, string line, int port)
    {
        var (asked, dialed) = ("", 0);
        using var backend = await BeginAsync((head, _) => (asked = head) is null ? "" : Plain, p => dialed = p);
        using var response = await Server.Client.GetAsync(Exactly($"{One}/{path}"));
        if (line.Length == 0)
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
            return;
        }
        Assert.Equal("ok", await response.Content.ReadAsStringAsync());
        Assert.Equal((line, port), (asked.Split("\r\n")[0], dialed));
        Assert.Equal((string?)(await Server.GetAsync($"{One}/pods/web"))["metadata"]!["uid"], Server.Streams.DialedUid);
    }

    [Fact]
    public async Task Headers_PassButThoseOfAccess()
    {
        var asked = "";
        using var backend = await BeginAsync((head, _) => (asked = head) is null ? "" :
            "HTTP/1.1 418 Teapot\r\nX-Own: a\r\nX-Own: b\r\nAccess-Control-Allow-Origin: *\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nContent-Length: 0\r\n\r\n");
        using var client = Server.ConnectWith(Server.AdminToken);
        using var request = new HttpRequestMessage(HttpMethod.Get, $"{One}/pods/web/proxy/x");
        request.Headers.Add("X-Mine", "1");
        request.Headers.Add("Impersonate-User", "admin");
        request.Headers.Add("Impersonate-Group", "system:masters");
        request.Headers.Add("X-Forwarded-For", "192.0.2.1");
        using var response = await client.SendAsync(request);

        Assert.Equal((418, "a,b"), ((int)response.StatusCode, string.Join(',', response.Headers.GetValues("X-Own"))));
        Assert.DoesNotContain(response.Headers, h => h.Key is "Access-Control-Allow-Origin" or "X-Hop" or "Keep-Alive");
        Assert.Contains("X-Mine: 1\r\n", asked, StringComparison.Ordinal);
        Assert.Contains($"X-Forwarded-Uri: {One}/pods/web/proxy/x\r\n", asked, StringComparison.Ordinal);
        Assert.Contains("X-Forwarded-For: 192.0.2.1, 127.0.0.1\r\n", asked, StringComparison.Ordinal);
        Assert.Contains($"Host: {Server.Host.Address.Authority}\r\n", asked, StringComparison.Ordinal);
        Assert.DoesNotContain("Impersonate", asked, StringComparison.Ordinal);
        Assert.DoesNotContain("Authorization", asked, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("POST")]
    [InlineData("PUT")]
    [InlineData("PATCH")]
    [InlineData("DELETE")]
    public async Task Body_Passes(string method)
    {
        using var backend = await BeginAsync((head, body) => $"HTTP/1.1 200 OK\r\nContent-Length: {head.Split(' ')[0].Length + 1 + body.Length}\r\n\r\n{head.Split(' ')[0]} {body}");
        using var request = new HttpRequestMessage(new HttpMethod(method), $"{One}/pods/web/proxy/x") { Content = new StringContent("{not an object", Encoding.UTF8, "text/plain") };
        using var response = await Server.Client.SendAsync(request);
        Assert.Equal($"{method} {{not an object", await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Links_LeadBack()
    {
        using var backend = await BeginAsync((head, _) => head.StartsWith("GET /go", StringComparison.Ordinal)
            ? "HTTP/1.1 302 Found\r\nLocation: /there?x\r\nContent-Length: 0\r\n\r\n"
            : "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 22\r\n\r\n<a href=\"/x\">\u00c3\u00a4</a> /x");
        using var handler = new HttpRequestMessage(HttpMethod.Get, $"{One}/pods/web/proxy/go");
        using var plain = new HttpMessageInvoker(Server.Handler(), disposeHandler: true);
        handler.RequestUri = new Uri(Server.Host.Address, handler.RequestUri!);
        using var moved = await plain.SendAsync(handler, default);
        Assert.Equal($"{One}/pods/web/proxy/there?x", moved.Headers.GetValues("Location").Single());
        Assert.Equal($"<a href=\"{One}/pods/web/proxy/x\">ä</a> /x", await Server.Client.GetStringAsync($"{One}/pods/web/proxy/page"));

        using var bare = new HttpRequestMessage(HttpMethod.Get, new Uri(Server.Host.Address, $"{One}/services/svc:80/proxy?a=b"));
        using var below = await plain.SendAsync(bare, default);
        Assert.Equal((301, $"{One}/services/svc:80/proxy/?a=b"), ((int)below.StatusCode, below.Headers.GetValues("Location").Single()));
    }

    [Theory]
    [InlineData("/api/v1/namespaces/one/pods/web:8080/proxy/a//%22%3E%3Cscript%3E/b", "pods/web:8080")]
    [InlineData("//api/v1//namespaces/one/services/svc:80/proxy/%22%3E%3Cscript%3E//", "services/svc:80")]
    public async Task Links_HoldNothingThatTheClientWrote(string path, string named)
    {
        var answer = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<a href=\"/x\">";
        using var backend = await BeginAsync((_, _) => answer);
        Assert.Equal($"<a href=\"{One}/{named}/proxy/x\">", await Server.Client.GetStringAsync(Exactly(path)));
        answer = "HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n";
        using var plain = new HttpMessageInvoker(Server.Handler(), disposeHandler: true);
        using var request = new HttpRequestMessage(HttpMethod.Get, Exactly(path));
        using var moved = await plain.SendAsync(request, default);
        Assert.Equal($"{One}/{named}/proxy/there", moved.Headers.GetValues("Location").Single());
        using var bare = new HttpRequestMessage(HttpMethod.Get, Exactly($"//{One[1..]}/{named}/proxy"));
        using var below = await plain.SendAsync(bare, default);
        Assert.Equal((301, $"{One}/{named}/proxy/"), ((int)below.StatusCode, below.Headers.GetValues("Location").Single()));
    }

    [Fact]
    public async Task Page_ThatWouldGrowTooLong_PassesAsItIs()
    {
        var page = string.Concat(Enumerable.Repeat("<a href=/x>", 300_000)); // 3.3 MB, 15 MB with its links led back
        using var backend = await BeginAsync((_, _) => $"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {page.Length}\r\n\r\n{page}");
        Assert.True(page == await Server.Client.GetStringAsync($"{One}/pods/web/proxy/x"), "The page is not as it was.");
    }

    [Fact]
    public async Task Headers_MayBeOfOtherLetters()
    {
        var asked = "";
        using var backend = await BeginAsync((head, _) => (asked = head) is null ? "" : "HTTP/1.1 200 OK\r\nX-Own: \u00c3\u00a4\r\nContent-Length: 0\r\n\r\n");
        using var handler = Server.Handler();
        handler.RequestHeaderEncodingSelector = handler.ResponseHeaderEncodingSelector = (_, _) => Encoding.UTF8;
        using var plain = new HttpMessageInvoker(handler);
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(Server.Host.Address, $"{One}/pods/web/proxy/x"));
        request.Headers.TryAddWithoutValidation("X-Mine", "ö");
        using var response = await plain.SendAsync(request, default);
        Assert.Equal((200, "ä"), ((int)response.StatusCode, response.Headers.GetValues("X-Own").Single()));
        Assert.Contains("X-Mine: \u00c3\u00b6\r\n", asked, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nX-First: 1\r\nX-Own: a\u0001b\r\nContent-Length: 0\r\n\r\n")]
    public async Task Answer_ThatIsNone_IsUnavailable(string answer)
    {
        using var backend = await BeginAsync((_, _) => answer);
        using var response = await Server.Client.GetAsync($"{One}/pods/web/proxy/x");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.False(response.Headers.Contains("X-First"));
        Assert.StartsWith("error trying to reach service: ", (string?)JsonNode.Parse(await response.Content.ReadAsStringAsync())!["message"], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("pods/web:080/proxy/", 503, "error trying to reach service: \"080\" is no port: a number from 1 to 65535 is expected here")]
    [InlineData("pods/ftp:web:80/proxy/", 400, "invalid pod request \"ftp:web:80\"")]
    [InlineData("services/a:b:c:d/proxy/", 400, "invalid service request \"a:b:c:d\"")]
    [InlineData("pods/nobody/proxy/", 404, "pods \"nobody\" not found")]
    [InlineData("pods/new/proxy/", 400, "address not allowed")]
    [InlineData("pods/web:1/proxy/", 503, "error trying to reach service: connection refused: 1")]
    [InlineData("services/svc:81/proxy/", 503, "no service port 81 found for service \"svc\"")]
    [InlineData("services/svc:other/proxy/", 503, "no endpoints available for service \"svc:other\"")]
    [InlineData("services/idle/proxy/", 503, "no endpoints available for service \"idle\"")]
    [InlineData("services/strange/proxy/", 503, "no endpoints available for service \"strange\"")]
    [InlineData("nodes/n:22/proxy/", 404, "nodes \"n\" not found")]
    public async Task Unreachable_IsTold(string path, int code, string message)
    {
        using var backend = await BeginAsync((_, _) => Plain);
        var (got, status) = await SendAsync(Server.Client, "GET", path.StartsWith("nodes", StringComparison.Ordinal) ? $"/api/v1/{path}" : $"{One}/{path}");
        Assert.Equal((code, message), (got, (string?)status!["message"]));
    }

    [Fact]
    public async Task Proxy_IsARightOfItsOwn()
    {
        using var backend = await BeginAsync((_, _) => Plain);
        await BindAsync("one", "view", "User", "viewer");
        await BindAsync("one", "edit", "User", "editor");
        using var viewer = Server.ConnectAs("viewer");
        using var editor = Server.ConnectAs("editor");
        var (code, status) = await SendAsync(viewer, "GET", $"{One}/services/http:svc:web/proxy/x");
        Assert.Equal(403, code);
        Assert.Contains("cannot get resource \"services/proxy\" in API group \"\" in the namespace \"one\"", (string?)status!["message"], StringComparison.Ordinal);
        Assert.Equal("ok", await editor.GetStringAsync($"{One}/services/http:svc:web/proxy/x"));
        Assert.Equal("ok", await editor.GetStringAsync($"{One}/pods/web/proxy/x"));
    }

    [Fact]
    public async Task Connection_ChangesItsProtocol()
    {
        var asked = "";
        using var backend = await BeginAsync((head, _) => (asked = head) is null ? "" :
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\nX-Chosen: e\r\n\r\n");
        using var plain = new HttpMessageInvoker(Server.Handler(), disposeHandler: true);
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(Server.Host.Address, $"{One}/pods/web/proxy/talk?x")) { Version = HttpVersion.Version11 };
        request.Headers.TryAddWithoutValidation("Connection", "Upgrade");
        request.Headers.TryAddWithoutValidation("Upgrade", "echo");
        using var response = await plain.SendAsync(request, default);
        Assert.Equal((101, "e"), ((int)response.StatusCode, response.Headers.GetValues("X-Chosen").Single()));
        await using var talk = await response.Content.ReadAsStreamAsync();
        await talk.WriteAsync("hello"u8.ToArray());
        await talk.FlushAsync();
        var heard = new byte[5];
        await talk.ReadExactlyAsync(heard);
        Assert.Equal("hello", Encoding.ASCII.GetString(heard));
        Assert.StartsWith("GET /talk?x HTTP/1.1", asked, StringComparison.Ordinal);
        Assert.Contains("Upgrade: echo\r\n", asked, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Node_SaysWhatAKubeletWould()
    {
        await AdminAsync("/api/v1/nodes", """{"metadata":{"name":"n"}}""");
        await AdminAsync($"{One}/pods", """{"metadata":{"name":"on"},"spec":{"nodeName":"n","containers":[{"name":"a","image":"a"}]}}""");
        await AdminAsync($"{One}/pods", """{"metadata":{"name":"off"},"spec":{"containers":[{"name":"a","image":"a"}]}}""");
        Assert.Equal("ok", await Server.Client.GetStringAsync("/api/v1/nodes/n/proxy/healthz"));
        var pods = JsonNode.Parse(await Server.Client.GetStringAsync("/api/v1/nodes/n:10250/proxy/pods"))!["items"]!.AsArray();
        Assert.Equal("on", (string?)Assert.Single(pods)!["metadata"]!["name"]);
        using var absent = await Server.Client.GetAsync("/api/v1/nodes/n/proxy/exec/one/on/a");
        Assert.Equal((404, "404 page not found\n"), ((int)absent.StatusCode, await absent.Content.ReadAsStringAsync()));
        Assert.Equal(400, (await SendAsync(Server.Client, "GET", "/api/v1/nodes/n:22/proxy/")).Code);
    }

    [Fact]
    public async Task Nodes_AreCountedWithTheOthers()
    {
        const int most = 100; // of a user who is no administrator
        var (open, all, end) = (0, new TaskCompletionSource(), new TaskCompletionSource());
        await AdminAsync("/api/v1/nodes", """{"metadata":{"name":"n"}}""");
        await AdminAsync($"{Rbac}/clusterrolebindings", """
            {"metadata":{"name":"eve"},"roleRef":{"kind":"ClusterRole","name":"cluster-admin"},"subjects":[{"kind":"User","name":"eve"}]}
            """);
        using var backend = await BeginAsync((_, _) => Interlocked.Increment(ref open) < most || all.TrySetResult() ? Plain : "", until: end.Task);
        using var one = Server.ConnectAs("eve");
        using var other = Server.ConnectAs("eve");
        var waiting = Enumerable.Range(0, most).Select(_ => one.GetStringAsync($"{One}/pods/web/proxy/x")).ToList();
        await all.Task;

        Assert.Equal(429, (await SendAsync(other, "GET", "/api/v1/nodes/n/proxy/pods")).Code);
        Assert.Equal("ok", await Server.Client.GetStringAsync("/api/v1/nodes/n/proxy/healthz"));
        end.SetResult();
        await Task.WhenAll(waiting);
        Assert.Equal("ok", await other.GetStringAsync("/api/v1/nodes/n/proxy/healthz"));
    }

    // As it is written, with what a URI would make of it left undone.
    private Uri Exactly(string path) =>
        new($"{Server.Host.Address.GetLeftPart(UriPartial.Authority)}{path}", new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });

    /// <summary>A pod behind a Service, one without an address, and Services with nothing behind, or with what is no pod.</summary>
    private async Task<RawBackend> BeginAsync(Func<string, string, string> answer, Action<int>? dialed = null, Task? until = null)
    {
        await AdminAsync($"{One}/pods", """{"metadata":{"name":"web"},"spec":{"containers":[{"name":"a","image":"a"},{"name":"b","image":"b","ports":[{"containerPort":8080}]}]}}""");
        await AdminAsync($"{One}/pods", """{"metadata":{"name":"new"},"spec":{"containers":[{"name":"a","image":"a"}]}}""");
        await SendAsync(Server.Client, "PATCH", $"{One}/pods/web/status", """{"status":{"podIP":"10.9.0.5","podIPs":[{"ip":"10.9.0.5"}]}}""", "application/merge-patch+json");
        foreach (var name in (string[])["svc", "idle", "strange"])
        {
            await AdminAsync($"{One}/services", $$$"""{"metadata":{"name":"{{{name}}}"},"spec":{"ports":[{"name":"web","port":80}]}}""");
        }
        await AdminAsync($"{One}/endpoints", """
            {"metadata":{"name":"svc"},"subsets":[{"addresses":[{"ip":"10.9.0.5","targetRef":{"kind":"Pod","namespace":"one","name":"web"}}],"ports":[{"name":"web","port":8080}]}]}
            """);
        await AdminAsync($"{One}/endpoints", """{"metadata":{"name":"idle"}}""");
        await AdminAsync($"{One}/endpoints", """
            {"metadata":{"name":"strange"},"subsets":[{"addresses":[{"ip":"10.9.0.9"},{"ip":"10.9.0.7","targetRef":{"kind":"Pod","namespace":"one","name":"web"}},
            {"ip":"10.9.0.5","targetRef":{"kind":"Pod","namespace":"two","name":"web"}}],"ports":[{"port":8080}]}]}
            """);
        var backend = new RawBackend(answer, until ?? Task.CompletedTask);
        Server.Streams.Listener = port =>
        {
            dialed?.Invoke(port);
            return port == 1 ? throw new IOException($"connection refused: {port}") : backend.Dial();
        };
        return backend;
    }
}
