using System.Text.Json.Nodes;
using Serval.Api.Crds;

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

    /// <summary>Where <c>/scale</c> finds its numbers; null when it is no subresource.</summary>
    public CustomResourceScale? Scale { get; init; }

    public IReadOnlyList<PrinterColumn> Columns { get; init; } = [];

    /// <summary>Paths (<c>.spec.color</c>) that field selectors may name beside those of metadata.</summary>
    public IReadOnlyList<string> SelectableFields { get; init; } = [];

    /// <summary>What whoever uses a deprecated version is told; empty when it is not deprecated.</summary>
    public string Deprecation { get; init; } = "";

    /// <summary>Makes the schema as its author wrote it, a new tree at each call; by default one that allows everything.</summary>
    public Func<JsonObject> OpenApi { get; init; } = static () => new JsonObject { ["type"] = "object", ["x-kubernetes-preserve-unknown-fields"] = true };

    /// <summary>The schema by which objects are read, defaulted and validated.</summary>
    public StructuralSchema Schema => field ??= StructuralSchema.Parse(OpenApi()); // a lost race only parses twice

    /// <summary>Changes with the definition, and only with it.</summary>
    public string Revision { get; init; } = "";

    /// <summary>Whether the definition is on its way out, so that nothing new is created.</summary>
    public bool IsTerminating { get; init; }

    /// <summary>The kind in the version that the store keeps.</summary>
    internal ResourceKind? StoredAs { get; init; }

    internal IStoredForm? Form { get; init; }
}
