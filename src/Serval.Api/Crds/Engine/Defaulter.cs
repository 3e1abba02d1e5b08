using System.Text.Json.Nodes;

namespace Serval.Api.Crds;

/// <summary>
/// Fills in a schema's defaults, top down, and removes nulls where none may be (apiextensions-apiserver pkg/apiserver/schema/defaulting). A
/// default's own fields get theirs too. Objects should have been pruned before.
/// </summary>
internal static class Defaulter
{
    public static void Apply(StructuralSchema schema, JsonObject root)
    {
        DropNulls(root, schema);
        Fill(root, schema);
    }

    /// <summary>A null where it may not be goes, unless a default takes its place.</summary>
    private static void DropNulls(JsonNode? value, StructuralSchema? schema)
    {
        if (schema is null)
        {
            return;
        }
        if (value is JsonArray list)
        {
            foreach (var item in list)
            {
                DropNulls(item, schema.Items);
            }
        }
        else if (value is JsonObject map)
        {
            List<string>? gone = null;
            foreach (var (name, field) in map)
            {
                var of = schema.Field(name);
                if (field is null && of is { Nullable: false, HasDefault: false })
                {
                    (gone ??= []).Add(name);
                }
                DropNulls(field, of);
            }
            foreach (var name in gone ?? [])
            {
                map.Remove(name);
            }
        }
    }

    private static void Fill(JsonNode? value, StructuralSchema? schema)
    {
        if (schema is null)
        {
            return;
        }
        if (value is JsonArray list)
        {
            for (var i = 0; i < list.Count; i++)
            {
                if (list[i] is null && schema.Items is { Nullable: false, HasDefault: true })
                {
                    list[i] = schema.Items.NewDefault();
                }
                Fill(list[i], schema.Items);
            }
        }
        else if (value is JsonObject map)
        {
            Fields(map, schema);
        }
    }

    private static void Fields(JsonObject map, StructuralSchema schema)
    {
        foreach (var (name, field) in schema.Properties)
        {
            if (field.HasDefault && (!map.TryGetPropertyValue(name, out var there) || (there is null && !field.Nullable)))
            {
                map[name] = field.NewDefault();
            }
        }
        List<string>? nulls = null;
        foreach (var (name, value) in map)
        {
            if (value is null && !schema.Properties.ContainsKey(name) && schema.Additional is { Nullable: false, HasDefault: true })
            {
                (nulls ??= []).Add(name);
            }
        }
        foreach (var name in nulls ?? [])
        {
            map[name] = schema.Additional!.NewDefault();
        }
        foreach (var (name, value) in map)
        {
            Fill(value, schema.Field(name));
        }
    }
}
