using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Serval.Node.Names;
using Serval.Node.Processes;
using Serval.Node.Services;

namespace Serval.Node.Network;

/// <summary>
/// The network of this node's pods: a subnet of its own, named by a bridge without ports, and for each pod a namespace with a pair of
/// interfaces and a route to its one address. A few namespaces are made before they are asked for, so that a wake does not wait for one.
/// </summary>
internal sealed partial class PodNetwork : IDisposable
{
    private const int Spare = 4;
    private const ushort FirstPod = 2;

    private static readonly TimeSpan s_refillAfter = TimeSpan.FromMilliseconds(100); // not beside the wake that took one

    private readonly Netlink _net;
    private readonly Subnet _subnet;
    private readonly Uplink _uplink;
    private readonly ILogger _logger;
    private readonly HashSet<IPAddress> _avoided;
    private readonly ConcurrentDictionary<IPAddress, PodNamespace> _pods = new(); // spare ones too
    private readonly Lock _lock = new();
    private readonly Queue<PodNamespace> _spare = new(); // guarded by _lock
    private readonly Queue<TaskCompletionSource<PodNamespace>> _waiting = new(); // guarded by _lock
    private readonly SemaphoreSlim _wanted = new(0); // never disposed: whoever asks late, and the timer, may still release it
    private readonly ITimer _refill;
    private readonly Thread _maker;
    private ushort _last = FirstPod - 1; // of the maker alone, once it runs
    private volatile bool _stopping;
    private readonly Lock _end = new();
    private bool _disposed; // guarded by _end

    private PodNetwork(Netlink net, Subnet subnet, PodNetworkOptions options)
    {
        (_net, _subnet, _logger) = (net, subnet, options.Logger);
        _avoided = [.. options.Avoided];
        _uplink = new Uplink(subnet);
        _refill = options.Time.CreateTimer(static self => ((PodNetwork)self!)._wanted.Release(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _maker = new Thread(Run) { IsBackground = true, Name = "serval-node-network" };
    }

    /// <summary>The machine, as pods see it.</summary>
    public IPAddress Gateway => _subnet.Gateway;

    /// <summary>Where connections to addresses of Services come in, and whose they are when it is not: why.</summary>
    public (Socket? Door, string Reason) Services { get; private set; } = (null, "the API server tells of no range of addresses for Services");

    /// <summary>The addresses of pods, and the machine's among them.</summary>
    public string Cidr => _subnet.ToString();

    /// <summary>Whether an address is a pod's.</summary>
    public bool Contains(IPAddress address) => _subnet.Contains(address);

    /// <summary>What there is, in a line.</summary>
    public string Description => $"each pod has a network of its own in {_subnet}; {_uplink.Description}";

    /// <summary>Removes what earlier runs left, on this data directory or others, and sets up a network; null with the reason when that cannot be.</summary>
    public static PodNetwork? TryStart(PodNetworkOptions options, out string reason)
    {
        if (!Capabilities.HasNetAdmin() || !Capabilities.HasSysAdmin())
        {
            reason = "Serval lacks CAP_NET_ADMIN or CAP_SYS_ADMIN; run it as root for that";
            return null;
        }
        PodNetwork? network = null;
        try
        {
            var net = new Netlink();
            using var alone = SetupLock.Take(); // what one removes as left over, another would claim anew
            var mark = new NetworkMark(options.Directory);
            RemoveLeftovers(net, mark);
            network = new PodNetwork(net, Claim(net, mark.Renew()), options);
            network._spare.Enqueue(network.Make()); // proves that it can be done
            network.LeadServices(options.Services);
            network._uplink.Open();
            if (network._uplink.Services is null && network.Services.Door is { } unheard)
            {
                unheard.Dispose();
                net.RemoveRoute(net.IndexOf(network._subnet.Bridge), options.Services!.Value);
                network.Services = (null, $"no rule of the packet filter leads them here: {network._uplink.Unrouted}");
            }
            network._maker.Start();
            network._wanted.Release();
            reason = "";
            return network;
        }
        catch (Exception e) when (e is NetlinkException or IOException or UnauthorizedAccessException or InvalidOperationException)
        {
            network?.Remove();
            reason = e.Message;
            return null;
        }
    }

    /// <summary>A namespace for one pod: one of those made beforehand, or the next one made. Throws <see cref="NetlinkException"/>.</summary>
    public ValueTask<PodNamespace> TakeAsync()
    {
        TaskCompletionSource<PodNamespace> waiter;
        lock (_lock)
        {
            if (_spare.TryDequeue(out var spare))
            {
                _refill.Change(s_refillAfter, Timeout.InfiniteTimeSpan);
                return ValueTask.FromResult(spare);
            }
            waiter = new TaskCompletionSource<PodNamespace>(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Enqueue(waiter);
        }
        _wanted.Release();
        return new ValueTask<PodNamespace>(waiter.Task);
    }

    /// <summary>An unconnected socket in the namespace of the pod with this address; null when there is none.</summary>
    public Socket? OpenSocket(IPAddress pod)
    {
        try
        {
            return _pods.TryGetValue(pod, out var found) ? found.OpenSocket() : null;
        }
        catch (ObjectDisposedException)
        {
            return null; // it went away just now
        }
    }

    public void Dispose()
    {
        lock (_end) // a forced end comes beside a graceful one: whoever is second may end the program, so all has to be gone by then
        {
            if (_disposed)
            {
                return;
            }
            _disposed = true;
            _stopping = true;
            _wanted.Release();
            _maker.Join();
            Remove();
        }
    }

    internal void Forget(PodNamespace pod) => _pods.TryRemove(KeyValuePair.Create(pod.Address, pod));

    // Before the rules that lead there; without them there is nothing to hear.
    private void LeadServices(IPNetwork? services)
    {
        if (services is not { } range)
        {
            return;
        }
        if (!Subnet.IsFree(range, _net.Destinations()))
        {
            Services = (null, $"a route of this machine leads into {range}");
            return;
        }
        var door = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            door.Bind(new IPEndPoint(Gateway, 0));
            door.Listen(ServiceRelay.Backlog);
            _net.AddRoute(_net.IndexOf(_subnet.Bridge), range); // for programs of the machine; it goes with the bridge
            _uplink.Services = (range, (IPEndPoint)door.LocalEndPoint!);
            Services = (door, "");
        }
        catch (Exception e) when (e is SocketException or NetlinkException)
        {
            door.Dispose();
            Services = (null, e.Message);
        }
    }

    // An address of another's bridge name would be its claim: the kernel lets one have it.
    private static Subnet Claim(Netlink net, string alias)
    {
        foreach (var subnet in Subnet.Free(net.Destinations, ResolverFile.ReadMachine().Servers))
        {
            try
            {
                net.AddBridge(subnet.Bridge, alias, subnet.Group);
            }
            catch (NetlinkException e) when (e.Error == Netlink.Exists)
            {
                continue; // another Serval was quicker
            }
            try
            {
                net.AddAddress(net.IndexOf(subnet.Bridge), subnet.Gateway, subnet.Gateway);
                net.AddUnreachable(subnet);
                return subnet;
            }
            catch (NetlinkException)
            {
                Clear(net, subnet);
                throw;
            }
        }
        throw new InvalidOperationException("every network that pods could have is routed elsewhere");
    }

    private static void RemoveLeftovers(Netlink net, NetworkMark mark)
    {
        foreach (var link in net.Links())
        {
            if ((mark.Owns(link.Alias) || NetworkMark.IsLeft(link.Alias)) && Subnet.Parse(link.Name) is { } subnet)
            {
                new Uplink(subnet).CloseLeftover();
                RemoveLeftover(net, subnet, link);
            }
        }
    }

    // By number, the bridge last: as long as it is there the subnet is nobody else's.
    private static void RemoveLeftover(Netlink net, Subnet subnet, LinkInfo bridge)
    {
        var links = net.Links();
        if (links.Contains(bridge))
        {
            IfThere(() => net.RemoveUnreachable(subnet));
            foreach (var link in links.Where(l => l.Name.StartsWith(subnet.Bridge + "-", StringComparison.Ordinal)).Append(bridge))
            {
                IfThere(() => net.RemoveLink(link.Index));
            }
        }
    }

    private static void Clear(Netlink net, Subnet subnet)
    {
        IfThere(() => net.RemoveUnreachable(subnet));
        IfThere(() => net.RemoveGroup(subnet.Group));
    }

    private static void IfThere(Action remove)
    {
        try
        {
            remove();
        }
        catch (NetlinkException)
        {
            // It is gone already.
        }
    }

    private void Run()
    {
        while (true)
        {
            _wanted.Wait();
            while (!_stopping && IsWanted(out var waiter))
            {
                try
                {
                    Give(Make(), waiter);
                }
                catch (Exception e) when (e is NetlinkException or InvalidOperationException or IOException)
                {
                    Log.NotMade(_logger, e);
                    if (waiter is null)
                    {
                        break; // whoever needs one asks, and is told
                    }
                    waiter.SetException(e);
                }
            }
            if (_stopping)
            {
                return;
            }
        }
    }

    private bool IsWanted(out TaskCompletionSource<PodNamespace>? waiter)
    {
        lock (_lock)
        {
            return _waiting.TryDequeue(out waiter) || _spare.Count < Spare;
        }
    }

    private void Give(PodNamespace made, TaskCompletionSource<PodNamespace>? waiter)
    {
        lock (_lock)
        {
            if (waiter is null && !_waiting.TryDequeue(out waiter))
            {
                _spare.Enqueue(made);
                return;
            }
        }
        waiter.SetResult(made);
    }

    private PodNamespace Make()
    {
        for (var tries = 0; tries <= ushort.MaxValue; tries++)
        {
            // In turn, so that an address means another pod only long after the one that had it is forgotten everywhere.
            _last = _last >= ushort.MaxValue - 1 ? FirstPod : (ushort)(_last + 1);
            var address = _subnet.Address(_last);
            if (!_pods.ContainsKey(address) && !_avoided.Contains(address))
            {
                return _pods[address] = PodNamespace.Create(this, _net, _subnet, _last);
            }
        }
        throw new InvalidOperationException($"no address of {_subnet} is left for another pod; delete pods of this node");
    }

    private void Remove()
    {
        _refill.Dispose();
        foreach (var pod in _pods.Values)
        {
            pod.Dispose();
        }
        _uplink.Close();
        Clear(_net, _subnet);
        _net.Dispose();
    }

    private static partial class Log
    {
        [LoggerMessage(50, LogLevel.Warning, "A network for a pod could not be made")]
        public static partial void NotMade(ILogger logger, Exception error);
    }
}
