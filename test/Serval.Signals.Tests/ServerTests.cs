using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Text.Json.Nodes;
using Serval.Api;

namespace Serval.Signals.Tests;

/// <summary>Who gets in at a signal server, and how the others are refused.</summary>
public sealed class ServerTests : IAsyncLifetime
{
    private const string Path = "/signals/test";
    private readonly World _world = new();
    private readonly Scripted _endpoint = new(Path);
    private World.Served _served = null!;

    public async Task InitializeAsync() => _served = await _world.ServeAsync(PeerRole.Gateway, "one", _endpoint);

    public async Task DisposeAsync() => await _world.DisposeAsync();

    [Fact]
    public async Task Health_IsForEverybody()
    {
        var (code, body, _) = await AskAsync("/healthz", token: null);
        Assert.Equal((200, "ok"), (code, body));
        Assert.Empty(_world.Asked);
    }

    [Fact]
    public async Task Caller_WithoutAToken_Is401AndNobodyIsAsked()
    {
        var (code, body, challenge) = await AskAsync(Path, token: null);
        Assert.Equal((401, "Bearer"), (code, challenge));
        Assert.Equal("""{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"Unauthorized","reason":"Unauthorized","code":401}""", body);
        Assert.Empty(_world.Asked);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Caller_WithAWrongToken_Is401(bool ofAnotherServer)
    {
        await using var other = await _world.StartAsync(new Scripted(Path));
        var (code, _, _) = await AskAsync(Path, ofAnotherServer ? _world.Issue(SignalServer.Audience(other.Certificate)) : "nonsense");
        Assert.Equal(401, code);
        Assert.Equal(["TokenReview"], _world.Asked);
    }

    [Fact]
    public async Task Caller_WithoutTheRight_Is403AsTheApiServerWordsIt()
    {
        _world.Allowed = false;
        var (code, body, _) = await AskAsync(Path, Token());
        Assert.Equal(403, code);
        var status = JsonNode.Parse(body)!;
        Assert.Equal("forbidden: User \"system:serviceaccount:knative-serving:serval-reader\" cannot get path \"/signals/test\"", (string?)status["message"]);
        Assert.Equal("Forbidden", (string?)status["reason"]);
        Assert.Equal("""{"groups":["system:serviceaccounts"],"nonResourceAttributes":{"path":"/signals/test","verb":"get"},"user":"system:serviceaccount:knative-serving:serval-reader"}""",
            _world.Access!.ToJsonString());
    }

    [Fact]
    public async Task Verdicts_HoldForAMinute()
    {
        _world.Allowed = false;
        var token = Token();
        await AskAsync(Path, token);
        _world.Allowed = true;
        _world.Time.Advance(TimeSpan.FromSeconds(59));
        Assert.Equal(403, (await AskAsync(Path, token)).Code);
        Assert.Equal(2, _world.Asked.Count);
        _world.Time.Advance(TimeSpan.FromSeconds(1));
        _endpoint.Send("end");
        Assert.Equal(200, (await AskAsync(Path, token)).Code);
        Assert.Equal(4, _world.Asked.Count);
    }

    [Fact]
    public async Task Failure_OfTheReview_Is503AndIsNotRemembered()
    {
        var token = Token();
        _world.ReviewFailure = new ApiException(503, "ServiceUnavailable", "no API server answers");
        var (code, body, _) = await AskAsync(Path, token);
        Assert.Equal((503, "who asks cannot be checked now: no API server answers"), (code, (string?)JsonNode.Parse(body)!["message"]));
        _world.ReviewFailure = null;
        _endpoint.Send("end");
        Assert.Equal(200, (await AskAsync(Path, token)).Code);
    }

    [Theory]
    [InlineData("GET", "/signals", 404)]
    [InlineData("GET", "/signals/test/", 404)]
    [InlineData("GET", "/", 404)]
    [InlineData("POST", "/signals/test", 405)]
    [InlineData("DELETE", "/signals/test", 405)]
    public async Task Request_ForWhatIsNotServed_IsRefused(string method, string path, int expected)
    {
        var (code, body, _) = await AskAsync(path, Token(), method);
        Assert.Equal(expected, code);
        Assert.Equal(expected, (int?)JsonNode.Parse(body)!["code"]);
    }

    [Fact]
    public async Task Header_OfBoundlessLength_IsRefused()
    {
        using var handler = Handler();
        using var client = new HttpMessageInvoker(handler);
        using var request = Request(Path, new string('t', HttpsServer.MostHeaders + 1), "GET");
        await Assert.ThrowsAsync<HttpRequestException>(() => client.SendAsync(request, CancellationToken.None));
        Assert.Equal(200, (await AskAsync("/healthz", token: null)).Code);
    }

    [Fact]
    public async Task Streams_OfOneUser_AreBounded()
    {
        using var handler = Handler();
        using var client = new HttpMessageInvoker(handler);
        var token = Token();
        var open = new List<HttpResponseMessage>();
        for (var i = 0; i < UserStreams.Most; i++)
        {
            open.Add(await client.SendAsync(Request(Path, token, "GET"), CancellationToken.None));
        }
        var (code, body, _) = await AskAsync(Path, token);
        Assert.Equal((429, "TooManyRequests", 1), (code, (string?)JsonNode.Parse(body)!["reason"], (int?)JsonNode.Parse(body)!["details"]!["retryAfterSeconds"]));
        open.ForEach(r => r.Dispose());
        await Poll.UntilAsync(() => _endpoint.Open == 0);
        _endpoint.Send("end");
        Assert.Equal(200, (await AskAsync(Path, token)).Code);
        Assert.Equal(["TokenReview", "SubjectAccessReview"], _world.Asked);
    }

    [Fact]
    public async Task Client_ThatPinsAnotherCertificate_ShowsNoToken()
    {
        var impostor = new Peer(PeerRole.Gateway, "one", _served.Server.Address, new string('a', 64), new Dictionary<string, string>());
        var refused = await Assert.ThrowsAsync<HttpRequestException>(() => _world.Client.SendAsync(impostor, HttpMethod.Get, Path, CancellationToken.None));
        Assert.Equal(HttpRequestError.SecureConnectionError, refused.HttpRequestError);
        Assert.Empty(_world.Asked);
    }

    [Fact]
    public async Task Client_WhoseTokenIsRefused_ShowsAnother()
    {
        _endpoint.Send("end");
        var peer = _world.Peers.Find(PeerRole.Gateway, "one")!;
        (await _world.Client.SendAsync(peer, HttpMethod.Get, Path, CancellationToken.None)).Dispose();
        _world.Revoke();
        _world.Time.Advance(TimeSpan.FromMinutes(1));
        _endpoint.Send("end");
        (await _world.Client.SendAsync(peer, HttpMethod.Get, Path, CancellationToken.None)).Dispose();
    }

    [Fact]
    public async Task Tokens_AreRenewedWhenFourFifthsOfTheirLifeAreOver()
    {
        var tokens = new AccountTokens(_world.Kube, World.Reader, _world.Time);
        var first = await tokens.GetAsync("a", refused: null, CancellationToken.None);
        Assert.NotEqual(first, await tokens.GetAsync("b", refused: null, CancellationToken.None));
        _world.Time.Advance(TimeSpan.FromMinutes(48) - TimeSpan.FromSeconds(1));
        Assert.Equal(first, await tokens.GetAsync("a", refused: null, CancellationToken.None));
        _world.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.NotEqual(first, await tokens.GetAsync("a", refused: null, CancellationToken.None));
    }

    private string Token() => _world.Issue(SignalServer.Audience(_served.Server.Certificate));

    private SocketsHttpHandler Handler() => new()
    {
        SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, shown, _, _) => SignalServer.Hash(shown!) == _served.Server.Certificate },
    };

    private HttpRequestMessage Request(string path, string? token, string method) => new(new HttpMethod(method), new Uri(_served.Server.Address, path))
    {
        Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        Headers = { Authorization = token is null ? null : new AuthenticationHeaderValue("Bearer", token) },
    };

    private async Task<(int Code, string Body, string Challenge)> AskAsync(string path, string? token, string method = "GET")
    {
        using var handler = Handler();
        using var client = new HttpMessageInvoker(handler);
        using var request = Request(path, token, method);
        using var response = await client.SendAsync(request, CancellationToken.None);
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync(), response.Headers.WwwAuthenticate.ToString());
    }
}
