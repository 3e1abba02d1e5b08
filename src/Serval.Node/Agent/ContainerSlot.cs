using Serval.Api.Core;
using Serval.Node.Logs;
using Serval.Node.Processes;

namespace Serval.Node.Agent;

internal enum ContainerPhase
{
    Waiting,
    Running,
    Terminated,
}

/// <summary>How a container ended.</summary>
internal sealed record Termination(
    int ExitCode, int Signal, string Reason, string Message, DateTimeOffset StartedAt, DateTimeOffset FinishedAt);

/// <summary>One container of a pod and what is known of it. Only the pod's own turn touches it.</summary>
internal sealed class ContainerSlot(Container spec, bool isInit)
{
    public Container Spec { get; } = spec;
    public bool IsInit { get; } = isInit;

    public ContainerPhase Phase { get; set; }
    public string WaitingReason { get; set; } = "ContainerCreating";
    public string WaitingMessage { get; set; } = "";

    /// <summary>A start is under way or planned; it must not be begun twice.</summary>
    public bool Starting { get; set; }

    /// <summary>Waits for a ConfigMap, Secret or key.</summary>
    public bool WaitsForReference { get; set; }
    public int RestartCount { get; set; }
    public DateTimeOffset StartedAt { get; set; }
    public Termination? Terminated { get; set; }
    public Termination? LastTerminated { get; set; }
    public bool Ready { get; set; }
    public bool Started { get; set; }

    /// <summary>Why it is not ready, as far as known.</summary>
    public string NotReadyMessage { get; set; } = "";

    /// <summary>Why Serval ended it, when it did (a liveness probe).</summary>
    public string KilledBecause { get; set; } = "";
    public string ImageDigest { get; set; } = "";
    public ChildProcess? Process { get; set; }
    public ContainerLaunch? Launch { get; set; }

    /// <summary>Follows the present run's log.</summary>
    public LogTrack? Log { get; set; }

    /// <summary>Ends the probes of the present run.</summary>
    public CancellationTokenSource? Run { get; set; }

    public RestartBackOff BackOff;
    public TimeSpan StartRetry { get; set; }

    /// <summary>An init container that has done its work.</summary>
    public bool Succeeded => Phase == ContainerPhase.Terminated && Terminated?.ExitCode == 0;
}
