using System.Text.Json;
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

    private string Text(string field) => Text(Tree[field]);

    private string Meta(string field) => Text((Tree["metadata"] as JsonObject)?[field]);

    private static string Text(JsonNode? node) => node?.GetValueKind() == JsonValueKind.String ? node.ToString() : "";

    /// <summary>Refuses what cannot be an API object.</summary>
    public ManifestDocument Check()
    {
        Expect(Tree["metadata"], "metadata", JsonValueKind.Object);
        foreach (var field in (string[])["apiVersion", "kind"])
        {
            Expect(Tree[field], field, JsonValueKind.String);
        }
        foreach (var field in (string[])["name", "generateName", "namespace"])
        {
            Expect((Tree["metadata"] as JsonObject)?[field], $"metadata.{field}", JsonValueKind.String);
        }
        var missing = ApiVersion.Length == 0 ? "apiVersion" : Kind.Length == 0 ? "kind" : Name.Length + GenerateName.Length == 0 ? "metadata.name" : "";
        return missing.Length == 0 ? this : throw new CliException(ExitCodes.Usage, $"{Source}: the object has no {missing}; add it");
    }

    // A name such as 5 or true is a number or a truth to YAML.
    private void Expect(JsonNode? node, string field, JsonValueKind wanted)
    {
        if (node is not null && node.GetValueKind() != wanted)
        {
            throw new CliException(ExitCodes.Usage, wanted == JsonValueKind.String
                ? $"{Source}: {field} is {node.ToJsonString()}, which is not a string; put it in quotes"
                : $"{Source}: {field} is not an object; write its fields below it");
        }
    }
}
