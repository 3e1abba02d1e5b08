using System.Net;
using Microsoft.Extensions.Logging;
using Serval.Kube;

namespace Serval.Signals;

/// <summary>Where signals are served, and who is asked about callers.</summary>
public sealed record SignalServerOptions
{
    /// <summary>Where to listen.</summary>
    public IPAddress Listen { get; init; } = IPAddress.Loopback;

    /// <summary>0 takes a free one.</summary>
    public int Port { get; init; }

    /// <summary>Where others reach it.</summary>
    public required IPAddress Advertise { get; init; }

    /// <summary>Asked who callers are and what they may (TokenReview, SubjectAccessReview).</summary>
    public required IKubeClient Client { get; init; }

    public required TimeProvider Time { get; init; }

    public required ILoggerFactory Loggers { get; init; }
}
