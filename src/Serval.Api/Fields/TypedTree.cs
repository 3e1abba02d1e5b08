using System.Text.Json.Nodes;

namespace Serval.Api.Fields;

/// <summary>
/// The operations of server-side apply on objects of a known type. Trees that are passed in are not changed. All but <see cref="Problems"/>
/// throw <see cref="FormatException"/> when an item of a granular list cannot be told apart. (structured-merge-diff: typed.TypedValue.)
/// </summary>
public static class TypedTree
{
    /// <summary>What in an applied configuration the type does not allow: unknown fields, wrong forms, items that come twice.</summary>
    public static IReadOnlyList<string> Problems(JsonObject tree, FieldType type) => TypedCheck.Run(tree, type);

    /// <summary>The fields a configuration has an opinion on.</summary>
    public static FieldSet FieldsOf(JsonObject tree, FieldType type) => TypedFields.Run(tree, type);

    /// <summary>What became different.</summary>
    public static Comparison Compare(JsonObject before, JsonObject after, FieldType type) => new TypedCompare().Run(before, after, type);

    /// <summary>The live object with the configuration laid over it.</summary>
    public static JsonObject Merge(JsonObject live, JsonObject config, FieldType type) => TypedMerge.Run(live, config, type);

    /// <summary>Without these fields and items, and without what is below them.</summary>
    public static JsonObject Remove(JsonObject tree, FieldSet fields, FieldType type) => TypedRemove.Run(tree, fields, type);
}
