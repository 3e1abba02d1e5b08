using System.Net;
using System.Security.Cryptography;
using Serval.Node.Names;

namespace Serval.Node.Network;

/// <summary>Ranges for the addresses of Services: /16s for private use, those of Kubernetes' tools (10.96.0.0/12) among them.</summary>
public static class ServiceNetworks
{
    private const int First = 96;
    private const int Count = 64;

    /// <summary>
    /// One that hides nothing of this machine, by chance: another Serval that chooses at the same time, or has its data directory from
    /// elsewhere, hardly has the same.
    /// </summary>
    public static IPNetwork Choose()
    {
        var start = RandomNumberGenerator.GetInt32(Count);
        var all = Enumerable.Range(0, Count).Select(i => new Subnet(10, (byte)(First + (start + i) % Count)));
        try
        {
            using var net = new Netlink();
            var destinations = net.Destinations();
            var servers = ResolverFile.ReadMachine().Servers;
            all = all.OrderBy(c => c.IsFree(destinations) && c.HidesNone(servers) ? 0 : 1); // keeps the order of equals
        }
        catch (NetlinkException)
        {
            // Then it cannot be routed here either.
        }
        var chosen = all.First();
        return new IPNetwork(chosen.Base, Subnet.Prefix);
    }
}
