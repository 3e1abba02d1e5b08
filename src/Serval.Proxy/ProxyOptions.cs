using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Serval.Routing;

namespace Serval.Proxy;

/// <summary>The operator's settings of a <see cref="ProxyServer"/>.</summary>
public sealed record ProxyOptions
{
    /// <summary>An IP address, <c>localhost</c>, or <c>*</c>. A loopback address listens on both 127.0.0.1 and [::1].</summary>
    public string HttpAddress { get; init; } = "127.0.0.1";

    /// <summary>0 for any free port.</summary>
    public int HttpPort { get; init; } = 8880;

    /// <summary>Port for TLS on the same address; 0 for any free port, null for none.</summary>
    public int? HttpsPort { get; init; }

    /// <summary>What the operator calls <see cref="HttpsPort"/>.</summary>
    public string HttpsPortOption { get; init; } = "--https-port";

    /// <summary>What the operator calls <see cref="HttpAddress"/>; named when it cannot be listened on.</summary>
    public string AddressOption { get; init; } = "--listen";

    /// <summary>What the operator calls <see cref="HttpPort"/>; named when the port is taken.</summary>
    public string PortOption { get; init; } = "--http-port";

    /// <summary>Requests one revision may hold; those beyond get 503.</summary>
    public int MaxHeldPerRevision { get; init; } = 10_000;

    public int MaxHeadBytes { get; init; } = 64 * 1024;

    public int MaxHeaders { get; init; } = 100;

    /// <summary>How long a client's connection may be silent between requests.</summary>
    public TimeSpan ClientIdleTimeout { get; init; } = TimeSpan.FromSeconds(120);

    /// <summary>How long a TLS handshake may take.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a request's header may take from its first byte.</summary>
    public TimeSpan HeadTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a client may take to read the next piece of an answer, at most 64 KB. Upgraded connections are exempt.</summary>
    public TimeSpan ClientWriteTimeout { get; init; } = TimeSpan.FromSeconds(60);

    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Opens a socket in the network of the instance with this address, from which its 127.0.0.1 is reached; null when it has none of its own.
    /// Asked when the address refuses a connection: a program may listen on 127.0.0.1 alone.
    /// </summary>
    public Func<IPAddress, Socket?> OpenInside { get; init; } = _ => null;

    /// <summary>How long unused connections to instances are kept.</summary>
    public TimeSpan UpstreamIdleTimeout { get; init; } = TimeSpan.FromSeconds(50);

    /// <summary>How long <see cref="ProxyServer.DisposeAsync"/> waits for requests in flight.</summary>
    public TimeSpan DrainTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Whose connections to the private address count as such. A neighbour of this machine can send to any address of it; that alone does not
    /// bring it inside.
    /// </summary>
    public Func<IPAddress, bool> IsInside { get; init; } = _ => true;

    /// <summary>One log event a request, not only for those that failed.</summary>
    public bool AccessLog { get; init; }

    public IDemandSink? DemandSink { get; init; }

    /// <summary>
    /// Why a backend has no ready instance, in one word such as <c>ExitCode1</c>, for answers to those who waited; null when it is not known.
    /// Clients are strangers: nothing that a program printed belongs here.
    /// </summary>
    public Func<BackendKey, string?> WhyNotReady { get; init; } = _ => null;

    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Seeds the picks of splits and endpoints.</summary>
    public Random Random { get; init; } = new();

    public ILoggerFactory LoggerFactory { get; init; } = NullLoggerFactory.Instance;
}
