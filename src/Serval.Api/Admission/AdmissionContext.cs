using Serval.Api.Config;

namespace Serval.Api.Admission;

/// <summary>What a write does.</summary>
public enum AdmissionOperation
{
    Create,
    Update,
}

/// <summary>Everything defaulting and validation know about a write beside the object itself.</summary>
public sealed record AdmissionContext
{
    public ServingConfig Config { get; init; } = ServingConfig.Default;

    /// <summary>Name of the authenticated user; empty for the system's own writes.</summary>
    public string User { get; init; } = "";
    public AdmissionOperation Operation { get; init; } = AdmissionOperation.Create;

    /// <summary><c>status</c>, <c>scale</c> …; empty for the object itself.</summary>
    public string Subresource { get; init; } = "";
    /// <summary>The client writes a view of the kind (<see cref="ResourceKind.ViewOf"/>).</summary>
    public bool ThroughView { get; init; }
    public DateTimeOffset Now { get; init; }

    /// <summary>Nothing will be stored.</summary>
    public bool DryRun { get; init; }

    /// <summary>Takes a warning for the client (header <c>Warning: 299</c>).</summary>
    public Action<string> Warn { get; init; } = _ => { };

    /// <summary>Kubernetes' own rules of pods are left to <see cref="TemplateDryRun"/>.</summary>
    internal bool PodComesLater { get; init; }

    internal bool IsUpdate => Operation == AdmissionOperation.Update;
}
