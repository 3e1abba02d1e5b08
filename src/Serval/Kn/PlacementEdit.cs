using System.Text.Json.Nodes;
using Serval.Api.Admission;
using Serval.Cli;

namespace Serval.Kn;

/// <summary>Where pods may run: node selectors, tolerations, node affinity (knative/client: pkg/flags).</summary>
internal static class PlacementEdit
{
    public static void AddToleration(EditTarget target, string word)
    {
        var toleration = new JsonObject();
        foreach (var (name, value) in Fields("toleration", word, ["key", "operator", "value", "effect"]))
        {
            toleration[name] = value;
        }
        EditTarget.Put(target.PodSpec, "tolerations", t => JsonNode.DeepEquals(t, toleration), toleration);
    }

    /// <summary>Terms of required affinities are alternatives; preferred ones add up by weight.</summary>
    public static void AddAffinity(EditTarget target, string word)
    {
        var fields = Fields("node-affinity", word, ["type", "key", "operator", "values", "weight"]).ToDictionary(f => f.Name, f => f.Value, StringComparer.Ordinal);
        var expression = new JsonObject { ["key"] = fields.GetValueOrDefault("key"), ["operator"] = fields.GetValueOrDefault("operator") };
        if (fields.TryGetValue("values", out var values))
        {
            expression["values"] = new JsonArray([.. values.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(v => (JsonNode)v)]);
        }
        var term = new JsonObject { ["matchExpressions"] = new JsonArray(expression) };
        var affinity = target.PodSpec.Ensure("affinity").Ensure("nodeAffinity");
        switch (fields.GetValueOrDefault("type"))
        {
            case "Required":
                EditTarget.Put(affinity.Ensure("requiredDuringSchedulingIgnoredDuringExecution"), "nodeSelectorTerms", t => JsonNode.DeepEquals(t, term), term);
                break;
            case "Preferred":
                var preferred = new JsonObject { ["weight"] = EditTarget.Number("node-affinity", fields.GetValueOrDefault("weight") ?? ""), ["preference"] = term };
                EditTarget.Put(affinity, "preferredDuringSchedulingIgnoredDuringExecution", t => JsonNode.DeepEquals(t, preferred), preferred);
                break;
            default:
                throw new CliException(ExitCodes.Usage, $"--node-affinity \"{word}\" has no Type; write Type=Required or Type=Preferred");
        }
    }

    private static IEnumerable<(string Name, string Value)> Fields(string flag, string word, string[] known) =>
        word.Split(',').Select(part => part.Split('=', 2) is [var name, var value] && known.Contains(name.Trim().ToLowerInvariant())
            ? (name.Trim().ToLowerInvariant(), value.Trim('"'))
            : throw new CliException(ExitCodes.Usage, $"--{flag}: \"{part}\" is not understood; write {string.Join(',', known.Select(k => $"{char.ToUpperInvariant(k[0])}{k[1..]}=…"))}"));
}
