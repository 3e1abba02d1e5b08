using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Serval.Api;

namespace Serval.Kube.Remote;

/// <summary>
/// Requests to one API server. A server that says when to come back is asked again (client-go: rest/with_retry.go); a connection that breaks
/// before an answer is tried again for reads, and for writes whose caller can tell what became of the first; of others nobody knows.
/// </summary>
internal sealed partial class Transport(ClusterAccess access, string userAgent, TimeProvider time, Jitter jitter) : IDisposable
{
    private const int MostReturns = 10;
    private const int MostReconnects = 3;
    private const int MostRepeats = 5; // some seconds, in which a server that fell is there again
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_longestReturn = TimeSpan.FromSeconds(60);
    private readonly HttpMessageInvoker _http = new(access.CreateHandler());

    public void Dispose() => _http.Dispose();

    /// <summary>The answer's body.</summary>
    /// <param name="method">GET, or a write.</param>
    /// <param name="path">With the query.</param>
    /// <param name="ct">Gives up.</param>
    /// <param name="body">Of a write.</param>
    /// <param name="type">The body's.</param>
    /// <param name="write">The write's options.</param>
    /// <param name="lost">Called when a write was sent and its answer lost, before it is sent again; null: it must not be.</param>
    /// <exception cref="ApiException">The server refused, or none answers (503).</exception>
    public async Task<byte[]> SendAsync(
        HttpMethod method, string path, CancellationToken ct, ReadOnlyMemory<byte> body = default, string type = "application/json", WriteOptions? write = null,
        Action? lost = null)
    {
        var isLost = false;
        for (var attempt = 1; ; attempt++)
        {
            TimeSpan pause;
            try
            {
                var (response, answer) = await ExchangeAsync(method, path, body, type, write?.Durability, ct);
                if (response.IsSuccessStatusCode)
                {
                    Warnings(response, write?.Warn);
                    return answer;
                }
                if (attempt > MostReturns || Return(response) is not { } when)
                {
                    throw StatusErrors.Read(method, path, response.StatusCode, answer);
                }
                pause = when;
            }
            catch (HttpRequestException e) when (method == HttpMethod.Get && attempt <= MostReconnects && e.HttpRequestError != HttpRequestError.SecureConnectionError)
            {
                pause = TimeSpan.FromMilliseconds((100 << attempt) * jitter.Factor());
            }
            catch (HttpRequestException e) when (lost is not null && attempt <= MostRepeats && (isLost || WasSent(e)))
            {
                isLost = true;
                lost();
                pause = TimeSpan.FromMilliseconds((100 << attempt) * jitter.Factor());
            }
            catch (HttpRequestException e)
            {
                throw Unreachable(e);
            }
            await Task.Delay(pause, time, ct);
        }
    }

    /// <summary>An answer whose body is read as it comes; the caller disposes it.</summary>
    public async Task<HttpResponseMessage> OpenAsync(string path, CancellationToken ct)
    {
        using var request = Request(HttpMethod.Get, path);
        try
        {
            var response = await SendAsync(request, ct);
            if (response.IsSuccessStatusCode)
            {
                return response;
            }
            using (response)
            {
                throw StatusErrors.Read(request.Method, path, response.StatusCode, await response.Content.ReadAsByteArrayAsync(ct));
            }
        }
        catch (HttpRequestException e)
        {
            throw Unreachable(e);
        }
    }

    private async Task<(HttpResponseMessage Response, byte[] Answer)> ExchangeAsync(
        HttpMethod method, string path, ReadOnlyMemory<byte> body, string type, WriteDurability? durability, CancellationToken ct)
    {
        using var patience = new CancellationTokenSource(s_patience, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(ct, patience.Token);
        using var request = Request(method, path);
        if (!body.IsEmpty)
        {
            request.Content = new ReadOnlyMemoryContent(body);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue(type);
        }
        if (durability is { } wanted)
        {
            request.Headers.TryAddWithoutValidation(WriteOptions.DurabilityHeader, wanted.ToString());
        }
        try
        {
            using var response = await SendAsync(request, both.Token);
            return (response, await response.Content.ReadAsByteArrayAsync(both.Token));
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw new ApiException(504, "Timeout", $"{access.Server} did not answer {method} {path} within {s_patience.TotalSeconds:0} seconds");
        }
    }

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken ct)
    {
        try
        {
            return await _http.SendAsync(request, ct);
        }
        catch (KubeConfigException e)
        {
            throw new ApiException(401, "Unauthorized", e.Message);
        }
    }

    private HttpRequestMessage Request(HttpMethod method, string path)
    {
        var request = new HttpRequestMessage(method, new Uri(access.Server, access.Server.AbsolutePath.TrimEnd('/') + path))
        {
            Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
        };
        request.Headers.TryAddWithoutValidation("User-Agent", userAgent);
        request.Headers.TryAddWithoutValidation("Accept", "application/json");
        return request;
    }

    private static TimeSpan? Return(HttpResponseMessage response) =>
        (int)response.StatusCode is 429 or >= 500 && response.Headers.RetryAfter?.Delta is { } delta
            ? delta < s_longestReturn ? delta : s_longestReturn
            : null;

    // RFC 7234, 5.5: 299 - "text"
    private static void Warnings(HttpResponseMessage response, Action<string>? warn)
    {
        if (warn is null)
        {
            return;
        }
        foreach (var warning in response.Headers.Warning)
        {
            warn(Unquoted(warning.Text));
        }
    }

    private static string Unquoted(string text) => Escaped().Replace(text.Length >= 2 ? text[1..^1] : text, "${character}");

    private static bool WasSent(HttpRequestException e) => e.HttpRequestError
        is not (HttpRequestError.ConnectionError or HttpRequestError.SecureConnectionError or HttpRequestError.NameResolutionError or HttpRequestError.ProxyTunnelError);

    private ApiException Unreachable(HttpRequestException e)
    {
        var cause = e.InnerException is SocketException socket ? socket.Message : e.InnerException?.Message ?? e.Message;
        return new ApiException(503, "ServiceUnavailable", $"no API server answers at {access.Server} ({cause.TrimEnd('.')}), which {access.Source} names");
    }

    [GeneratedRegex(@"\\(?<character>.)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Escaped();
}
