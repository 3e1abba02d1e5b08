using System.Collections.Frozen;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Serval.Api.Admission;

/// <summary>
/// Reading and filling JSON trees. A value of the wrong type reads as absent: the schema has its say before, and reports it.
/// </summary>
internal static class Tree
{
    // Fields that are pointers in the API: false or 0 is a statement there, not an absence.
    private static readonly FrozenSet<string> s_pointers = FrozenSet.ToFrozenSet(
    [
        "terminationGracePeriodSeconds", "activeDeadlineSeconds", "hostUsers", "setHostnameAsFQDN", "priority", "privileged",
        "automountServiceAccountToken", "shareProcessNamespace", "hostnameOverride",
    ], StringComparer.Ordinal);

    public static JsonObject? Object(this JsonObject? tree, string key) => tree?[key] as JsonObject;

    public static JsonArray? Array(this JsonObject? tree, string key) => tree?[key] as JsonArray;

    /// <summary>The objects of a list with their index; other elements are passed over.</summary>
    public static IEnumerable<(int Index, JsonObject Item)> Objects(this JsonObject? tree, string key)
    {
        var list = tree.Array(key);
        for (var i = 0; i < (list?.Count ?? 0); i++)
        {
            if (list![i] is JsonObject item)
            {
                yield return (i, item);
            }
        }
    }

    public static IEnumerable<string> Strings(this JsonObject? tree, string key) => (tree.Array(key) ?? []).Select(Text).Where(t => t.Length > 0);

    /// <summary>The text, or empty.</summary>
    public static string String(this JsonObject? tree, string key) => Text(tree?[key]);

    public static string Text(JsonNode? node) => node is JsonValue value && value.GetValueKind() == JsonValueKind.String ? value.GetValue<string>() : "";

    /// <summary>How long the text is in UTF-8; 0 when it is none.</summary>
    public static int ByteCount(JsonNode? node)
    {
        if (node is JsonValue value && value.TryGetValue(out JsonElement element) && element.ValueKind == JsonValueKind.String
            && JsonMarshal.GetRawUtf8Value(element) is var raw && !raw.Contains((byte)'\\'))
        {
            return raw.Length - 2; // as it was written, without quotes: a text need not be made of it
        }
        return Encoding.UTF8.GetByteCount(Text(node));
    }

    public static long? Number(this JsonObject? tree, string key) => Number(tree?[key]);

    public static long? Number(JsonNode? node) =>
        node is JsonValue value && value.GetValueKind() == JsonValueKind.Number
        && long.TryParse(value.ToJsonString(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null;

    public static bool? Bool(this JsonObject? tree, string key) =>
        tree?[key] is JsonValue value ? value.GetValueKind() switch { JsonValueKind.True => true, JsonValueKind.False => false, _ => null } : null;

    /// <summary>A map of texts; empty when absent.</summary>
    public static Dictionary<string, string> Texts(this JsonObject? tree, string key) =>
        (tree.Object(key) ?? []).ToDictionary(p => p.Key, p => Text(p.Value), StringComparer.Ordinal);

    /// <summary>Whether a field says something: not null, and not the zero value of a field that is no pointer.</summary>
    public static bool IsSet(string key, JsonNode? value) => value switch
    {
        null => false,
        JsonArray list => list.Count > 0,
        JsonObject => true,
        _ => value.GetValueKind() switch
        {
            JsonValueKind.False => s_pointers.Contains(key),
            JsonValueKind.String => Text(value).Length > 0,
            JsonValueKind.Number => Number(value) != 0 || s_pointers.Contains(key),
            JsonValueKind.Null => false,
            _ => true,
        },
    };

    public static bool Has(this JsonObject? tree, string key) => tree?[key] is not null;

    /// <summary>The object at the key, made when absent. A value of another type stays and is answered with a loose object.</summary>
    public static JsonObject Ensure(this JsonObject tree, string key)
    {
        if (tree[key] is JsonObject there)
        {
            return there;
        }
        var made = new JsonObject();
        if (tree[key] is null)
        {
            tree[key] = made;
        }
        return made;
    }

    public static void Default(this JsonObject tree, string key, JsonNode value)
    {
        if (tree[key] is null)
        {
            tree[key] = value;
        }
    }

    /// <summary>As <see cref="Default"/>, also for an empty text or a number 0.</summary>
    public static void DefaultZero(this JsonObject tree, string key, JsonNode value)
    {
        if (!IsSet("", tree[key]))
        {
            tree[key] = value;
        }
    }

    public static string Join(string path, string key) => path.Length == 0 ? key : $"{path}.{key}";
}
