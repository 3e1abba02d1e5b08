using System.Net;
using Serval.Routing;

namespace Serval.Proxy.Tests;

/// <summary>What a client sees is decided by the address it connected to, not by its own.</summary>
public sealed class PrivateDoorTests : IAsyncDisposable
{
    private static int s_last; // each test an address of its own

    private readonly IPAddress _private = new([127, 1, 1, (byte)Interlocked.Increment(ref s_last)]);
    private readonly Upstream _upstream = Upstream.Answering(_ => Upstream.Ok("ok"));
    private ProxyServer? _proxy;

    public async ValueTask DisposeAsync()
    {
        if (_proxy is not null)
        {
            await _proxy.DisposeAsync();
        }
        _upstream.Dispose();
    }

    [Theory]
    [InlineData("127.0.0.1", "1.1")]
    [InlineData("127.0.0.1", "2.0")]
    [InlineData("0.0.0.0", "1.1")]
    [InlineData("*", "1.1")]
    public async Task ClusterLocalHost_AnswersInsideAlone_APublicOneAtBothDoors(string listen, string version)
    {
        var proxy = await StartAsync(new ProxyOptions { HttpAddress = listen });
        var open = new IPEndPoint(IPAddress.Loopback, proxy.HttpPort);
        var alsoInside = new IPEndPoint(_private, proxy.HttpPort);

        Assert.Equal(HttpStatusCode.NotFound, await GetAsync(open, "local", version));
        Assert.Equal(HttpStatusCode.OK, await GetAsync(open, "open", version));
        foreach (var inside in (IPEndPoint[])[proxy.PrivateEndPoint!, alsoInside])
        {
            Assert.Equal(HttpStatusCode.OK, await GetAsync(inside, "local", version));
            Assert.Equal(HttpStatusCode.OK, await GetAsync(inside, "open", version));
        }
    }

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task WithTls_ClusterLocalHost_AnswersInsideAlone(string version)
    {
        var proxy = await StartAsync(new ProxyOptions { HttpsPort = 0 });
        var (open, inside) = (new IPEndPoint(IPAddress.Loopback, proxy.HttpsPort), new IPEndPoint(_private, proxy.PrivateHttpsPort));

        var refusal = await Assert.ThrowsAsync<HttpRequestException>(() => GetAsync(open, "local", version, "https"));
        Assert.Contains("unrecognized name", refusal.ToString(), StringComparison.Ordinal); // not even that it exists
        Assert.Equal(HttpStatusCode.OK, await GetAsync(open, "open", version, "https"));
        Assert.Equal(HttpStatusCode.OK, await GetAsync(inside, "local", version, "https"));
        Assert.Equal(HttpStatusCode.OK, await GetAsync(inside, "open", version, "https"));
    }

    /// <summary>A neighbour may send to any address of the machine.</summary>
    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task Stranger_AtThePrivateAddress_SeesThePublicRoutes(string version)
    {
        var proxy = await StartAsync(new ProxyOptions { IsInside = client => !IPAddress.IsLoopback(client) });

        Assert.Equal(HttpStatusCode.NotFound, await GetAsync(proxy.PrivateEndPoint!, "local", version));
        Assert.Equal(HttpStatusCode.OK, await GetAsync(proxy.PrivateEndPoint!, "open", version));
    }

    /// <summary>Where another program has port 80, the private door has the number of the public one.</summary>
    [Fact]
    public async Task Port80Taken_ThePublicPortIsThePrivateOne()
    {
        using var other = new System.Net.Sockets.TcpListener(_private, 80);
        try
        {
            other.Start();
        }
        catch (System.Net.Sockets.SocketException)
        {
            // Not for this user, and so not for the proxy: just as good.
        }
        var proxy = await StartAsync(new ProxyOptions());

        Assert.Equal(new IPEndPoint(_private, proxy.HttpPort), proxy.PrivateEndPoint);
        Assert.Equal(HttpStatusCode.OK, await GetAsync(proxy.PrivateEndPoint!, "local", "1.1"));
    }

    /// <summary>A gateway that serves the pods of several nodes.</summary>
    [Fact]
    public async Task SeveralPrivateAddresses_AllAreInside()
    {
        var proxy = await StartAsync(new ProxyOptions());
        var first = proxy.PrivateEndPoint!;
        var second = IPAddress.Parse("127.1.2.83");
        proxy.ListenInside(second);

        Assert.Equal(second, proxy.PrivateEndPoint!.Address);
        Assert.Equal(HttpStatusCode.OK, await GetAsync(proxy.PrivateEndPoint, "local", "1.1"));
        Assert.Equal(HttpStatusCode.OK, await GetAsync(first, "local", "1.1"));
    }

    [Fact]
    public async Task PublicAddress_CannotBeThePrivateOne()
    {
        _proxy = new ProxyServer(new ProxyOptions { HttpAddress = _private.ToString(), HttpPort = 0 });
        await _proxy.StartAsync();

        var refused = Assert.Throws<ProxyBindException>(() => _proxy.ListenInside(_private));

        Assert.Contains("--listen", refused.Message, StringComparison.Ordinal);
    }

    private static async Task<HttpStatusCode> GetAsync(IPEndPoint at, string host, string version, string scheme = "http")
    {
        using var client = new HttpClient(new SocketsHttpHandler
        {
            UseProxy = false, SslOptions = { RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null },
        });
        using var request = new HttpRequestMessage(HttpMethod.Get, $"{scheme}://{at}/")
        {
            Headers = { Host = host }, Version = new Version(version), VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        using var response = await client.SendAsync(request);
        return response.StatusCode;
    }

    private async Task<ProxyServer> StartAsync(ProxyOptions options)
    {
        _proxy = new ProxyServer(options with { HttpPort = 0 });
        await _proxy.StartAsync();
        _proxy.ListenInside(_private);
        var backend = BackendKey.Revision("n", "r");
        var tls = TlsTable.Empty.With("open", TestCertificate.For("open")).With("local", TestCertificate.For("local"));
        _proxy.Publish(new RouteTableBuilder().Add("open", Rule(RouteVisibility.External)).Add("local", Rule(RouteVisibility.ClusterLocal)).Build(1).With(1, [], [], tls));
        _proxy.Set(backend, EndpointsSnapshot.Of(_upstream.Endpoint("i")));
        return _proxy;

        RouteRule Rule(RouteVisibility visibility) => new() { Visibility = visibility, Backends = [new WeightedBackend { Backend = backend }] };
    }
}
