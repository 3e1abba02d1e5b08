namespace Serval.Api.Admission;

/// <summary>One thing wrong with one field.</summary>
/// <param name="Reason">As in <see cref="StatusCause"/>.</param>
/// <param name="Message">What is wrong, without the path: <c>missing field(s)</c>, <c>Required value</c>.</param>
/// <param name="Field">Path from the object's root.</param>
public sealed record FieldError(string Reason, string Message, string Field)
{
    /// <summary>A longer explanation, or what to do about it; may be empty.</summary>
    public string Details { get; init; } = "";

    /// <summary>Name of the webhook that rejects this upstream; null for the API server's own rules.</summary>
    public string? Webhook { get; init; }

    /// <summary>The webhook's second look found it, when its validation had nothing to say (knative.dev/pkg: validation callbacks).</summary>
    public bool Callback { get; init; }

    /// <summary>The cause inside a <c>Status</c>.</summary>
    public StatusCause ToCause() => new(Reason, Details.Length == 0 || Webhook is null ? Message : $"{Message} ({Details})", Field);
}
