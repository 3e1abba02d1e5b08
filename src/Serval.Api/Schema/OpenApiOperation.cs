namespace Serval.Api.Schema;

/// <summary>A parameter of an operation.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">OpenAPI type of its value.</param>
/// <param name="Doc">One sentence.</param>
/// <param name="In"><c>query</c> or <c>path</c>.</param>
internal sealed record OpenApiParameter(string Name, string Type, string Doc, string In = "query");

/// <summary>A method of a path.</summary>
internal sealed record OpenApiOperation
{
    /// <summary>Lower case: <c>get</c>, <c>post</c> …</summary>
    public required string Method { get; init; }

    /// <summary>Unique among all documents: <c>readCoreV1NamespacedPod</c>.</summary>
    public required string Id { get; init; }

    public required string Doc { get; init; }

    /// <summary><c>core_v1</c>.</summary>
    public required string Tag { get; init; }

    /// <summary><c>get</c>, <c>watchlist</c>, <c>connect</c> …; empty for what is not about objects.</summary>
    public string Action { get; init; } = "";

    /// <summary>Group, version and kind of the object it is about; with an <see cref="Action"/>.</summary>
    public (string Group, string Version, string Kind) Kind { get; init; }

    public IReadOnlyList<OpenApiParameter> Query { get; init; } = [];

    /// <summary>Name of the type of the body; null for none.</summary>
    public string? Body { get; init; }

    public bool BodyRequired { get; init; }

    public IReadOnlyList<string> Consumes { get; init; } = ["*/*"];

    /// <summary>Name of the type of the answer; null for a text.</summary>
    public string? Answer { get; init; }

    /// <summary>Codes beside 401.</summary>
    public IReadOnlyList<string> Codes { get; init; } = ["200"];

    public IReadOnlyList<string> Produces { get; init; } = ["application/json"];
}
