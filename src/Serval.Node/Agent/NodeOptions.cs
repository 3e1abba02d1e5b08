using System.Net;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Serval.Kube.Tokens;

namespace Serval.Node;

/// <summary>Settings of a node agent.</summary>
public sealed record NodeOptions
{
    /// <summary>Serval's data directory; the agent writes below <c>pods/</c> and <c>node/</c> of it and nowhere else.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>Name of the Node object; pods bound to it run here.</summary>
    public string NodeName { get; init; } = Environment.MachineName.ToLowerInvariant();

    /// <summary>Range of instance ports, outside the ephemeral one.</summary>
    public int FirstPort { get; init; } = 20000;
    public int LastPort { get; init; } = 29999;

    /// <summary>Whether containers may get private mount namespaces; null asks the kernel whether this process has CAP_SYS_ADMIN.</summary>
    public bool? AllowMounts { get; init; }

    /// <summary>Whether pods get networks of their own where this process may make them; else ports are mapped.</summary>
    public bool PodNetwork { get; init; }

    /// <summary>Whether ClusterIPs are led to what is behind them where pods have networks of their own; not beside others who do, as kube-proxy.</summary>
    public bool RoutesServices { get; init; } = true;

    /// <summary>Whether the agent says again that it is ready when it was taken for lost: Serval's own controllers do so themselves when they hear of it again.</summary>
    public bool KeepsReady { get; init; }

    /// <summary>
    /// Whether programs that listen on 127.0.0.1 of their pod's network alone are reached at the pod's address too: for gateways of other processes, which
    /// cannot use <see cref="NodeAgent.OpenSocket"/>.
    /// </summary>
    public bool RelaysLoopback { get; init; }

    /// <summary>Whether the gateway has a route for exactly this host, so that pods find it there; asked by any thread.</summary>
    public Func<string, bool> IsServed { get; init; } = _ => false;

    /// <summary>Gives the tokens of pods' service accounts; without it a volume with one is refused.</summary>
    public IPodTokens? Tokens { get; init; }
    /// <summary>Where pods reach the API server, given where they reach this machine; null while that is not known. Asked by any thread.</summary>
    public Func<string, DnsEndPoint?> Api { get; init; } = static _ => null;
    public TimeProvider Time { get; init; } = TimeProvider.System;
    public ILoggerFactory Loggers { get; init; } = NullLoggerFactory.Instance;
}
