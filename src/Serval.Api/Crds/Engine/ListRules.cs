using System.Text.Json.Nodes;
using Serval.Api.Admission;

namespace Serval.Api.Crds;

/// <summary>Lists that are sets or maps hold nothing twice (apiextensions-apiserver pkg/apiserver/schema/listtype).</summary>
internal static class ListRules
{
    private const int MostErrors = 200;

    public static IReadOnlyList<FieldError> Check(StructuralSchema schema, JsonObject root)
    {
        var errors = new List<FieldError>();
        Walk(schema, root, "", errors);
        return errors;
    }

    /// <summary>The items of a list that is a map by their keys; of several with one key the first.</summary>
    public static Dictionary<string, JsonNode?> ByKey(StructuralSchema schema, JsonArray list)
    {
        var items = new Dictionary<string, JsonNode?>(StringComparer.Ordinal);
        foreach (var item in list)
        {
            items.TryAdd(KeyOf(schema, item), item);
        }
        return items;
    }

    /// <summary>The keys of an item as they are shown: <c>{"name":"a"}</c>.</summary>
    public static string KeyOf(StructuralSchema schema, JsonNode? item)
    {
        var keys = new JsonObject();
        foreach (var key in schema.ListMapKeys)
        {
            if (item is JsonObject map && map.TryGetPropertyValue(key, out var value))
            {
                keys[key] = value?.DeepClone();
            }
        }
        return keys.ToJsonString();
    }

    private static void Walk(StructuralSchema schema, JsonNode? value, string path, List<FieldError> to)
    {
        if (value is JsonArray list)
        {
            List(schema, list, path, to);
        }
        else if (value is JsonObject map)
        {
            foreach (var (name, field) in map)
            {
                if (field is not (JsonObject or JsonArray))
                {
                    continue;
                }
                if (schema.Properties.TryGetValue(name, out var property))
                {
                    Walk(property, field, Tree.Join(path, name), to);
                }
                else if (schema.Additional is { } additional)
                {
                    Walk(additional, field, $"{path}[{TextLimit.First(name, TextLimit.PathStep)}]", to);
                }
            }
        }
    }

    private static void List(StructuralSchema schema, JsonArray list, string path, List<FieldError> to)
    {
        if (schema.ListType == "set")
        {
            Twice(list, JsonText.Of, path, to);
        }
        else if (schema.ListType == "map" && IsMap(list, path, to))
        {
            Twice(list, item => KeyOf(schema, item), path, to);
        }
        for (var i = 0; i < list.Count && schema.Items is not null; i++)
        {
            if (list[i] is JsonObject or JsonArray)
            {
                Walk(schema.Items, list[i], $"{path}[{i}]", to);
            }
        }
    }

    private static bool IsMap(JsonArray list, string path, List<FieldError> to)
    {
        for (var i = 0; i < list.Count; i++)
        {
            if (list[i] is not (null or JsonObject))
            {
                Add(new("FieldValueInvalid", $"Invalid value: {JsonText.Of(list[i])}: must be an object for an array of list-type map", $"{path}[{i}]"), to);
                return false;
            }
        }
        return true;
    }

    /// <summary>An item that is there several times is told once, at its second place.</summary>
    private static void Twice(JsonArray list, Func<JsonNode?, string> name, string path, List<FieldError> to)
    {
        var seen = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i < list.Count; i++)
        {
            var text = name(list[i]);
            seen[text] = seen.GetValueOrDefault(text) + 1;
            if (seen[text] == 2)
            {
                Add(new("FieldValueDuplicate", $"Duplicate value: {text}", $"{path}[{i}]"), to);
            }
        }
    }

    private static void Add(FieldError error, List<FieldError> to)
    {
        if (to.Count < MostErrors)
        {
            to.Add(error);
        }
    }
}
