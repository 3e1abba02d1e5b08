namespace Serval.Api;

/// <summary>
/// What its CustomResourceDefinition says of a kind, and may say otherwise later: immutable, swapped whole. See <see cref="ResourceKind.Shape"/>.
/// </summary>
public sealed record KindShape
{
    public required string Singular { get; init; }

    public required string ListKind { get; init; }

    public IReadOnlyList<string> ShortNames { get; init; } = [];

    public IReadOnlyList<string> Categories { get; init; } = [];

    public bool HasStatus { get; init; }

    public bool HasScale { get; init; }

    public IReadOnlyList<PrinterColumn> Columns { get; init; } = [];

    /// <summary>The kind in the version that the store keeps.</summary>
    internal ResourceKind? StoredAs { get; init; }

    internal IStoredForm? Form { get; init; }
}
