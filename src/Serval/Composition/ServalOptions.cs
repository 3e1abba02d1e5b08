using System.Net;
using Serval.ApiServer;

namespace Serval.Composition;

/// <summary>What one <c>serval up</c> is told.</summary>
internal sealed record ServalOptions
{
    /// <summary>Holds everything Serval keeps: database, images, logs, certificates, kubeconfig.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>Port of the gateway; 0 takes any free one.</summary>
    public int HttpPort { get; init; } = 8880;

    /// <summary>Port of the gateway for TLS; 0 takes any free one. By default 8843, and any where <see cref="HttpPort"/> is any.</summary>
    public int HttpsPort { get => field >= 0 ? field : HttpPort == 0 ? 0 : DefaultHttpsPort; init; } = -1;

    internal const int DefaultHttpsPort = 8843;

    /// <summary>Port of the Kubernetes API; 0 takes any free one.</summary>
    public int ApiPort { get; init; } = 6443;

    /// <summary>Which requests of the API the audit log tells of.</summary>
    public AuditLevel Audit { get; init; } = AuditLevel.Writes;

    /// <summary>Address both listen on.</summary>
    public IPAddress ListenAddress { get; init; } = IPAddress.Loopback;

    /// <summary>Range of the addresses of Services, for a new data directory; null chooses one.</summary>
    public IPNetwork? ServiceCidr { get; init; }

    /// <summary>Whether pods get networks of their own where this process may make them.</summary>
    public bool PodNetwork { get; init; } = true;
}
