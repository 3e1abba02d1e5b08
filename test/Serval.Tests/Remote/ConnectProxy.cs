using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Serval.Tests.Remote;

/// <summary>A proxy that opens a tunnel to whatever it is asked for (RFC 9110, CONNECT).</summary>
internal sealed class ConnectProxy : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

    public ConnectProxy()
    {
        _listener.Start();
        _ = AcceptAsync();
    }

    public Uri Address => new($"http://{_listener.LocalEndpoint}");

    public void Dispose() => _listener.Dispose();

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = TunnelAsync(await _listener.AcceptTcpClientAsync());
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private static async Task TunnelAsync(TcpClient client)
    {
        using var from = client;
        var (head, piece) = ("", new byte[1]);
        while (!head.EndsWith("\r\n\r\n", StringComparison.Ordinal) && await from.GetStream().ReadAsync(piece) > 0)
        {
            head += (char)piece[0];
        }
        using var to = new TcpClient();
        await to.ConnectAsync(IPEndPoint.Parse(head.Split(' ')[1]));
        await from.GetStream().WriteAsync(Encoding.ASCII.GetBytes("HTTP/1.1 200 OK\r\n\r\n"));
        await Task.WhenAny(from.GetStream().CopyToAsync(to.GetStream()), to.GetStream().CopyToAsync(from.GetStream()));
    }
}
