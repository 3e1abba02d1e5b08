using System.Net;
using System.Net.Sockets;

namespace Serval.Remote;

/// <summary>HTTP to a service through a gateway: the URL says the host, the gateway's address says where to connect.</summary>
internal static class GatewayCall
{
    public static HttpClient CreateClient(Uri? gateway, TimeSpan timeout)
    {
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            AllowAutoRedirect = false,
            UseCookies = false,
            ConnectCallback = (context, ct) => ConnectAsync(gateway, context.DnsEndPoint, ct),
        };
        return new HttpClient(handler, disposeHandler: true) { Timeout = timeout };
    }

    private static async ValueTask<Stream> ConnectAsync(Uri? gateway, DnsEndPoint wanted, CancellationToken ct)
    {
        var host = gateway?.Host.Trim('[', ']') ?? wanted.Host;
        var port = gateway?.Port ?? wanted.Port;
        // Names below localhost mean this machine (RFC 6761), also where the resolver does not know that.
        var local = host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || host.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(local ? "127.0.0.1" : host is "0.0.0.0" or "::" ? "127.0.0.1" : host, port, ct);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
