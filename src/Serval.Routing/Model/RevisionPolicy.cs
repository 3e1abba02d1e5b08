namespace Serval.Routing;

/// <summary>What instances of a backend speak.</summary>
public enum BackendProtocol
{
    Http1,

    /// <summary>HTTP/2 with prior knowledge, without TLS.</summary>
    H2c,
}

/// <summary>How requests to one backend are gated and timed. <see cref="TimeSpan.Zero"/> means no such limit.</summary>
public sealed record RevisionPolicy
{
    /// <summary>What a revision gets which says nothing (Knative's defaults).</summary>
    public static RevisionPolicy Default { get; } = new();

    /// <summary>What a plain Service gets: no limits.</summary>
    public static RevisionPolicy PlainService { get; } = new() { Timeout = TimeSpan.Zero, ResponseStartTimeout = TimeSpan.Zero };

    /// <summary>The most requests at one instance at a time; 0 for no limit.</summary>
    public int ContainerConcurrency { get; init; }

    /// <summary>
    /// No burst is held in front of the instances (a target-burst-capacity of 0, which takes upstream's activator out of the path). While any is ready,
    /// only ten times its concurrency may wait for each.
    /// </summary>
    public bool QueuesAtInstances { get; init; }

    /// <summary>From the request's head to the last byte of its answer; time held counts.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(300);

    /// <summary>From the request's head to the first byte of its answer; time held counts.</summary>
    public TimeSpan ResponseStartTimeout { get; init; } = TimeSpan.FromSeconds(300);

    /// <summary>The longest silence once the request is at an instance.</summary>
    public TimeSpan IdleTimeout { get; init; }

    public BackendProtocol Protocol { get; init; }

    /// <summary>The container's serving port; 0 when not known.</summary>
    public int ContainerPort { get; init; }

    /// <summary>The serving port's name in endpoint slices; may be empty.</summary>
    public string PortName { get; init; } = "";
}
