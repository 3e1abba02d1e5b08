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

    /// <summary>
    /// A command to be run in a container as its own program is. <see cref="ApiException"/>: BadRequest when the container is unknown or does not
    /// run, NotFound when the pod is not on this node.
    /// </summary>
    Task<RemoteProgram> ExecAsync(ObjectKey pod, ExecOptions options, CancellationToken ct);

    /// <summary>A container's own program, to be joined; failures as those of <see cref="ExecAsync"/>.</summary>
    Task<RemoteProgram> AttachAsync(ObjectKey pod, ExecOptions options, CancellationToken ct);

    /// <summary>
    /// A connection to a port of the pod with this uid. <see cref="IOException"/>: nobody answers there; <see cref="ApiException"/>: NotFound when it,
    /// rather than another of its name, is not on this node.
    /// </summary>
    Task<Stream> DialAsync(ObjectKey pod, string uid, int port, CancellationToken ct);
}
