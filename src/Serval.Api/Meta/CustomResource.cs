namespace Serval.Api;

/// <summary>A resource that a CustomResourceDefinition adds (apiextensions/v1: CustomResourceDefinitionSpec, as far as serving needs it).</summary>
public sealed record CustomResource
{
    public required string Group { get; init; }
    public required string Plural { get; init; }
    public required string Kind { get; init; }
    public required bool Namespaced { get; init; }

    /// <summary>At least one; exactly one is <see cref="CustomVersion.Stored"/>.</summary>
    public required IReadOnlyList<CustomVersion> Versions { get; init; }

    /// <summary>Whether it is on its way out, so that nothing new is created.</summary>
    public bool IsTerminating { get; init; }

    /// <summary><c>plural.group</c>.</summary>
    public string Name => $"{Plural}.{Group}";
}

/// <summary>One version of a <see cref="CustomResource"/>.</summary>
public sealed record CustomVersion(string Name, bool Served, bool Stored, KindShape Shape);
