using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Serval.Node.Sockets;

namespace Serval.Node.Network;

/// <summary>The network of one pod: an address of its own, and every port. Disposed with the pod; the kernel removes the rest.</summary>
internal sealed class PodNamespace : IDisposable
{
    private readonly PodNetwork _owner;
    private readonly ConcurrentDictionary<int, (Task Program, LoopbackRelay Relay)> _relays = new(); // by port

    private PodNamespace(PodNetwork owner, IPAddress address, NetworkNamespace handle)
    {
        (_owner, Address, Handle) = (owner, address, handle);
        Diag = handle.Make(static () => new SockDiag());
    }

    public IPAddress Address { get; }

    /// <summary>The machine, as the pod sees it.</summary>
    public IPAddress Gateway => _owner.Gateway;

    public NetworkNamespace Handle { get; }

    /// <summary>Its listening sockets, for the prober.</summary>
    public SockDiag Diag { get; }

    /// <summary>Makes a namespace with one interface. Throws <see cref="NetlinkException"/>.</summary>
    /// <param name="owner">The network.</param>
    /// <param name="net">rtnetlink of the machine.</param>
    /// <param name="subnet">Where the address is from.</param>
    /// <param name="number">Which address.</param>
    public static PodNamespace Create(PodNetwork owner, Netlink net, Subnet subnet, ushort number)
    {
        var address = subnet.Address(number);
        var (handle, inner) = Processes.ProcessRuntime.OnOwnThread(() =>
        {
            var made = NetworkNamespace.Create();
            try
            {
                Sysctls.SetDefaults();
                return (made, new Netlink());
            }
            catch
            {
                made.Dispose();
                throw;
            }
        });
        using (inner)
        {
            try
            {
                Connect(net, inner, subnet, number, handle);
                return new PodNamespace(owner, address, handle);
            }
            catch
            {
                handle.Dispose();
                throw;
            }
        }
    }

    /// <summary>A connection to a port of the pod: to its address, or to its own 127.0.0.1 when it listens there alone.</summary>
    public async Task<Socket> ConnectAsync(int port, CancellationToken ct)
    {
        if (_relays.ContainsKey(port))
        {
            return await ConnectLoopbackAsync(port, ct); // the relay would answer for a program that does not
        }
        try
        {
            return await ConnectAsync(new Socket(SocketType.Stream, ProtocolType.Tcp), Address, port, ct);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused)
        {
            return await ConnectLoopbackAsync(port, ct);
        }
    }

    /// <summary>A connection to a port of its 127.0.0.1.</summary>
    public Task<Socket> ConnectLoopbackAsync(int port, CancellationToken ct) => ConnectAsync(OpenSocket(), IPAddress.Loopback, port, ct);

    /// <summary>Has what listens on a port of its 127.0.0.1 alone reached at its address too, until the program that does has ended.</summary>
    public void Relay(int port, Task ended, TimeProvider time)
    {
        if (_relays.TryGetValue(port, out var present))
        {
            if (present.Program == ended)
            {
                return; // each probe asks
            }
            End(present); // of a program before: it would have the port still
        }
        if (LoopbackRelay.TryStart(this, port, time) is { } relay)
        {
            var started = (ended, relay);
            _relays[port] = started;
            _ = EndAsync();

            async Task EndAsync()
            {
                await ended.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                End(started);
            }
        }

        void End((Task, LoopbackRelay Relay) one)
        {
            _relays.TryRemove(KeyValuePair.Create(port, one));
            one.Relay.Dispose();
        }
    }

    /// <summary>An unconnected TCP socket in it.</summary>
    public Socket OpenSocket() => Handle.Make(static () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));

    /// <summary>Sets a parameter of its kernel's network. Throws <see cref="IOException"/>, <see cref="UnauthorizedAccessException"/>.</summary>
    /// <param name="name">As in sysctl.conf, below <c>net</c>.</param>
    /// <param name="value">The kernel judges it.</param>
    public void Set(string name, string value) => Handle.Make(() =>
    {
        Sysctls.Set(name, value);
        return true;
    });

    public void Dispose()
    {
        _owner.Forget(this);
        foreach (var (_, relay) in _relays.Values)
        {
            relay.Dispose();
        }
        Diag.Dispose();
        Handle.Dispose();
    }

    private static async Task<Socket> ConnectAsync(Socket socket, IPAddress address, int port, CancellationToken ct)
    {
        try
        {
            socket.NoDelay = true;
            await socket.ConnectAsync(new IPEndPoint(address, port), ct);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static void Connect(Netlink net, Netlink inner, Subnet subnet, ushort number, NetworkNamespace handle)
    {
        var (name, address, gateway) = (subnet.Interface(number), subnet.Address(number), subnet.Gateway);
        net.AddPair(name, subnet.Group, handle.Descriptor);
        var inside = inner.IndexOf("eth0");
        inner.BringUp(inner.IndexOf("lo"));
        inner.BringUp(inside);
        inner.AddAddress(inside, address, gateway);
        inner.AddNeighbour(inside, gateway, inside: false);
        inner.AddRoute(inside, to: null, gateway, source: null);
        var outside = net.IndexOf(name);
        net.BringUp(outside);
        net.AddRoute(outside, address, gateway: null, source: gateway);
        net.AddNeighbour(outside, address, inside: true);
        // Whoever looks at an interface makes the kernel note its carrier now (since Linux 6.8) and not up to a second later, until when it drops packets.
        _ = inner.IndexOf("eth0");
        _ = net.IndexOf(name);
    }
}
