using System.Globalization;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using Serval.Api.Core;

namespace Serval.Node.Probes;

/// <summary>Single runs of network probes. The caller bounds them in time.</summary>
internal static class NetworkChecks
{
    private const int HeadSize = 512;
    private const string UserAgent = "kube-probe/1.34";

    public static async Task<ProbeResult> TcpAsync(ProbeTarget target, CancellationToken ct)
    {
        try
        {
            using var socket = await target.ConnectAsync(ct);
            return ProbeResult.Success;
        }
        catch (SocketException e)
        {
            return ProbeResult.Failure($"dial tcp {target}: {e.Message}");
        }
    }

    /// <summary>One GET on a fresh connection; 200 to 399 is success, as kubelet's. Certificates are not verified, as kubelet does.</summary>
    /// <param name="action">What is asked for.</param>
    /// <param name="target">Who is asked.</param>
    /// <param name="ct">Gives up.</param>
    /// <param name="anyStatus">Whether any answer is success: a lifecycle hook tells something and asks nothing.</param>
    public static async Task<ProbeResult> HttpAsync(HttpGetAction action, ProbeTarget target, CancellationToken ct, bool anyStatus = false)
    {
        var path = action.Path.StartsWith('/') ? action.Path : "/" + action.Path;
        var tls = action.Scheme.Equals("HTTPS", StringComparison.OrdinalIgnoreCase);
        var url = $"{(tls ? "https" : "http")}://{target}{path}";
        try
        {
            using var socket = await target.ConnectAsync(ct);
            await using Stream plain = new NetworkStream(socket);
            await using var stream = tls ? await SecureAsync(plain, target.Host, ct) : plain;
            await stream.WriteAsync(Encoding.UTF8.GetBytes(Request(action, path, target)), ct);
            var status = await ReadStatusAsync(stream, ct);
            return status switch
            {
                >= 200 and < 400 => ProbeResult.Success,
                > 0 when anyStatus => ProbeResult.Success,
                0 => ProbeResult.Failure($"Get \"{url}\": the answer is not HTTP/1"),
                _ => ProbeResult.Failure($"HTTP probe failed with statuscode: {status}"),
            };
        }
        catch (Exception e) when (e is SocketException or IOException or System.Security.Authentication.AuthenticationException)
        {
            return ProbeResult.Failure($"Get \"{url}\": {e.Message}");
        }
    }

    /// <summary>
    /// The same of a program of which it is not known whether it speaks HTTP/2 (config-features: autodetect-http2): asked with it first, and with
    /// HTTP/1 when that is no success (knative/serving: queue/health: detectHTTPProtocolVersion).
    /// Half the time is for either: a program may wait for the rest of what it takes for a line of HTTP/1.
    /// </summary>
    public static async Task<ProbeResult> EitherHttpAsync(
        HttpGetAction action, ProbeTarget target, TimeSpan timeout, TimeProvider time, CancellationToken ct)
    {
        if (!action.Scheme.Equals("HTTPS", StringComparison.OrdinalIgnoreCase))
        {
            using var half = new CancellationTokenSource(timeout / 2, time);
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct, half.Token);
            if (await IsHttp2SuccessAsync(action, target, limit.Token))
            {
                return ProbeResult.Success;
            }
            ct.ThrowIfCancellationRequested();
        }
        return await HttpAsync(action, target, ct);
    }

    private static async Task<bool> IsHttp2SuccessAsync(HttpGetAction action, ProbeTarget target, CancellationToken ct)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"http://{target}/{action.Path.TrimStart('/')}");
            foreach (var header in action.HttpHeaders.Prepend(new HttpHeader("User-Agent", UserAgent)))
            {
                request.Headers.Remove(header.Name);
                request.Headers.TryAddWithoutValidation(header.Name, header.Value);
            }
            using var response = await Http2Client.SendAsync(request, target, HttpCompletionOption.ResponseHeadersRead, ct);
            return (int)response.StatusCode is >= 200 and < 400;
        }
        catch (Exception e) when (e is HttpRequestException or UriFormatException or OperationCanceledException)
        {
            return false;
        }
    }

    private static string Request(HttpGetAction action, string path, ProbeTarget target)
    {
        var request = new StringBuilder($"GET {path} HTTP/1.1\r\n");
        if (!action.HttpHeaders.Any(h => h.Name.Equals("Host", StringComparison.OrdinalIgnoreCase)))
        {
            request.Append(CultureInfo.InvariantCulture, $"Host: {target}\r\n");
        }
        if (!action.HttpHeaders.Any(h => h.Name.Equals("User-Agent", StringComparison.OrdinalIgnoreCase)))
        {
            request.Append("User-Agent: ").Append(UserAgent).Append("\r\n");
        }
        foreach (var header in action.HttpHeaders)
        {
            request.Append(header.Name).Append(": ").Append(header.Value).Append("\r\n");
        }
        return request.Append("Accept: */*\r\nConnection: close\r\n\r\n").ToString();
    }

    private static async Task<int> ReadStatusAsync(Stream stream, CancellationToken ct)
    {
        var head = new byte[HeadSize];
        var length = 0;
        while (length < head.Length && !head.AsSpan(0, length).Contains((byte)'\n'))
        {
            var read = await stream.ReadAsync(head.AsMemory(length), ct);
            if (read == 0)
            {
                break;
            }
            length += read;
        }
        var line = head.AsSpan(0, length);
        return line.Length >= 12 && line.StartsWith("HTTP/1."u8)
            && int.TryParse(line.Slice(9, 3), NumberStyles.None, CultureInfo.InvariantCulture, out var status) ? status : 0;
    }

    private static async Task<Stream> SecureAsync(Stream plain, string host, CancellationToken ct)
    {
        var stream = new SslStream(plain, leaveInnerStreamOpen: false);
        await stream.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions
            {
                TargetHost = host,
#pragma warning disable CA5359 // A probe asks whether the program answers, not who it is.
                RemoteCertificateValidationCallback = static (_, _, _, _) => true,
#pragma warning restore CA5359
            },
            ct);
        return stream;
    }
}
