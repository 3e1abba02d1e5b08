using System.Text.Json.Nodes;

namespace Serval.Api.Fields;

/// <summary>The field set of a tree. (structured-merge-diff: typed/tofieldset.go.)</summary>
internal static class TypedFields
{
    public static FieldSet Run(JsonObject tree, FieldType type) => Inside(tree, type).Below;

    /// <summary>Whether the value is owned as a whole, and what is owned below it.</summary>
    private static (bool Whole, FieldSet Below) Inside(JsonNode? value, FieldType type) => type.FormOf(value) switch
    {
        FieldForm.Scalar => (true, FieldSet.Empty),
        FieldForm.List => type.List!.IsAtomic ? (true, FieldSet.Empty) : (false, Items(value as JsonArray, type.List)),
        _ => type.Map!.IsAtomic ? (true, FieldSet.Empty) : (false, Fields(value as JsonObject, type.Map)),
    };

    private static FieldSet Items(JsonArray? items, ListForm list) => FieldSet.Of(ListItems.Group(items, list).Select(g =>
        new FieldEntry(g.Step, true, g.Items.Count > 1 ? FieldSet.Empty : Inside(g.Items[0], list.Item()).Below)));

    private static FieldSet Fields(JsonObject? fields, MapForm map) => FieldSet.Of((fields ?? []).Select(f =>
    {
        var declared = map.Field(f.Key);
        var (whole, below) = Inside(f.Value, declared ?? map.Element() ?? FieldType.Deduced);
        return new FieldEntry(PathElement.Field(f.Key), whole || declared is null || f.Value is null or JsonObject { Count: 0 }, below);
    }));
}
