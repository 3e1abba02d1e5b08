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
    public Container Spec { get; set; } = spec;

    /// <summary>What it is from its next run on; null when nothing about it has changed.</summary>
    public Container? Next { get; set; }
    public bool IsInit { get; } = isInit;

    /// <summary>Added to the pod while it runs: it is started once, and nobody waits for it or asks how it is.</summary>
    public bool IsEphemeral { get; init; }

    /// <summary>An init container that runs as long as the pod does; the next one waits for its start only.</summary>
    public bool IsSidecar { get; } = isInit && spec.RestartPolicy == "Always";

    public ContainerPhase Phase { get; set; }
    public string WaitingReason { get; set; } = "ContainerCreating";
    public string WaitingMessage { get; set; } = "";

    /// <summary>A start is under way or planned; it must not be begun twice.</summary>
    public bool Starting { get; set; }

    /// <summary>Waits for a ConfigMap, Secret or key.</summary>
    public bool WaitsForReference { get; set; }

    /// <summary>It was said that the user asked for is not honoured.</summary>
    public bool ToldUser { get; set; }
    public int RestartCount { get; set; }
    public DateTimeOffset StartedAt { get; set; }
    public Termination? Terminated { get; set; }
    public Termination? LastTerminated { get; set; }
    public bool Ready { get; set; }
    public bool Started
    {
        get;
        set => HasStarted |= field = value;
    }

    /// <summary>It was started once, in this run or an earlier one.</summary>
    public bool HasStarted { get; private set; }

    /// <summary>Why it is not ready, as far as known.</summary>
    public string NotReadyMessage { get; set; } = "";

    /// <summary>Why Serval ended it, when it did (a liveness probe).</summary>
    public string KilledBecause { get; set; } = "";
    public string ImageDigest { get; set; } = "";
    public ChildProcess? Process { get; set; }
    public ContainerLaunch? Launch { get; set; }

    /// <summary>What asks the present run to end.</summary>
    public int StopSignal { get; set; } = Libc.SIGTERM;

    /// <summary>Completes when the end of the present run has been noted.</summary>
    public TaskCompletionSource? Exit { get; private set; }

    /// <summary>The present run's input and terminal; null when it has neither.</summary>
    public ContainerConsole? Console { get; set; }

    /// <summary>Follows the present run's log.</summary>
    public LogTrack? Log { get; set; }

    /// <summary>Ends the probes of the present run.</summary>
    public CancellationTokenSource? Run { get; set; }

    public RestartBackOff BackOff;
    private int _ending;
    private int _asked;
    public TimeSpan StartRetry { get; set; }

    /// <summary>An init container that has done its work.</summary>
    public bool Succeeded => Phase == ContainerPhase.Terminated && Terminated?.ExitCode == 0;

    /// <summary>Whether an init container lets the next one start.</summary>
    public bool LetsOn => IsSidecar ? HasStarted : Succeeded;

    /// <summary>A new run begins.</summary>
    public void Begin(ChildProcess process, ContainerLaunch launch, CancellationTokenSource run)
    {
        (Process, Launch, Run) = (process, launch, run);
        Exit = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        StopSignal = Signals.Parse(Spec.Lifecycle?.StopSignal is { Length: > 0 } own ? own : launch.Image.Config.StopSignal);
        _ending = _asked = 0;
    }

    /// <summary>True for the first who wants the present run to end. Any thread.</summary>
    public bool BeginEnd() => Interlocked.Exchange(ref _ending, 1) == 0;

    /// <summary>True for the first who is about to signal the present run. Any thread.</summary>
    public bool BeginAsk() => Interlocked.Exchange(ref _asked, 1) == 0;
}
