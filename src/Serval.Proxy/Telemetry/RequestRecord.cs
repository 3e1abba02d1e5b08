using System.Net;
using Serval.Routing;

namespace Serval.Proxy;

/// <summary>One request, for <see cref="IRequestLog"/>.</summary>
public sealed class RequestRecord
{
    public string Method { get; init; } = "";

    /// <summary>Path and query, as sent.</summary>
    public string Target { get; init; } = "";
    public string Host { get; init; } = "";

    /// <summary>For example <c>HTTP/1.1</c>.</summary>
    public string Protocol { get; init; } = "";
    public IPEndPoint? Client { get; init; }

    /// <summary>Bytes of the request's body; -1 when it was not said.</summary>
    public long ContentLength { get; init; }

    /// <summary>Those wanted that were sent.</summary>
    public Dictionary<string, string> Headers { get; } = new(StringComparer.OrdinalIgnoreCase);
    public BackendKey Backend { get; private set; }
    public string InstanceId { get; private set; } = "";
    public int Status { get; private set; }

    /// <summary>Bytes of the answer's body.</summary>
    public long Size { get; private set; }

    /// <summary>From the request's header to its end.</summary>
    public TimeSpan Latency { get; private set; }

    /// <summary>About the memory it takes, in bytes.</summary>
    public long Weight => 512 + (sizeof(char) * (Method.Length + Target.Length + Host.Length + Headers.Sum(h => (long)h.Value.Length)));

    private bool IsProbe => Headers.GetValueOrDefault("K-Network-Probe", "").Length > 0
        || Headers.GetValueOrDefault("K-Kubelet-Probe", "").Length > 0
        || Headers.GetValueOrDefault("User-Agent", "").StartsWith("kube-probe/", StringComparison.Ordinal);

    /// <summary>The headers by which a probe is told, and those the log wants.</summary>
    internal static IEnumerable<string> HeadersFor(IRequestLog log) => log.Headers.Append("K-Network-Probe").Append("K-Kubelet-Probe").Append("User-Agent");

    /// <summary>The request ended: writes it, if it reached an instance of a revision.</summary>
    internal void End(IRequestLog? log, BackendKey? backend, string? instanceId, int status, long size, TimeSpan latency)
    {
        if (log is null || instanceId is null || backend is not { Kind: BackendKind.Revision } revision || (!log.Probes && IsProbe))
        {
            return;
        }
        (Backend, InstanceId, Status, Size, Latency) = (revision, instanceId, status, size, latency);
        log.Write(this);
    }
}
