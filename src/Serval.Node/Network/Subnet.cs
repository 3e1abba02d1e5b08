using System.Buffers.Binary;
using System.Net;

namespace Serval.Node.Network;

/// <summary>The /16 one Serval gives its pods addresses from. The first address is the machine's own.</summary>
internal readonly record struct Subnet(byte First, byte Second)
{
    public const byte Prefix = 16;

    private const string NamePrefix = "svl";

    public IPAddress Base => Address(0);

    /// <summary>The machine, as pods see it.</summary>
    public IPAddress Gateway => Address(1);

    /// <summary>Name of the bridge, which says that the network is taken; the pods' interfaces begin with it.</summary>
    public string Bridge => $"{NamePrefix}{First:x2}{Second:x2}";

    /// <summary>The group its interfaces are in.</summary>
    public int Group => (0x53 << 16) | (First << 8) | Second;

    /// <summary>Networks to choose from: Kubernetes' usual ones first, then others for private use (RFC 1918, RFC 6598).</summary>
    public static IEnumerable<Subnet> Candidates =>
    [
        .. Enumerable.Range(0, 12).Select(i => new Subnet(10, (byte)(244 + i))),
        .. Enumerable.Range(0, 8).Select(i => new Subnet(172, (byte)(31 - i))),
        .. Enumerable.Range(0, 8).Select(i => new Subnet(100, (byte)(120 + i))),
    ];

    /// <summary>Those that hide nothing: a name server may be reached by the default route alone.</summary>
    /// <param name="destinations">Of the machine's routes, asked for each.</param>
    /// <param name="servers">The machine's name servers.</param>
    public static IEnumerable<Subnet> Free(Func<IEnumerable<(uint Address, int Prefix)>> destinations, IReadOnlyList<string> servers) =>
        Candidates.Where(c => c.HidesNone(servers) && c.IsFree(destinations()));

    public IPAddress Address(ushort number) => new([First, Second, (byte)(number >> 8), (byte)number]);

    public string Interface(ushort number) => $"{Bridge}-{number:x4}";

    public bool Contains(IPAddress address) =>
        (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).GetAddressBytes() is [var a, var b, _, _] && a == First && b == Second;

    /// <summary>Whether none of these name servers is in it.</summary>
    public bool HidesNone(IReadOnlyList<string> servers)
    {
        var own = this;
        return !servers.Any(s => IPAddress.TryParse(s, out var server) && own.Contains(server));
    }

    /// <summary>Whether none of these routes leads into it.</summary>
    public bool IsFree(IEnumerable<(uint Address, int Prefix)> destinations) => IsFree(new IPNetwork(Base, Prefix), destinations);

    /// <summary>Whether none of these routes leads into a network.</summary>
    public static bool IsFree(IPNetwork network, IEnumerable<(uint Address, int Prefix)> destinations)
    {
        var own = Number(network.BaseAddress);
        return destinations.All(d => (d.Address ^ own) >> (32 - Math.Min(d.Prefix, network.PrefixLength)) != 0);
    }

    /// <summary>The network of a bridge's name.</summary>
    public static Subnet? Parse(string bridge) =>
        bridge.Length == NamePrefix.Length + 4 && bridge.StartsWith(NamePrefix, StringComparison.Ordinal)
        && ushort.TryParse(bridge.AsSpan(NamePrefix.Length), System.Globalization.NumberStyles.AllowHexSpecifier, null, out var id)
            ? new Subnet((byte)(id >> 8), (byte)id) : null;

    public override string ToString() => $"{Base}/{Prefix}";

    internal static uint Number(IPAddress address) => BinaryPrimitives.ReadUInt32BigEndian(address.GetAddressBytes());
}
