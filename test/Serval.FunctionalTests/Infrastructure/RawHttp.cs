using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Serval.Testing;

/// <summary>One HTTP/1.1 request on a socket of its own: nothing between the caller and the bytes.</summary>
internal static class RawHttp
{
    /// <summary>Sends GET and reads to the end. Returns the status code and everything received.</summary>
    internal static Task<(int Code, string Text)> GetAsync(int port, string host, string path, CancellationToken ct) =>
        GetAsync(new IPEndPoint(IPAddress.Loopback, port), host, path, ct);

    /// <summary>The same at another address.</summary>
    internal static Task<(int Code, string Text)> GetAsync(IPEndPoint at, string host, string path, CancellationToken ct) =>
        SendAsync(at, $"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n", cutIsEnd: false, ct);

    /// <summary>Sends these bytes and reads to the end.</summary>
    /// <param name="at">Where to.</param>
    /// <param name="request">What.</param>
    /// <param name="cutIsEnd">A reset ends the answer instead of failing.</param>
    /// <param name="ct">Patience.</param>
    internal static async Task<(int Code, string Text)> SendAsync(IPEndPoint at, string request, bool cutIsEnd, CancellationToken ct)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(at, ct);
        await socket.SendAsync(Encoding.Latin1.GetBytes(request), ct);
        var received = new MemoryStream();
        var buffer = new byte[8192];
        int read;
        try
        {
            while ((read = await socket.ReceiveAsync(buffer, ct)) > 0)
            {
                received.Write(buffer, 0, read);
            }
        }
        catch (SocketException e) when (cutIsEnd && e.SocketErrorCode == SocketError.ConnectionReset)
        {
            // What came before it is the answer.
        }
        var text = Encoding.UTF8.GetString(received.ToArray());
        return (text.Length >= 12 && int.TryParse(text.AsSpan(9, 3), out var code) ? code : 0, text);
    }
}
