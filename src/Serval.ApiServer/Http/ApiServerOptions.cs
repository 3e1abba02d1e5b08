using System.Net;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Serval.Kube;

namespace Serval.ApiServer;

/// <summary>Settings of the HTTPS face of the API server.</summary>
public sealed record ApiServerOptions
{
    /// <summary>Serval's data directory; certificates go to <c>certificates/</c> below it, the kubeconfig beside that.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>Answers every request for objects.</summary>
    public required IKubeClient Client { get; init; }

    /// <summary>Where logs come from; null answers log requests with 503.</summary>
    public IPodStreams? PodStreams { get; init; }

    /// <summary>Whether writes reach the disk; asked for the health check <c>store</c>.</summary>
    public Func<bool> StoreTakesWrites { get; init; } = () => true;

    /// <summary>Address to listen on. The default is 127.0.0.1.</summary>
    public IPAddress Address { get; init; } = IPAddress.Loopback;

    /// <summary>Port to listen on. The default is 6443; 0 takes a free one.</summary>
    public int Port { get; init; } = 6443;

    /// <summary>What the operator calls <see cref="Port"/>; named when the port is taken.</summary>
    public string PortOption { get; init; } = "--api-port";

    /// <summary>A second address to listen on, at the same port, for pods; null when they reach the first.</summary>
    public IPAddress? Inside { get; init; }

    /// <summary>Whether a client at this address may connect to <see cref="Inside"/>.</summary>
    public Func<IPAddress, bool> IsInside { get; init; } = IPAddress.IsLoopback;

    /// <summary>Names and addresses the certificate answers to, beside the usual ones.</summary>
    public IReadOnlyList<string> ExtraHosts { get; init; } = [];

    /// <summary>Most watches open at a time, and as many logs; one more gets 429. The default is 10000.</summary>
    public int MaxWatches { get; init; } = 10_000;

    /// <summary>Most watches, and logs, of one user who is no administrator. The default is 2000.</summary>
    public int MaxUserWatches { get; init; } = 2000;

    /// <summary>Most reads worked on at a time, administrators' apart; one more gets 429. The default is 400, upstream's.</summary>
    public int MaxReads { get; init; } = 400;

    /// <summary>Most writes worked on at a time, administrators' apart. The default is 200, upstream's.</summary>
    public int MaxWrites { get; init; } = 200;

    /// <summary>What <c>audit.log</c> in the data directory tells of.</summary>
    public AuditLevel Audit { get; init; } = AuditLevel.Writes;

    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    public ILoggerFactory LoggerFactory { get; init; } = NullLoggerFactory.Instance;
}
