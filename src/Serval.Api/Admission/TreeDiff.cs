using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Serval.Api.Core;

namespace Serval.Api.Admission;

/// <summary>Difference of two trees as Kubernetes sees it: absent, null and empty are one; quantities compare by amount.</summary>
internal static class TreeDiff
{
    public static bool Same(JsonNode? before, JsonNode? after)
    {
        foreach (var _ in Changes(before, after, "", amounts: false))
        {
            return false;
        }
        return true;
    }

    /// <summary>One paragraph a change, path first, then what was (-) and what is (+). Empty when nothing changed.</summary>
    public static string Describe(JsonNode? before, JsonNode? after)
    {
        var text = new StringBuilder();
        foreach (var (path, was, now) in Changes(before, after, "", amounts: false))
        {
            text.Append(path).Append(":\n");
            if (was is not null)
            {
                text.Append("\t-: ").Append(Show(was)).Append('\n');
            }
            if (now is not null)
            {
                text.Append("\t+: ").Append(Show(now)).Append('\n');
            }
        }
        return text.ToString();
    }

    private static IEnumerable<(string Path, JsonNode? Was, JsonNode? Now)> Changes(JsonNode? before, JsonNode? after, string path, bool amounts)
    {
        if (IsEmpty(before) && IsEmpty(after))
        {
            return [];
        }
        return (before, after) switch
        {
            (JsonObject b, JsonObject a) => InMaps(b, a, path, amounts),
            (JsonArray b, JsonArray a) => InLists(b, a, path),
            _ => SameScalar(before, after, amounts) ? [] : [(path, before, after)],
        };
    }

    private static IEnumerable<(string Path, JsonNode? Was, JsonNode? Now)> InMaps(JsonObject before, JsonObject after, string path, bool amounts) =>
        before.Select(p => p.Key).Union(after.Select(p => p.Key)).Order(StringComparer.Ordinal)
            .SelectMany(key => Changes(before[key], after[key], Tree.Join(path, key), key is "requests" or "limits" || amounts));

    private static IEnumerable<(string Path, JsonNode? Was, JsonNode? Now)> InLists(JsonArray before, JsonArray after, string path) =>
        Enumerable.Range(0, Math.Max(before.Count, after.Count))
            .SelectMany(i => Changes(i < before.Count ? before[i] : null, i < after.Count ? after[i] : null, $"{path}[{i}]", amounts: false));

    private static bool SameScalar(JsonNode? before, JsonNode? after, bool amounts)
    {
        if (before is null || after is null)
        {
            return false;
        }
        if (JsonNode.DeepEquals(before, after))
        {
            return true;
        }
        return amounts && Quantity.TryParse(Plain(before), out var b) && Quantity.TryParse(Plain(after), out var a) && a == b;
    }

    private static string Plain(JsonNode node) => node.GetValueKind() == JsonValueKind.String ? Tree.Text(node) : node.ToJsonString();

    private static string Show(JsonNode node) => node is JsonValue ? $"\"{Plain(node)}\"" : node.ToJsonString();

    private static bool IsEmpty(JsonNode? node) => node is null or JsonObject { Count: 0 } or JsonArray { Count: 0 };
}
