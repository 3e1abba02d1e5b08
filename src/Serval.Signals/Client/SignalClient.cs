using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Runtime.CompilerServices;
using Serval.Api;
using Serval.Kube.Remote;

namespace Serval.Signals;

/// <summary>
/// Asks peers, over HTTP/2. A peer is believed by the hash of its certificate alone, which its Lease tells; it gets a token that is good for nobody
/// else. A connection that died in silence is noticed by pings.
/// </summary>
public sealed class SignalClient : IDisposable
{
    private const int MostWords = 64 << 10;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_ping = TimeSpan.FromSeconds(5);

    private readonly PeerDirectory _peers;
    private readonly IBearerTokens _tokens;
    private readonly TimeProvider _time;
    private readonly Lock _lock = new();
    private readonly Dictionary<(Uri Address, string Certificate), HttpMessageInvoker> _links = []; // guarded by _lock
    private readonly IDisposable _subscription;

    /// <param name="peers">Whom it may ask.</param>
    /// <param name="tokens">What it shows.</param>
    /// <param name="time">The clock.</param>
    public SignalClient(PeerDirectory peers, IBearerTokens tokens, TimeProvider time)
    {
        (_peers, _tokens, _time) = (peers, tokens, time);
        _subscription = peers.Subscribe(Forget);
    }

    /// <summary>The answer of a peer, as soon as it begins; the caller disposes it. A request without a body is made again with another token after a 401.</summary>
    /// <exception cref="ApiException">It refused, or there is no token to show.</exception>
    /// <exception cref="HttpRequestException">It is not reached, or shows another certificate.</exception>
    /// <exception cref="TimeoutException">It did not begin to answer in time.</exception>
    public Task<HttpResponseMessage> SendAsync(Peer peer, HttpMethod method, string path, CancellationToken ct, HttpContent? content = null) =>
        SendAsync(peer, method, path, content, protocol: null, ct);

    /// <summary>A connection of its own to a peer, switched to another protocol (RFC 9110, 7.8); failures as those of <see cref="SendAsync(Peer, HttpMethod, string, CancellationToken, HttpContent?)"/>.</summary>
    public async Task<Stream> UpgradeAsync(Peer peer, string path, string protocol, CancellationToken ct) =>
        await (await SendAsync(peer, HttpMethod.Get, path, content: null, protocol, ct)).Content.ReadAsStreamAsync(ct);

    private async Task<HttpResponseMessage> SendAsync(Peer peer, HttpMethod method, string path, HttpContent? content, string? protocol, CancellationToken ct)
    {
        using var patience = new CancellationTokenSource(s_patience, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(ct, patience.Token);
        try
        {
            return await ExchangeAsync(peer, method, path, content, protocol, both.Token);
        }
        catch (OperationCanceledException e) when (!ct.IsCancellationRequested)
        {
            throw new TimeoutException($"{peer} did not answer within {s_patience.TotalSeconds:0} seconds", e);
        }
        catch (ObjectDisposedException e)
        {
            throw new HttpRequestException($"{peer} has gone", e);
        }
    }

    /// <summary>The lines of a peer's stream, empty ones too, until it ends.</summary>
    /// <exception cref="TimeoutException">It fell silent.</exception>
    internal async IAsyncEnumerable<byte[]> LinesAsync(Peer peer, string path, [EnumeratorCancellation] CancellationToken ct)
    {
        using var silence = new CancellationTokenSource(Timeout.InfiniteTimeSpan, _time);
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(ct, silence.Token);
        using var response = await SendAsync(peer, HttpMethod.Get, path, ct);
        await using var lines = new LineReader(await response.Content.ReadAsStreamAsync(ct));
        while (true)
        {
            silence.CancelAfter(LineStream.Silence);
            byte[]? line;
            try
            {
                line = await lines.NextAsync(ends.Token);
            }
            catch (OperationCanceledException e) when (!ct.IsCancellationRequested)
            {
                throw new TimeoutException($"{peer} fell silent", e);
            }
            if (line is null)
            {
                yield break;
            }
            yield return line;
        }
    }

    /// <summary>What can come of asking a peer that is not well.</summary>
    internal static bool IsFailure(Exception e) => e is ApiException or HttpRequestException or TimeoutException or IOException;

    public void Dispose()
    {
        _subscription.Dispose();
        lock (_lock)
        {
            foreach (var link in _links.Values)
            {
                link.Dispose();
            }
            _links.Clear();
        }
    }

    private async Task<HttpResponseMessage> ExchangeAsync(Peer peer, HttpMethod method, string path, HttpContent? content, string? protocol, CancellationToken ct)
    {
        var audience = SignalServer.Audience(peer.Certificate);
        var token = await _tokens.GetAsync(audience, refused: null, ct);
        var response = await Link(peer).SendAsync(Request(peer, method, path, token, content, protocol), ct);
        if (response.StatusCode == HttpStatusCode.Unauthorized && content is null && await _tokens.GetAsync(audience, token, ct) is var other && other != token)
        {
            response.Dispose();
            response = await Link(peer).SendAsync(Request(peer, method, path, other, content: null, protocol), ct);
        }
        if (protocol is null ? response.IsSuccessStatusCode : response.StatusCode == HttpStatusCode.SwitchingProtocols)
        {
            return response;
        }
        using (response)
        {
            await response.Content.LoadIntoBufferAsync(MostWords, ct);
            throw StatusErrors.Read(method, path, response.StatusCode, await response.Content.ReadAsByteArrayAsync(ct));
        }
    }

    private static HttpRequestMessage Request(Peer peer, HttpMethod method, string path, string token, HttpContent? content, string? protocol)
    {
        var request = new HttpRequestMessage(method, new Uri(peer.Address, path))
        {
            Version = protocol is null ? HttpVersion.Version20 : HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionExact, Content = content,
            Headers = { Authorization = new AuthenticationHeaderValue("Bearer", token) },
        };
        if (protocol is not null)
        {
            request.Headers.Connection.Add("Upgrade");
            request.Headers.Upgrade.Add(new ProductHeaderValue(protocol));
        }
        return request;
    }

    private HttpMessageInvoker Link(Peer peer)
    {
        lock (_lock)
        {
            var key = (peer.Address, peer.Certificate);
            return _links.TryGetValue(key, out var link) ? link : _links[key] = new HttpMessageInvoker(Connect(peer.Certificate));
        }
    }

    /// <summary>Who is not known any more needs no connections.</summary>
    private void Forget()
    {
        lock (_lock)
        {
            foreach (var (key, link) in _links.Where(l => !_peers.Knows(l.Key.Address, l.Key.Certificate)).ToList())
            {
                _links.Remove(key);
                link.Dispose();
            }
        }
    }

    internal static HttpMessageHandler Connect(string certificate) => new ConnectionHandler(new SocketsHttpHandler
    {
        SslOptions = new SslClientAuthenticationOptions
        {
            RemoteCertificateValidationCallback = (_, shown, _, _) => shown is not null && SignalServer.Hash(shown) == certificate,
        },
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        EnableMultipleHttp2Connections = true,
        ConnectTimeout = s_ping,
        KeepAlivePingDelay = s_ping,
        KeepAlivePingTimeout = s_ping,
        KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
    });
}
