using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Serval.Proxy;

/// <summary>Requests to instances through the framework's HTTP client: HTTP/2 instances, and HTTP/2 clients of any instance.</summary>
internal sealed class HandlerUpstream(ProxyOptions options) : IDisposable
{
    /// <summary>Bodies up to this length are sent before the answer is read: a socket takes them.</summary>
    private const int MaxSentFirst = 64 * 1024;

    private readonly HttpMessageInvoker _invoker = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        UseCookies = false,
        UseProxy = false,
        ActivityHeadersPropagator = null,
        EnableMultipleHttp2Connections = true,
        ConnectTimeout = options.ConnectTimeout,
        ConnectCallback = async (context, ct) => new NetworkStream(await ConnectAsync(new Dialer(options.OpenInside), context.DnsEndPoint, ct), ownsSocket: true),
        PooledConnectionIdleTimeout = options.UpstreamIdleTimeout,
        MaxResponseHeadersLength = 64,
        ResponseDrainTimeout = TimeSpan.Zero,
        RequestHeaderEncodingSelector = (_, _) => Encoding.Latin1,
        ResponseHeaderEncodingSelector = (_, _) => Encoding.Latin1,
    });

    /// <summary>An answer may begin before the request has ended, whatever the instance speaks.</summary>
    public async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken ct)
    {
        if (request.Content is BodyContent body && request.Version.Major == 1 && body.Headers.ContentLength is null or > MaxSentFirst)
        {
            return await SendDuplexAsync(request, body, ct);
        }
        try
        {
            return await _invoker.SendAsync(request, ct);
        }
        catch (SocketException e)
        {
            // The framework asks a new connection for its peer where nothing catches (HttpConnectionPool.ConnectAsync): it was reset already.
            throw new HttpRequestException(HttpRequestError.ConnectionError, inner: e);
        }
    }

    /// <summary>What it was that kept an instance from answering: what it said, or the end of its connection.</summary>
    public static RequestOutcome FailureOf(Exception e) =>
        e is HttpRequestException { HttpRequestError: HttpRequestError.HttpProtocolError or HttpRequestError.InvalidResponse or HttpRequestError.VersionNegotiationError }
        && e.GetBaseException() is not (SocketException or HttpIOException { HttpRequestError: HttpRequestError.ResponseEnded }) // it ended before its settings came
            ? RequestOutcome.UpstreamBadResponse : RequestOutcome.UpstreamReset;

    /// <summary>A request for an instance; the target is kept as it is.</summary>
    public static HttpRequestMessage NewRequest(string method, Instance instance, string target, bool http2)
    {
        var host = instance.Host.Contains(':', StringComparison.Ordinal) ? $"[{instance.Host}]" : instance.Host;
        var path = target.StartsWith('/') ? target : "/";
        return new HttpRequestMessage
        {
            Method = new HttpMethod(method),
            RequestUri = new Uri($"http://{host}:{instance.Port}{path}", new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }),
            Version = http2 ? HttpVersion.Version20 : HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
    }

    public static void AddHeader(HttpRequestMessage request, string name, string? value)
    {
        if (!request.Headers.TryAddWithoutValidation(name, value))
        {
            request.Content?.Headers.TryAddWithoutValidation(name, value);
        }
    }

    /// <summary>False for a host the framework's client does not take, such as one with a port beyond 65535.</summary>
    public static bool TrySetHost(HttpRequestMessage request, string host)
    {
        try
        {
            request.Headers.Host = host;
            return true;
        }
        catch (FormatException)
        {
            return false;
        }
    }

    /// <summary>Headers for one hop, which HTTP/2 forbids or the client library sets itself.</summary>
    public static bool IsPassedOn(string name) => KnownOf(name) is KnownHeader.None or KnownHeader.Accept or KnownHeader.Trailer
        or KnownHeader.NetworkHash or KnownHeader.NetworkProbe or KnownHeader.XForwardedFor or KnownHeader.XForwardedHost
        or KnownHeader.XForwardedProto or KnownHeader.Forwarded or KnownHeader.ContentLength;

    public static KnownHeader KnownOf(string name)
    {
        Span<byte> bytes = stackalloc byte[20];
        return name.Length is > 0 and <= 20 && Encoding.ASCII.TryGetBytes(name, bytes, out var count) ? KnownHeaders.Find(bytes[..count]) : KnownHeader.None;
    }

    public void Dispose() => _invoker.Dispose();

    private async Task<HttpResponseMessage> SendDuplexAsync(HttpRequestMessage request, BodyContent body, CancellationToken ct)
    {
        using var limit = new CancellationTokenSource(options.ConnectTimeout, options.TimeProvider);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token);
        Socket connection;
        try
        {
            connection = await ConnectAsync(new Dialer(options.OpenInside), new DnsEndPoint(request.RequestUri!.IdnHost, request.RequestUri.Port), patience.Token);
        }
        catch (Exception e) when (e is SocketException || (e is OperationCanceledException && !ct.IsCancellationRequested))
        {
            throw new HttpRequestException(HttpRequestError.ConnectionError, inner: e);
        }
        return await Http1Duplex.SendAsync(request, body, connection, options, ct);
    }

    private static ValueTask<Socket> ConnectAsync(Dialer dialer, DnsEndPoint name, CancellationToken ct) =>
        dialer.ConnectAsync(IPAddress.TryParse(name.Host, out var ip) ? new IPEndPoint(ip, name.Port) : name, static _ => { }, ct);
}
