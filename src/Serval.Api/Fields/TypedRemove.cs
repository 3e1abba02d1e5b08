using System.Text.Json.Nodes;

namespace Serval.Api.Fields;

/// <summary>Takes fields and items out of a tree; what is left empty becomes null. (structured-merge-diff: typed/remove.go.)</summary>
internal static class TypedRemove
{
    public static JsonObject Run(JsonObject tree, FieldSet fields, FieldType type) => Visit(tree, fields, type) as JsonObject ?? [];

    private static JsonNode? Visit(JsonNode? value, FieldSet fields, FieldType type) => (type.FormOf(value), value) switch
    {
        (FieldForm.Scalar, _) => value?.DeepClone(),
        (FieldForm.Map, JsonObject { Count: > 0 } map) when !type.Map!.IsAtomic => Fields(map, fields, type.Map),
        (FieldForm.List, JsonArray { Count: > 0 } list) when !type.List!.IsAtomic => Items(list, fields, type.List),
        _ => null,
    };

    private static JsonObject? Fields(JsonObject map, FieldSet fields, MapForm form)
    {
        var result = new JsonObject();
        foreach (var (key, value) in map)
        {
            var step = PathElement.Field(key);
            if (!fields.Has(step))
            {
                result[key] = Rest(value, fields.Below(step), form.Field(key) ?? form.Element() ?? FieldType.Deduced);
            }
        }
        return result.Count > 0 ? result : null;
    }

    private static JsonArray? Items(JsonArray list, FieldSet fields, ListForm form)
    {
        var result = new JsonArray();
        foreach (var item in list)
        {
            var step = ListItems.StepTo(item, form);
            if (!fields.Has(step))
            {
                result.Add(Rest(item, fields.Below(step), form.Item()));
            }
        }
        return result.Count > 0 ? result : null;
    }

    private static JsonNode? Rest(JsonNode? value, FieldSet below, FieldType type) => below.IsEmpty ? value?.DeepClone() : Visit(value, below, type);
}
