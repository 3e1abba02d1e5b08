using System.Net;
using Serval.Controllers.Autoscaler;

namespace Serval.Controllers.Networking;

/// <summary>Where one gateway is reached.</summary>
/// <param name="Open">By clients.</param>
/// <param name="Secure">The port there for TLS.</param>
/// <param name="Inside">By programs inside the cluster.</param>
/// <param name="SecureInside">The port there for TLS.</param>
public sealed record GatewayDoors(GatewayAddress Open, int Secure, GatewayAddress Inside, int SecureInside)
{
    /// <summary>Its ports, as URLs name them.</summary>
    public GatewayPorts Ports => new(Open.Port, Inside.Port, Secure, SecureInside);
}

/// <summary>The gateways of the cluster.</summary>
public interface IGateways
{
    /// <summary>Those that live, always in the same order; empty while there is none.</summary>
    IReadOnlyList<GatewayDoors> Live { get; }

    /// <summary>Calls the handler whenever <see cref="Live"/> has become another list; it must not block.</summary>
    IDisposable Subscribe(Action changed);
}

/// <summary>Which of a gateway's addresses other machines and their controllers may be told.</summary>
public static class GatewayEndpoints
{
    /// <summary>Gateways at addresses that may be endpoints: Kubernetes takes none at the loopback, Serval's own API server does.</summary>
    /// <param name="live">The gateways.</param>
    /// <param name="door">The address that is asked about.</param>
    /// <param name="amongOthers">Whether the API server is another's.</param>
    public static IEnumerable<GatewayDoors> WithEndpoint(this IEnumerable<GatewayDoors> live, Func<GatewayDoors, GatewayAddress> door, bool amongOthers) =>
        amongOthers ? live.Where(g => !IPAddress.IsLoopback(IPAddress.Parse(door(g).Ip))) : live;
}
