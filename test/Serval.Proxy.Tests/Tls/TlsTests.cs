using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Serval.Routing;

namespace Serval.Proxy.Tests.Tls;

public sealed class TlsTests : ProxyTest
{
    private static readonly ServerCertificate s_one = TestCertificate.For("one.test");
    private static readonly ServerCertificate s_any = TestCertificate.For("*.wild.test");

    protected override bool Secure => true;

    private static RouteTable Table(TlsTable tls, bool redirect = false) => new RouteTableBuilder()
        .Add("one.test", Rule(redirect), new RouteRule { PathPrefix = "/open", Backends = Rule(false).Backends })
        .Add("*.wild.test", Rule(redirect)).Add("wild.test", Rule(redirect))
        .Build(2).With(2, [], [], tls);

    private static RouteRule Rule(bool redirect) => new() { Backends = [new WeightedBackend { Backend = Revision }], RedirectsToHttps = redirect };

    private static TlsTable Certificates() => TlsTable.Empty.With("one.test", s_one).With("*.wild.test", s_any);

    private async Task<string> ServedWithAsync(string host)
    {
        using var client = await Wire.ConnectTlsAsync(Proxy.HttpsPort, host);
        return client.ServerCertificate!.Subject;
    }

    private HttpClient Client(Version version) => Own(new HttpClient(new SocketsHttpHandler
    {
        UseProxy = false, AllowAutoRedirect = false,
        SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null },
        ConnectCallback = async (context, ct) =>
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(IPAddress.Loopback, context.DnsEndPoint.Port, ct);
            return new NetworkStream(socket, ownsSocket: true);
        },
    })
    {
        DefaultRequestVersion = version, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
    });

    [Fact]
    public async Task ServerName_ChoosesTheCertificate_ExactBeforeWildcard()
    {
        Proxy.Publish(Table(Certificates()));
        Assert.Equal("CN=one.test", await ServedWithAsync("one.test"));
        Assert.Equal("CN=one.test", await ServedWithAsync("ONE.test"));
        Assert.Equal("CN=*.wild.test", await ServedWithAsync("a.wild.test"));
        Proxy.Publish(Table(Certificates().With("a.wild.test", s_one)));
        Assert.Equal("CN=one.test", await ServedWithAsync("a.wild.test"));
        Assert.Equal("CN=*.wild.test", await ServedWithAsync("b.wild.test"));
    }

    /// <summary>A wildcard stands for one label; an address is no server name.</summary>
    [Theory]
    [InlineData("other.test")]
    [InlineData("wild.test")]
    [InlineData("a.b.wild.test")]
    [InlineData("127.0.0.1")]
    public async Task ServerNameWithoutCertificate_IsUnrecognized(string host)
    {
        Proxy.Publish(Table(Certificates()));
        var refusal = await Assert.ThrowsAsync<AuthenticationException>(() => ServedWithAsync(host));
        Assert.Contains("unrecognized name", refusal.ToString(), StringComparison.Ordinal);
        Assert.Empty(Log.Errors);
    }

    [Fact]
    public async Task NewCertificate_IsServedAtOnce_AndOpenConnectionsGoOn()
    {
        Serve(_ => Upstream.Ok("x"));
        Proxy.Publish(Table(Certificates()));
        var before = Own(await Wire.ConnectTlsAsync(Proxy.HttpsPort, "one.test"));
        var renewed = TestCertificate.For("one.test");
        Proxy.Publish(Table(Certificates().With("one.test", renewed)));
        var after = Own(await Wire.ConnectTlsAsync(Proxy.HttpsPort, "one.test"));
        Assert.Equal(s_one.Leaf.GetSerialNumberString(), before.ServerCertificate!.GetSerialNumberString());
        Assert.Equal(renewed.Leaf.GetSerialNumberString(), after.ServerCertificate!.GetSerialNumberString());
        Assert.Equal("x", (await before.GetAsync("one.test")).Body);
        Assert.Equal("x", (await after.GetAsync("one.test")).Body);
    }

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task Request_IsForwarded_AsHttps(string version)
    {
        Message? seen = null;
        Serve(m =>
        {
            seen = m;
            return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-End\r\n\r\n2\r\nok\r\n0\r\nX-End: yes\r\n\r\n";
        });
        Proxy.Publish(Table(Certificates()));
        using var answer = await Client(Version.Parse(version)).PostAsync($"https://one.test:{Proxy.HttpsPort}/a?b=c", new StringContent(new string('x', 200_000)));
        Assert.Equal(Version.Parse(version), answer.Version);
        Assert.Equal("ok", await answer.Content.ReadAsStringAsync());
        Assert.Equal("yes", answer.TrailingHeaders.GetValues("X-End").Single());
        Assert.Equal(("POST /a?b=c HTTP/1.1", "https", 200_000), (seen!.StartLine, seen.Header("X-Forwarded-Proto"), seen.Body.Length));
        Assert.EndsWith(";proto=https", seen.Header("Forwarded"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task PlainRequest_OfARedirectedHost_IsSentToHttps(string version)
    {
        Serve(_ => Upstream.Ok("x"));
        Proxy.Publish(Table(Certificates(), redirect: true));
        var client = Client(Version.Parse(version));
        using var answer = await client.GetAsync($"http://one.test:{Proxy.HttpPort}/a%20b?c=d");
        Assert.Equal(HttpStatusCode.MovedPermanently, answer.StatusCode);
        Assert.Equal($"https://one.test:{Proxy.HttpsPort}/a%20b?c=d", answer.Headers.Location!.OriginalString);
        Assert.Equal("redirected", answer.Headers.GetValues("Serval-Error").Single());
        Assert.Equal("x", await client.GetStringAsync($"http://one.test:{Proxy.HttpPort}/open/a"));
        Assert.Equal("x", await client.GetStringAsync($"https://one.test:{Proxy.HttpsPort}/a"));
        Assert.Equal(0, Proxy.InFlight(Revision, "i0"));
    }

    [Fact]
    public async Task RedirectedConnection_IsKept()
    {
        Proxy.Publish(Table(Certificates(), redirect: true));
        var client = Own(await Wire.ConnectAsync(Proxy.HttpPort));
        Assert.Equal(301, (await client.GetAsync("one.test")).Status);
        Assert.Equal($"https://one.test:{Proxy.HttpsPort}/", (await client.GetAsync("one.test:80")).Header("Location"));
        Assert.Equal($"https://one.test:{Proxy.HttpsPort}/x", (await client.GetAsync("one.test", "http://one.test/x")).Header("Location"));
    }

    [Theory]
    [InlineData("h", 443, "/a", "https://h/a")]
    [InlineData("h:80", 8843, "/", "https://h:8843/")]
    [InlineData("[::1]:80", 443, "/", "https://[::1]/")]
    [InlineData("[::1]", 1, "*", "https://[::1]:1/")]
    public void RedirectsTo_HostWithThePortOfTls(string host, int port, string target, string url) => Assert.Equal(url, ErrorText.HttpsUrl(host, port, target));

    [Fact]
    public async Task AnswerWithoutLength_EndsWithACloseNotify()
    {
        ServeRaw(async wire =>
        {
            await wire.ReadAsync();
            await wire.SendAsync("HTTP/1.0 200 OK\r\n\r\nall of it");
        });
        var client = await ClientAsync();
        Assert.Equal("all of it", (await client.SendReadAsync("GET / HTTP/1.0\r\nHost: h\r\n\r\n")).Body);
    }

    [Fact]
    public async Task SilentClient_IsNotWaitedForLongerThanAHandshakeMayTake()
    {
        var client = Own(await Wire.ConnectAsync(Proxy.HttpsPort));
        await Time.AdvanceOnceAsync(Options.HandshakeTimeout);
        await client.WaitClosedAsync();
        Assert.Empty(Log.Errors);
    }

    [Fact]
    public async Task PlainRequestAtTheDoorWithTls_IsClosed()
    {
        var client = Own(await Wire.ConnectAsync(Proxy.HttpsPort));
        await client.SendAsync("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        await client.WaitClosedAsync();
        Assert.Empty(Log.Errors);
    }

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task RequestUnderWay_IsFinished_WhenTheProxyStops(string version)
    {
        var (arrived, go) = (new TaskCompletionSource(), new TaskCompletionSource());
        var upstream = Own(Upstream.Answering(async _ =>
        {
            arrived.SetResult();
            await go.Task;
            return Upstream.Ok("x");
        }));
        Ready(upstream);
        Proxy.Publish(Table(Certificates()));
        var answer = Client(Version.Parse(version)).GetStringAsync($"https://one.test:{Proxy.HttpsPort}/");
        await arrived.Task;
        var handshake = Own(await Wire.ConnectAsync(Proxy.HttpsPort));
        var stopped = Proxy.DisposeAsync();
        await handshake.WaitClosedAsync();
        go.SetResult();
        Assert.Equal("x", await answer);
        await stopped;
        Assert.Empty(Log.Errors);
    }

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task ClientThatGoesAway_FreesTheSlot(string version)
    {
        var arrived = new TaskCompletionSource();
        var upstream = ServeRaw(async wire =>
        {
            await wire.ReadAsync();
            arrived.SetResult();
            await wire.WaitClosedAsync();
        });
        Proxy.Publish(Table(Certificates()));
        using var cancel = new CancellationTokenSource();
        var answer = Client(Version.Parse(version)).GetAsync($"https://one.test:{Proxy.HttpsPort}/", cancel.Token);
        await arrived.Task;
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => answer);
        await Proxy.WhenIdleAsync(Revision, $"i0-{upstream.Port}");
        Assert.Empty(Log.Errors);
    }
}
