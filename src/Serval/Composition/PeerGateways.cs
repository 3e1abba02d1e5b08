using System.Net;
using Serval.Controllers.Autoscaler;
using Serval.Controllers.Networking;
using Serval.Signals;

namespace Serval.Composition;

/// <summary>The gateways in other processes, as their Leases tell; one that does not take requests yet, or no more, is left out.</summary>
internal sealed class PeerGateways(PeerDirectory peers) : IGateways
{
    public IReadOnlyList<GatewayDoors> Live => [.. peers.Live(PeerRole.Gateway).Select(Doors).OfType<GatewayDoors>()];

    public IDisposable Subscribe(Action changed) => peers.Subscribe(changed);

    /// <summary>What a gateway's Lease says of its doors.</summary>
    public static IReadOnlyDictionary<string, string> Facts(GatewayDoors doors) => new Dictionary<string, string>
    {
        [PeerFacts.GatewayHttp] = Text(doors.Open, doors.Open.Port), [PeerFacts.GatewayHttps] = Text(doors.Open, doors.Secure),
        [PeerFacts.GatewayInside] = Text(doors.Inside, doors.Inside.Port), [PeerFacts.GatewayInsideHttps] = Text(doors.Inside, doors.SecureInside),
    };

    /// <summary>A gateway's rank among those that live, itself with them, and their number. One that leaves still counts: it has requests in flight.</summary>
    public static (int Rank, int Count) Share(PeerDirectory peers, string id)
    {
        var ids = peers.Live(PeerRole.Gateway).Select(g => g.Id).Append(id).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList();
        return (ids.IndexOf(id), ids.Count);
    }

    private static GatewayDoors? Doors(Peer gateway)
    {
        if (gateway.Fact(PeerFacts.Leaving).Length > 0
            || !IPEndPoint.TryParse(gateway.Fact(PeerFacts.GatewayHttp), out var open)
            || !IPEndPoint.TryParse(gateway.Fact(PeerFacts.GatewayInside), out var inside))
        {
            return null;
        }
        return new GatewayDoors(Address(open), Port(PeerFacts.GatewayHttps), Address(inside), Port(PeerFacts.GatewayInsideHttps));

        int Port(string fact) => IPEndPoint.TryParse(gateway.Fact(fact), out var address) ? address.Port : 0;
    }

    private static GatewayAddress Address(IPEndPoint at) => new(at.Address.ToString(), at.Port);

    private static string Text(GatewayAddress address, int port) => new IPEndPoint(IPAddress.Parse(address.Ip), port).ToString();
}
