using System.Net;
using System.Net.Sockets;

namespace Serval.Node.Probes;

/// <summary>Whom a network probe asks.</summary>
/// <param name="Host">Its name or address.</param>
/// <param name="Port">Its port.</param>
/// <param name="Connect">How it is reached when that is not from this machine's network.</param>
internal sealed record ProbeTarget(string Host, int Port, Func<int, CancellationToken, Task<Socket>>? Connect = null)
{
    public override string ToString() => $"{Host}:{Port}";

    public async Task<Socket> ConnectAsync(CancellationToken ct)
    {
        if (Connect is { } inside)
        {
            return await inside(Port, ct);
        }
        var address = IPAddress.TryParse(Host, out var parsed) ? parsed : (await Dns.GetHostAddressesAsync(Host, ct))[0];
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(new IPEndPoint(address, Port), ct);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
