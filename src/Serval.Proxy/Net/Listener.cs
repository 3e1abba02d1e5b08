using System.Net;
using System.Net.Sockets;

namespace Serval.Proxy;

/// <summary>The listening sockets of one address and port.</summary>
internal sealed class Listener(IReadOnlyList<Socket> sockets, int port) : IDisposable
{
    private const int Backlog = 4096;
    private const int FreePortAttempts = 16;

    public int Port => port;

    public IReadOnlyList<Socket> Sockets => sockets;

    /// <summary>Binds; a loopback address binds both families, as clients may resolve names below <c>localhost</c> to either.</summary>
    public static Listener Bind(ProxyOptions options)
    {
        var (address, port) = (options.HttpAddress, options.HttpPort);
        var addresses = Addresses(options);
        try
        {
            for (var attempt = 1; ; attempt++)
            {
                try
                {
                    return BindAll(addresses, port);
                }
                catch (SocketException e) when (port == 0 && e.SocketErrorCode == SocketError.AddressAlreadyInUse && attempt < FreePortAttempts)
                {
                    // The port that was free is another's in the other family, or was taken before we listened.
                }
            }
        }
        catch (SocketException e)
        {
            throw new ProxyBindException(e.SocketErrorCode switch
            {
                SocketError.AddressAlreadyInUse =>
                    $"port {port} on {address} is already in use, so the gateway cannot listen there; stop the program that uses it, or choose another port with {options.PortOption} (0 takes a free one)",
                SocketError.AccessDenied =>
                    $"port {port} on {address} is not for this user; choose one above 1023 with {options.PortOption}",
                SocketError.AddressNotAvailable => $"{address} is not an address of this machine; choose another with {options.AddressOption} (127.0.0.1, or 0.0.0.0 for all)",
                _ => $"cannot listen on {address} port {port} ({e.Message}); check {options.AddressOption} and {options.PortOption}",
            }, e);
        }
    }

    /// <summary>Binds an address beside the public ones: the usual port and the public one, else any. The first of them is its <see cref="Port"/>.</summary>
    public static Listener BindPrivate(IPAddress address, Listener open, int usual)
    {
        if (open.Sockets.Any(s => ((IPEndPoint)s.LocalEndPoint!).Address.Equals(address)))
        {
            throw new ProxyBindException($"{address} is the gateway's private address; choose another with --listen", null);
        }
        var everywhere = open.Sockets.Any(s => ((IPEndPoint)s.LocalEndPoint!).Address is var a && (a.Equals(IPAddress.Any) || a.Equals(IPAddress.IPv6Any)));
        var (bound, first) = (new List<Socket>(), 0);
        foreach (var port in (ReadOnlySpan<int>)[usual, open.Port])
        {
            var listens = everywhere && port == open.Port; // what listens everywhere has it
            if (!listens && TryBind(address, port) is { } socket)
            {
                bound.Add(socket);
                listens = true;
            }
            first = first == 0 && listens ? port : first;
        }
        if (first == 0)
        {
            bound.Add(TryBind(address, 0) ?? throw new ProxyBindException($"the gateway cannot listen on {address} for programs inside; look at the addresses of this machine", null));
            first = ((IPEndPoint)bound[0].LocalEndPoint!).Port;
        }
        return new Listener(bound, first);
    }

    public void Dispose()
    {
        foreach (var socket in sockets)
        {
            socket.Dispose();
        }
    }

    private static Listener BindAll(IPAddress[] addresses, int port)
    {
        var bound = new List<Socket>();
        try
        {
            foreach (var ip in addresses)
            {
                if (ip.AddressFamily == AddressFamily.InterNetworkV6 && !Socket.OSSupportsIPv6 && bound.Count > 0)
                {
                    continue;
                }
                bound.Add(BindOne(ip, bound.Count == 0 ? port : ((IPEndPoint)bound[0].LocalEndPoint!).Port, optional: bound.Count > 0) ?? bound[0]);
            }
            return new Listener([.. bound.Distinct()], ((IPEndPoint)bound[0].LocalEndPoint!).Port);
        }
        catch (SocketException)
        {
            bound.ForEach(s => s.Dispose());
            throw;
        }
    }

    private static IPAddress[] Addresses(ProxyOptions options)
    {
        var address = options.HttpAddress;
        if (address is "*" or "")
        {
            return Socket.OSSupportsIPv6 ? [IPAddress.IPv6Any] : [IPAddress.Any];
        }
        if (address.Equals("localhost", StringComparison.OrdinalIgnoreCase))
        {
            return [IPAddress.Loopback, IPAddress.IPv6Loopback];
        }
        if (!IPAddress.TryParse(address, out var ip))
        {
            throw new ProxyBindException(
                $"\"{address}\" is not an address to listen on; give an IP address, \"localhost\" or \"*\" with {options.AddressOption}", null);
        }
        return !IPAddress.IsLoopback(ip) ? [ip]
            : ip.AddressFamily == AddressFamily.InterNetwork ? [ip, IPAddress.IPv6Loopback] : [ip, IPAddress.Loopback];
    }

    private static Socket? TryBind(IPAddress address, int port)
    {
        try
        {
            return BindOne(address, port, optional: false);
        }
        catch (SocketException)
        {
            return null; // another program's, or not for this user
        }
    }

    private static Socket? BindOne(IPAddress ip, int port, bool optional)
    {
        Socket? socket = null;
        try
        {
            socket = new Socket(ip.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            if (ip.AddressFamily == AddressFamily.InterNetworkV6)
            {
                socket.DualMode = ip.Equals(IPAddress.IPv6Any);
            }
            socket.Bind(new IPEndPoint(ip, port));
            TcpKeepAlive.TurnOn(socket);
            socket.Listen(Backlog);
            return socket;
        }
        catch (SocketException e) when (optional && e.SocketErrorCode is SocketError.AddressNotAvailable or SocketError.AddressFamilyNotSupported)
        {
            socket?.Dispose();
            return null; // this machine has one family only
        }
        catch (SocketException)
        {
            socket?.Dispose();
            throw;
        }
    }
}
