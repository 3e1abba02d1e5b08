using System.Net.WebSockets;
using System.Text;
using Microsoft.AspNetCore.Http;
using Serval.Api;
using Serval.Kube;
using Serval.Kube.Streams;

namespace Serval.ApiServer.Http;

/// <summary>
/// A log as messages of a WebSocket, the first of them empty; what the client sends is dropped (kubernetes apiserver StreamObject, httpstream/wsstream/stream.go).
/// The handshake is answered with the first write or flush: what fails before is an answer of HTTP.
/// </summary>
internal sealed class LogSocket : AsyncStream
{
    private const string Binary = "binary.k8s.io";
    private const string Base64 = "base64.binary.k8s.io";

    private static readonly TimeSpan s_goodbye = TimeSpan.FromSeconds(10);

    private readonly HttpContext _http;
    private readonly TimeProvider _time;
    private readonly string _protocol;
    private readonly CancellationTokenSource _left = new();
    private WebSocket? _socket;
    private Task _listening = Task.CompletedTask;

    private LogSocket(HttpContext http, string protocol, TimeProvider time) => (_http, _protocol, _time) = (http, protocol, time);

    public override bool CanRead => false;

    /// <summary>The client has closed the connection, or is gone.</summary>
    public CancellationToken Left => _left.Token;

    /// <summary>One in the first of the client's subprotocols that is served, or in none when it names none. Throws 400 when there is none to choose.</summary>
    public static LogSocket For(HttpContext http, TimeProvider time)
    {
        var offered = WebSocketUpgrade.Offered(http.Request);
        var protocol = offered.Count == 0 ? "" : offered.FirstOrDefault(o => o is Binary or Base64)
            ?? throw ApiException.BadRequest($"unable to upgrade: none of the subprotocols {string.Join(", ", offered)} is served, but {Binary} and {Base64} are");
        return new LogSocket(http, protocol, time);
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        await OpenAsync(cancellationToken);
        await SendAsync(buffer, cancellationToken);
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => OpenAsync(cancellationToken);

    /// <summary>Ends the connection, as the client is told.</summary>
    public async Task CloseAsync(CancellationToken ct)
    {
        try
        {
            await OpenAsync(ct); // also of a log of nothing
            if (_socket!.State is WebSocketState.Open or WebSocketState.CloseReceived)
            {
                await _socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, ct);
                await _listening.WaitAsync(s_goodbye, _time, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
        catch (Exception e) when (e is IOException or WebSocketException or OperationCanceledException)
        {
            // it has gone
        }
    }

    public override async ValueTask DisposeAsync()
    {
        _socket?.Dispose();
        await _listening;
        _left.Dispose();
        await base.DisposeAsync();
    }

    private async Task OpenAsync(CancellationToken ct)
    {
        if (_socket is null)
        {
            _socket = await WebSocketUpgrade.AcceptAsync(_http, _protocol);
            _listening = ListenAsync(_socket);
            await SendAsync(default, ct);
        }
    }

    private async ValueTask SendAsync(ReadOnlyMemory<byte> piece, CancellationToken ct)
    {
        try
        {
            await (_protocol == Base64
                ? _socket!.SendAsync(Encoding.ASCII.GetBytes(Convert.ToBase64String(piece.Span)).AsMemory(), WebSocketMessageType.Text, endOfMessage: true, ct)
                : _socket!.SendAsync(piece, WebSocketMessageType.Binary, endOfMessage: true, ct));
        }
        catch (Exception e) when (e is IOException or WebSocketException)
        {
            await _left.CancelAsync(); // whoever listens for the client may not have heard of it yet
            throw new OperationCanceledException("the client has gone", e, _left.Token);
        }
    }

    private async Task ListenAsync(WebSocket socket)
    {
        var dropped = new byte[256];
        try
        {
            while ((await socket.ReceiveAsync(dropped.AsMemory(), CancellationToken.None)).MessageType != WebSocketMessageType.Close)
            {
            }
        }
        catch (Exception e) when (e is IOException or WebSocketException or OperationCanceledException or ObjectDisposedException)
        {
            // it has gone
        }
        await _left.CancelAsync();
    }
}
