using Serval.Api;

namespace Serval.Kube;

/// <summary>What of a container's log (core/v1 PodLogOptions).</summary>
public sealed record LogOptions
{
    /// <summary>Empty: the pod's only container.</summary>
    public string Container { get; init; } = "";
    public bool Follow { get; init; }
    public bool Previous { get; init; }
    public bool Timestamps { get; init; }
    public long? TailLines { get; init; }
    public long? SinceSeconds { get; init; }
    public DateTimeOffset? SinceTime { get; init; }
    public long? LimitBytes { get; init; }
}

/// <summary>API server → node: the byte streams of a pod.</summary>
public interface IPodStreams
{
    /// <summary>
    /// Copies log lines to <paramref name="output"/>; with <see cref="LogOptions.Follow"/> until the container is gone or the call is cancelled.
    /// <see cref="ApiException"/>: BadRequest when the container is unknown or has not started, NotFound when the pod is not on this node.
    /// </summary>
    Task CopyLogsAsync(ObjectKey pod, LogOptions options, Stream output, CancellationToken ct);
}
