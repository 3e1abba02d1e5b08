namespace Serval.Autoscaling;

/// <summary>Why a decision came out as it did.</summary>
public enum ScaleReason
{
    /// <summary>Average load over the stable window ÷ target.</summary>
    StableWindow,

    /// <summary>A burst: the panic window rules and nothing is scaled down.</summary>
    Panic,

    /// <summary>Raised to min-scale or initial-scale.</summary>
    MinScale,

    /// <summary>Cut to max-scale.</summary>
    MaxScale,

    /// <summary>Raised to activation-scale.</summary>
    ActivationScale,

    /// <summary>Cut by max-scale-up-rate.</summary>
    ScaleUpRate,

    /// <summary>Raised by max-scale-down-rate.</summary>
    ScaleDownRate,

    /// <summary>A lower scale waits for scale-down-delay.</summary>
    ScaleDownDelay,

    /// <summary>No demand, but instances are still starting.</summary>
    Activating,

    /// <summary>Instances did not become ready within the progress deadline: to zero.</summary>
    ActivationTimedOut,

    /// <summary>No demand, but not yet for the whole stable window.</summary>
    IdleWindow,

    /// <summary>Idle: zero is wanted, the last instance stays for the retention period.</summary>
    PodRetention,

    /// <summary>Idle: zero is wanted, the last instance stays until the gateway has been in the path for the grace period.</summary>
    GracePeriod,

    /// <summary>Idle: to zero.</summary>
    Idle,

    /// <summary>Idle, and enable-scale-to-zero is false.</summary>
    ScaleToZeroDisabled,
}

/// <summary>What a decision was made from.</summary>
/// <param name="Stable">Average load over the stable window.</param>
/// <param name="Panic">Average load over the panic window.</param>
/// <param name="Now">Requests in flight and held at the last reports.</param>
/// <param name="Held">Those of them that wait for an instance.</param>
/// <param name="Target">Load wanted per instance, in units of the metric.</param>
/// <param name="Ready">Instances ready.</param>
/// <param name="Replicas">Instances asked for before.</param>
/// <param name="Min">Fewest that hold now.</param>
/// <param name="Max">Most; 0 is no limit.</param>
/// <param name="InPanic">Whether panic mode holds.</param>
/// <param name="ExcessBurst">What ready instances can take beyond the wanted burst; negative: not even that.</param>
/// <param name="IdleFor">Time since the last demand or since it became active, whichever is later.</param>
public readonly record struct ScaleInputs(
    double Stable, double Panic, int Now, int Held, double Target, int Ready, int Replicas, int Min, int Max, bool InPanic, int ExcessBurst,
    TimeSpan IdleFor);

/// <summary>One scaling decision.</summary>
/// <param name="Desired">What the revision should have: <c>status.desiredScale</c>. -1: nothing is known yet.</param>
/// <param name="Replicas">What to write now; null leaves the present number.</param>
/// <param name="Reason">The rule that had the last word.</param>
/// <param name="Inputs">What it was made from.</param>
public readonly record struct ScaleDecision(int Desired, int? Replicas, ScaleReason Reason, ScaleInputs Inputs)
{
    /// <summary>Nothing is known.</summary>
    public const int Unknown = -1;

    /// <summary>Whether writing it changes anything.</summary>
    public bool Changes => Replicas is { } wanted && wanted != Inputs.Replicas;
}

/// <summary>What the world looks like to a decision.</summary>
/// <param name="Ready">Instances ready.</param>
/// <param name="Replicas">Instances asked for (the scale target's <c>spec.replicas</c>).</param>
/// <param name="Initialised">Whether the revision once reached its initial scale (PodAutoscaler: ScaleTargetInitialized).</param>
/// <param name="GatewaySince">Since when the gateway is in the path of every request (ServerlessService: ActivatorEndpointsPopulated).</param>
public readonly record struct ScaleObservation(int Ready, int Replicas, bool Initialised, DateTimeOffset GatewaySince);
