using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Serval.Proxy;

/// <summary>A client's address, as the forwarding headers spell it, and whether it came by the private door.</summary>
internal sealed class ClientIdentity(IPAddress address, bool inside, bool secure)
{
    /// <summary>For X-Forwarded-For.</summary>
    public byte[] Address { get; } = Encoding.ASCII.GetBytes(address.ToString());

    /// <summary>For Forwarded.</summary>
    public byte[] ForwardedFor { get; } =
        Encoding.ASCII.GetBytes(address.AddressFamily == AddressFamily.InterNetworkV6 ? $"for=\"[{address}]\"" : $"for={address}");

    /// <summary>What the client asked with.</summary>
    public byte[] Scheme { get; } = secure ? "https"u8.ToArray() : "http"u8.ToArray();

    /// <summary>Whether a host that is for TLS alone sends it there; who is inside needs none.</summary>
    public bool TakesRedirects { get; } = !secure && !inside;

    public bool Inside { get; } = inside;
}
