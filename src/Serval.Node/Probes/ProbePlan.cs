using Serval.Api.Core;

namespace Serval.Node.Probes;

/// <summary>How one probe of a container is run.</summary>
internal sealed record ProbePlan
{
    public required Probe Probe { get; init; }

    /// <summary>Completes when the instance itself listens on the probed port; null when the probe does not look at one of its ports.</summary>
    public Func<CancellationToken, Task>? Listening { get; init; }

    /// <summary>Being seen listening is all the probe asks for at first.</summary>
    public bool ListeningIsEnough { get; init; }

    /// <summary>What a run tries, in words.</summary>
    public string What { get; init; } = "";

    /// <summary>One run, told how much time it has; cancelled when that is over.</summary>
    public required Func<TimeSpan, CancellationToken, Task<ProbeResult>> Check { get; init; }

    public TimeSpan InitialDelay => Seconds.Clamped(Probe.InitialDelaySeconds);

    public TimeSpan Period => Seconds.Clamped(Probe.PeriodSeconds is > 0 and var s ? s : 10);

    public TimeSpan Timeout => Seconds.Clamped(Probe.TimeoutSeconds is > 0 and var s ? s : 1);

    /// <summary>Most time of a try before the first success; null: as later (knative/serving: queue/readiness: aggressiveProbeTimeout).</summary>
    public TimeSpan? EagerTimeout { get; init; }

    public int SuccessThreshold => Math.Max(1, Probe.SuccessThreshold ?? 1);

    public int FailureThreshold => Math.Max(1, Probe.FailureThreshold ?? 3);

    /// <summary>How long a startup probe may fail.</summary>
    public TimeSpan Budget => Seconds.Clamped((long)InitialDelay.TotalSeconds + ((long)Period.TotalSeconds * FailureThreshold));

    public bool IsExec => Probe.Exec is not null;
}
