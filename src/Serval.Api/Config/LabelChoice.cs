using System.Collections.Frozen;
using System.Text.Json.Nodes;

namespace Serval.Api.Config;

/// <summary>Names chosen by labels, as config-domain and runtime-class-name hold them.</summary>
internal static class LabelChoice
{
    /// <summary>The matching name with the most labels; among equals the first in ordinal order; null when none matches.</summary>
    public static string? MostSpecific(IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> selectors, IReadOnlyDictionary<string, string> labels)
    {
        string? best = null;
        var specificity = -1;
        foreach (var (name, selector) in selectors)
        {
            if (selector.Count < specificity || !selector.All(s => labels.TryGetValue(s.Key, out var value) && value == s.Value))
            {
                continue;
            }
            if (selector.Count > specificity || string.CompareOrdinal(name, best) < 0)
            {
                best = name;
                specificity = selector.Count;
            }
        }
        return best;
    }

    /// <summary>The <c>selector</c> map of a value; empty when there is none.</summary>
    public static IReadOnlyDictionary<string, string> Selector(JsonNode? node)
    {
        if (node is null)
        {
            return FrozenDictionary<string, string>.Empty;
        }
        if (node is not JsonObject map)
        {
            throw new FormatException("must be empty or hold \"selector:\" with labels below it");
        }
        return map["selector"] switch
        {
            null => FrozenDictionary<string, string>.Empty,
            JsonObject labels => labels.ToFrozenDictionary(p => p.Key, p => p.Value is JsonValue v ? v.GetValue<string>() : "", StringComparer.Ordinal),
            _ => throw new FormatException("selector must hold labels, one \"key: value\" a line"),
        };
    }
}
