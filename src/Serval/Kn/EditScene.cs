using System.Text.Json.Nodes;

namespace Serval.Kn;

/// <summary>What an edit of a service depends on besides the service and the flags.</summary>
internal sealed record EditScene
{
    public required EditVerb Verb { get; init; }

    public required DateTimeOffset Now { get; init; }

    /// <summary>That many random consonants, for names of revisions.</summary>
    public required Func<int, string> Random { get; init; }

    /// <summary>The revision whose resolved image an edit that names no image keeps; null when there is none.</summary>
    public JsonObject? BaseRevision { get; init; }
}

/// <summary>Which command edits.</summary>
internal enum EditVerb
{
    Create,
    Update,

    /// <summary>Must give the same result each time: no time, no random name.</summary>
    Apply,
}
