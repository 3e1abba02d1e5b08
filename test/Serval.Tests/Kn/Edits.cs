using System.Text.Json.Nodes;
using Serval.Kn;
using Serval.Kube.Yaml;

namespace Serval.Tests.Kn;

/// <summary>Edits as one line: flags without dashes, split by <c> | </c>; trees as YAML.</summary>
internal static class Edits
{
    public static readonly DateTimeOffset Now = new(2026, 5, 6, 7, 8, 9, TimeSpan.Zero);

    public static JsonObject Tree(string yaml)
    {
        using var text = new StringReader(yaml);
        return YamlReader.ReadAll(text) is [JsonObject tree] ? tree : throw new InvalidOperationException(yaml);
    }

    public static ServiceEdit Parse(string flags) => new([.. flags.Split(" | ").Select(f => f.Split(' ', 2) is [var name, var value] ? (name, value) : (f, "true"))]);

    public static JsonObject Apply(string flags, JsonObject service, EditVerb verb = EditVerb.Update, JsonObject? baseRevision = null) =>
        Parse(flags).Apply(service, new EditScene { Verb = verb, Now = Now, Random = count => new string('z', count), BaseRevision = baseRevision });

    /// <summary>Without what every edit adds.</summary>
    public static JsonObject PodSpec(string flags, string before) =>
        (JsonObject)Apply(flags, Tree("{metadata: {name: x}, spec: {template: {spec: " + before + "}}}"))["spec"]!["template"]!["spec"]!;

    public static void Equal(string yaml, JsonNode? actual) =>
        Assert.True(JsonNode.DeepEquals(Tree(yaml), actual), $"expected {Tree(yaml).ToJsonString()}{Environment.NewLine}but got  {actual?.ToJsonString()}");
}
