using System.Net;

namespace Serval.Node.Network;

/// <summary>An interface of the machine.</summary>
internal readonly record struct LinkInfo(int Index, string Name, string Alias);

/// <summary>What the node asks of rtnetlink (rtnetlink(7); numbers of linux/rtnetlink.h, if_link.h, if_addr.h and neighbour.h).</summary>
internal static class Rtnetlink
{
    internal const ushort GetLink = 18;
    internal const ushort LinkName = 3;
    internal const int LinkHeaderSize = 16;

    private const ushort NewLink = 16;
    private const ushort DeleteLink = 17;
    private const ushort ChangeLink = 19;
    private const ushort NewAddress = 20;
    private const ushort NewRoute = 24;
    private const ushort DeleteRoute = 25;
    private const ushort GetRoute = 26;
    private const ushort NewNeighbour = 28;
    private const ushort CreateNew = 0x600; // NLM_F_CREATE | NLM_F_EXCL

    private const byte Inet = 2;
    private const int RouteHeaderSize = 12;
    private const ushort LinkAddress = 1;
    private const ushort LinkDetails = 18;
    private const ushort LinkAlias = 20;
    private const ushort LinkFamilies = 26;
    private const ushort LinkGroup = 27;
    private const ushort LinkNamespace = 28;
    private const ushort InfoKind = 1;
    private const ushort InfoData = 2;
    private const ushort VethPeer = 1;
    private const ushort Inet6 = 10;
    private const ushort Inet6GenerateMode = 8;
    private const int Up = 1;

    private static readonly bool s_inet6 = Directory.Exists("/proc/sys/net/ipv6");

    /// <summary>Link addresses of a pair's two ends: they are alone with each other, so the same ones serve everywhere.</summary>
    private static readonly byte[] s_outside = [0x02, 0x53, 0x56, 0, 0, 1];
    private static readonly byte[] s_inside = [0x02, 0x53, 0x56, 0, 0, 2];

    /// <summary>A bridge without ports, up. Fails with <see cref="Netlink.Exists"/> when the name is taken.</summary>
    internal static void AddBridge(this Netlink net, string name, string alias, int group)
    {
        net.Do($"make bridge {name}", NewLink, CreateNew, Link(0, up: true), m => m.Add(LinkName, name).Add(LinkGroup, group)
            .Nest(LinkDetails, d => d.Add(InfoKind, "bridge"u8)));
        try
        {
            net.Do($"mark bridge {name}", ChangeLink, 0, Link(0), m => m.Add(LinkName, name).Add(LinkAlias, alias));
        }
        catch (NetlinkException)
        {
            net.RemoveLink(net.IndexOf(name)); // without a mark nobody would
            throw;
        }
    }

    /// <summary>A pair of interfaces: one here, the other, named <c>eth0</c>, in a namespace.</summary>
    internal static void AddPair(this Netlink net, string name, int group, int namespaceDescriptor) =>
        net.Do($"make interface {name}", NewLink, CreateNew, Link(0), m => m.Add(LinkName, name).Add(LinkAddress, s_outside).Add(LinkGroup, group)
            .Nest(LinkDetails, d => d.Add(InfoKind, "veth"u8).Nest(InfoData, data => data.Nest(VethPeer, peer => peer
                .Raw(Link(0)).Add(LinkName, "eth0").Add(LinkAddress, s_inside).Add(LinkNamespace, namespaceDescriptor)))));

    /// <summary>Brings an interface up; it gets no IPv6 address by itself.</summary>
    internal static void BringUp(this Netlink net, int index) => net.Do("bring an interface up", ChangeLink, 0, Link(index, up: true), m =>
    {
        if (s_inet6)
        {
            m.Nest(LinkFamilies, f => f.Nest(Inet6, six => six.Add(Inet6GenerateMode, [1])));
        }
    });

    internal static void RemoveLink(this Netlink net, int index) => net.Do("remove an interface", DeleteLink, 0, Link(index), static _ => { });

    /// <summary>Removes every interface of a group at once.</summary>
    internal static void RemoveGroup(this Netlink net, int group) => net.Do("remove interfaces", DeleteLink, 0, Link(0), m => m.Add(LinkGroup, group));

    /// <summary>An address, and the one across when that is another.</summary>
    internal static void AddAddress(this Netlink net, int index, IPAddress address, IPAddress across) => net.Do(
        $"add address {address}", NewAddress, CreateNew, [Inet, 32, 0, 0, .. BitConverter.GetBytes(index)], m => m.Add(2, address).Add(1, across));

    /// <summary>A route to one address, or with none to everywhere through <paramref name="gateway"/>.</summary>
    internal static void AddRoute(this Netlink net, int index, IPAddress? to, IPAddress? gateway, IPAddress? source) => net.Do(
        $"add a route to {to}", NewRoute, CreateNew, Route(to is null ? (byte)0 : (byte)32, unicast: true, link: gateway is null), m =>
        {
            Optional(m, 1, to);
            Optional(m, 5, gateway);
            Optional(m, 7, source);
            m.Add(4, index);
        });

    /// <summary>A route of a whole network to an interface.</summary>
    internal static void AddRoute(this Netlink net, int index, IPNetwork to) => net.Do(
        $"add a route to {to}", NewRoute, CreateNew, Route((byte)to.PrefixLength, unicast: true, link: true), m => m.Add(1, to.BaseAddress).Add(4, index));

    internal static void RemoveRoute(this Netlink net, int index, IPNetwork to) => net.Do(
        $"remove the route to {to}", DeleteRoute, 0, Route((byte)to.PrefixLength, unicast: true, link: true), m => m.Add(1, to.BaseAddress).Add(4, index));

    /// <summary>Addresses of a network that have no route of their own are refused at once instead of being looked for.</summary>
    internal static void AddUnreachable(this Netlink net, Subnet subnet) => net.Do(
        $"reserve {subnet}", NewRoute, CreateNew, Route(Subnet.Prefix, unicast: false, link: false), m => m.Add(1, subnet.Base));

    internal static void RemoveUnreachable(this Netlink net, Subnet subnet) => net.Do(
        $"release {subnet}", DeleteRoute, 0, Route(Subnet.Prefix, unicast: false, link: false), m => m.Add(1, subnet.Base));

    /// <summary>Who is at the other end of a pair: nobody has to ask for it.</summary>
    internal static void AddNeighbour(this Netlink net, int index, IPAddress address, bool inside) => net.Do(
        $"add neighbour {address}", NewNeighbour, CreateNew, [Inet, 0, 0, 0, .. BitConverter.GetBytes(index), 0x80, 0, 0, 0], // NUD_PERMANENT
        m => m.Add(1, address).Add(2, inside ? s_inside : s_outside));

    internal static List<LinkInfo> Links(this Netlink net)
    {
        var links = new List<LinkInfo>();
        net.Dump(GetLink, Link(0), message =>
        {
            var attributes = Netlink.Attributes(message, LinkHeaderSize);
            links.Add(new LinkInfo(
                BitConverter.ToInt32(message.Span[4..]), Netlink.Text(attributes[LinkName]),
                attributes.TryGetValue(LinkAlias, out var alias) ? Netlink.Text(alias) : ""));
        });
        return links;
    }

    /// <summary>Destinations of every IPv4 route of the machine but the default ones.</summary>
    internal static List<(uint Address, int Prefix)> Destinations(this Netlink net)
    {
        var destinations = new List<(uint, int)>();
        Span<byte> header = stackalloc byte[RouteHeaderSize];
        header.Clear();
        header[0] = Inet;
        net.Dump(GetRoute, header, message =>
        {
            if (message.Span[0] == Inet && message.Span[1] > 0 && Netlink.Attributes(message, RouteHeaderSize).TryGetValue(1, out var to))
            {
                destinations.Add((Subnet.Number(new IPAddress(to.Span)), message.Span[1]));
            }
        });
        return destinations;
    }

    private static byte[] Link(int index, bool up = false) =>
        [0, 0, 0, 0, .. BitConverter.GetBytes(index), .. BitConverter.GetBytes(up ? Up : 0), .. BitConverter.GetBytes(up ? Up : 0)];

    // family, lengths of destination and source, TOS, table main, protocol static, scope, type, flags
    private static byte[] Route(byte prefix, bool unicast, bool link) =>
        [Inet, prefix, 0, 0, 254, 4, link ? (byte)253 : (byte)0, unicast ? (byte)1 : (byte)7, 0, 0, 0, 0];

    private static void Optional(NetlinkMessage message, ushort attribute, IPAddress? value)
    {
        if (value is not null)
        {
            message.Add(attribute, value);
        }
    }
}
