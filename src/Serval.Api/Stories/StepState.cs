namespace Serval.Api.Stories;

/// <summary>How a link of a causal chain stands.</summary>
public enum StepState
{
    Well,

    /// <summary>Not there yet: it may still come by itself.</summary>
    Waiting,
    Failed,
}
