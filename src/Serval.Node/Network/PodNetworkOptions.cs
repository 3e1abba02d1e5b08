using System.Net;
using Microsoft.Extensions.Logging;

namespace Serval.Node.Network;

/// <summary>What a <see cref="PodNetwork"/> is started with.</summary>
internal sealed record PodNetworkOptions
{
    /// <summary>Where the mark of this data directory is kept.</summary>
    public required string Directory { get; init; }

    /// <summary>Addresses that others may still take for a pod's of the last run.</summary>
    public required IEnumerable<IPAddress> Avoided { get; init; }

    /// <summary>Addresses of Services, to be led to this machine; null when there are none.</summary>
    public IPNetwork? Services { get; init; }
    public required TimeProvider Time { get; init; }
    public required ILogger Logger { get; init; }
}
