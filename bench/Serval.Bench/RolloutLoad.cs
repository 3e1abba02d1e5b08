using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;

namespace Serval.Bench;

/// <summary>
/// The load of the rollout bench: so many requests a second over kept HTTP/1.1 connections, as many over h2c, and WebSockets that send and
/// expect a message every 100 ms. Requests are due at fixed times and measured from there, whatever the ones before took.
/// </summary>
internal sealed class RolloutLoad(int port)
{
    internal const string Http1Service = "shop";
    internal const string Http2Service = "shop-h2c";

    private const int Rate = 100; // a second and protocol
    private const int Workers = 32;
    private const int SocketCount = 10;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_beat = TimeSpan.FromMilliseconds(100);

    private volatile bool _over;
    private long _messages;
    private int _silent;

    internal ConcurrentBag<Request> Requests { get; } = [];

    /// <summary>Sockets that ended otherwise than by the end of the load.</summary>
    internal ConcurrentBag<EndedSocket> Sockets { get; } = [];

    internal long Messages => _messages;

    internal int Silent => _silent;

    /// <summary>Loads the gateway until <paramref name="end"/> completes.</summary>
    internal async Task RunAsync(Task end)
    {
        using var handler = new SocketsHttpHandler { UseProxy = false, EnableMultipleHttp2Connections = true };
        using var http2 = new HttpClient(handler) { Timeout = s_patience };
        var load = Task.WhenAll(
            PaceAsync("http/1.1", () => new Http1Client(port).GetAsync),
            PaceAsync("h2c", () => ct => GetHttp2Async(http2, ct)),
            Task.WhenAll(Enumerable.Range(0, SocketCount).Select(_ => Task.Run(EchoAsync))));
        await Task.WhenAny(end, load);
        _over = true;
        await load;
    }

    private Task PaceAsync(string protocol, Func<Func<CancellationToken, Task<string?>>> client)
    {
        var start = TimeProvider.System.GetTimestamp();
        var next = -1;
        return Task.WhenAll(Enumerable.Range(0, Workers).Select(_ => Task.Run(async () =>
        {
            var get = client();
            while (!_over)
            {
                var due = TimeSpan.FromSeconds((double)Interlocked.Increment(ref next) / Rate);
                if (due - TimeProvider.System.GetElapsedTime(start) is var early && early > TimeSpan.Zero)
                {
                    await Task.Delay(early, TimeProvider.System);
                }
                using var patience = new CancellationTokenSource(s_patience, TimeProvider.System);
                string? failure;
                try
                {
                    failure = await get(patience.Token);
                }
                catch (Exception e) when (e is HttpRequestException or IOException or SocketException or OperationCanceledException)
                {
                    failure = $"{e.GetType().Name}: {e.Message}";
                }
                Requests.Add(new Request(protocol, (TimeProvider.System.GetElapsedTime(start) - due).TotalMilliseconds, failure));
            }
        })));
    }

    private async Task<string?> GetHttp2Async(HttpClient client, CancellationToken ct)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"http://127.0.0.1:{port}/")
        {
            Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        request.Headers.Host = $"{Http2Service}.default.localhost";
        using var response = await client.SendAsync(request, ct);
        var body = await response.Content.ReadAsStringAsync(ct);
        return response.IsSuccessStatusCode && body.StartsWith(Http2Service, StringComparison.Ordinal) ? null : $"{(int)response.StatusCode} {body.Trim()}";
    }

    private async Task EchoAsync()
    {
        while (!_over)
        {
            using var socket = new ClientWebSocket();
            socket.Options.SetRequestHeader("Host", $"{Http1Service}.default.localhost");
            var pod = "";
            try
            {
                using (var patience = new CancellationTokenSource(s_patience, TimeProvider.System))
                {
                    await socket.ConnectAsync(new Uri($"ws://127.0.0.1:{port}/echo"), patience.Token);
                    pod = await HearAsync(socket, patience.Token) ?? throw new WebSocketException("closed before it said its pod");
                }
                if (await TalkAsync(socket))
                {
                    return;
                }
                Sockets.Add(new EndedSocket(pod, (int?)socket.CloseStatus ?? 0, TimeProvider.System.GetTimestamp()));
                await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
            }
            catch (Exception e) when (e is WebSocketException or OperationCanceledException)
            {
                if (pod.Length == 0 || e is OperationCanceledException)
                {
                    Interlocked.Increment(ref _silent);
                }
                else
                {
                    Sockets.Add(new EndedSocket(pod, (int?)socket.CloseStatus ?? 0, TimeProvider.System.GetTimestamp()));
                }
            }
        }
    }

    /// <summary>True when the load is over, false when the other side closed.</summary>
    private async Task<bool> TalkAsync(ClientWebSocket socket)
    {
        for (var i = 0; !_over; i++)
        {
            using var patience = new CancellationTokenSource(s_patience, TimeProvider.System);
            await socket.SendAsync(Encoding.UTF8.GetBytes($"{i}"), WebSocketMessageType.Text, endOfMessage: true, patience.Token);
            if (await HearAsync(socket, patience.Token) is not { } heard)
            {
                return false;
            }
            if (heard != $"{i}")
            {
                throw new WebSocketException($"heard '{heard}' for '{i}'");
            }
            Interlocked.Increment(ref _messages);
            await Task.Delay(s_beat, TimeProvider.System);
        }
        return true;
    }

    private static async Task<string?> HearAsync(ClientWebSocket socket, CancellationToken ct)
    {
        var buffer = new byte[256];
        var message = await socket.ReceiveAsync(buffer, ct);
        return message.MessageType == WebSocketMessageType.Close ? null : Encoding.UTF8.GetString(buffer, 0, message.Count);
    }

    /// <summary>A request: milliseconds from when it was due, and what was wrong.</summary>
    internal sealed record Request(string Protocol, double Milliseconds, string? Failure);

    /// <summary>A socket that ended: its pod, the code of the close frame (0: none came), when (<see cref="TimeProvider.GetTimestamp"/>).</summary>
    internal sealed record EndedSocket(string Pod, int Code, long Ended);

    /// <summary>One kept connection that forgives nothing: a connection that ends without having said so is a failed request.</summary>
    private sealed class Http1Client(int port)
    {
        private static readonly byte[] s_request = Encoding.ASCII.GetBytes($"GET / HTTP/1.1\r\nHost: {Http1Service}.default.localhost\r\n\r\n");

        private readonly byte[] _buffer = new byte[16 * 1024];
        private Socket? _socket;

        internal async Task<string?> GetAsync(CancellationToken ct)
        {
            try
            {
                if (_socket is null)
                {
                    _socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                    await _socket.ConnectAsync(IPAddress.Loopback, port, ct);
                }
                await _socket.SendAsync(s_request, ct);
                var filled = 0;
                int end;
                while ((end = _buffer.AsSpan(0, filled).IndexOf("\r\n\r\n"u8)) < 0)
                {
                    filled += await MoreAsync(_socket, filled, ct);
                }
                var head = Encoding.ASCII.GetString(_buffer, 0, end);
                var total = end + 4 + int.Parse(Field(head, "Content-Length"), System.Globalization.CultureInfo.InvariantCulture);
                while (filled < total)
                {
                    filled += await MoreAsync(_socket, filled, ct);
                }
                if (Field(head, "Connection").Equals("close", StringComparison.OrdinalIgnoreCase))
                {
                    Drop();
                }
                var body = Encoding.ASCII.GetString(_buffer, end + 4, total - end - 4);
                return head.StartsWith("HTTP/1.1 200", StringComparison.Ordinal) && body.StartsWith(Http1Service, StringComparison.Ordinal) ? null : $"{head[..head.IndexOf('\r')]} {body.Trim()}";
            }
            catch
            {
                Drop();
                throw;
            }
        }

        private async Task<int> MoreAsync(Socket socket, int filled, CancellationToken ct)
        {
            var read = await socket.ReceiveAsync(_buffer.AsMemory(filled), ct);
            return read > 0 ? read : throw new IOException($"the connection ended after {filled} bytes of an answer");
        }

        private void Drop()
        {
            _socket?.Dispose();
            _socket = null;
        }

        private static string Field(string head, string name)
        {
            var start = head.IndexOf($"\r\n{name}: ", StringComparison.OrdinalIgnoreCase);
            if (start < 0)
            {
                return name == "Content-Length" ? throw new IOException($"an answer without a length: {head}") : "";
            }
            start += name.Length + 4;
            var end = head.IndexOf('\r', start);
            return end < 0 ? head[start..] : head[start..end];
        }
    }
}
