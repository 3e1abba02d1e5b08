using Serval.Api.Fields;

namespace Serval.ApiServer.Apply;

/// <summary>One entry of <c>metadata.managedFields</c>: the fields a manager set by one kind of write. (apimachinery: ManagedFieldsEntry.)</summary>
internal sealed record ManagedEntry
{
    public required string Manager { get; init; }

    /// <summary>Whether the manager applied them; else it wrote them in another way.</summary>
    public required bool IsApply { get; init; }

    public required string ApiVersion { get; init; }

    public string Subresource { get; init; } = "";

    /// <summary>When the entry last changed; empty when nobody said.</summary>
    public string Time { get; init; } = "";

    public FieldSet Fields { get; init; } = FieldSet.Empty;

    public string Operation => IsApply ? "Apply" : "Update";

    /// <summary>A manager applies one configuration, whatever its version; other writes are told apart by version too.</summary>
    public bool IsOfSameManager(ManagedEntry other) =>
        Manager == other.Manager && IsApply == other.IsApply && Subresource == other.Subresource && (IsApply || ApiVersion == other.ApiVersion);
}
