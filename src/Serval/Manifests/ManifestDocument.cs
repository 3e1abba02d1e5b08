using System.Text.Json.Nodes;
using Serval.Cli;

namespace Serval.Manifests;

/// <summary>One object to apply or delete, and where it was read.</summary>
internal sealed record ManifestDocument(JsonObject Tree, string Source)
{
    public string ApiVersion => Text("apiVersion");

    public string Kind => Text("kind");

    public string Name => Meta("name");

    public string GenerateName => Meta("generateName");

    public string Namespace => Meta("namespace");

    private string Text(string field) => (Tree[field] as JsonValue)?.ToString() ?? "";

    private string Meta(string field) => ((Tree["metadata"] as JsonObject)?[field] as JsonValue)?.ToString() ?? "";

    /// <summary>Refuses what cannot be an API object.</summary>
    public ManifestDocument Check()
    {
        var missing = ApiVersion.Length == 0 ? "apiVersion" : Kind.Length == 0 ? "kind" : Name.Length + GenerateName.Length == 0 ? "metadata.name" : "";
        return missing.Length == 0 ? this : throw new CliException(ExitCodes.Usage, $"{Source}: the object has no {missing}; add it");
    }
}
