using System.Text.Json;
using System.Text.Json.Nodes;

namespace Serval.Api.Fields;

/// <summary>What server-side apply knows of a scalar.</summary>
public enum ScalarForm
{
    /// <summary>The value is no scalar.</summary>
    None,

    /// <summary>Any scalar.</summary>
    Any,
    Number,
    Text,
    Boolean,
}

/// <summary>What server-side apply knows of a list.</summary>
/// <param name="IsAtomic">Owned and replaced as a whole.</param>
/// <param name="Keys">Fields that tell the items apart; without any, a list that is not atomic is a set of scalars.</param>
/// <param name="Item">Type of the items.</param>
public sealed record ListForm(bool IsAtomic, IReadOnlyList<string> Keys, Func<FieldType> Item);

/// <summary>What server-side apply knows of an object.</summary>
/// <param name="IsAtomic">Owned and replaced as a whole.</param>
/// <param name="Field">Type of a declared field; null for any other key.</param>
/// <param name="Element">Type of the values of undeclared keys; null when there may be none.</param>
public sealed record MapForm(bool IsAtomic, Func<string, FieldType?> Field, Func<FieldType?> Element);

/// <summary>
/// What server-side apply knows of a value: one form, or several where the schema leaves it open. Types refer to each other, so what is
/// inside is asked for. (structured-merge-diff: schema.Atom.)
/// </summary>
public sealed record FieldType
{
    /// <summary>A value without a schema: objects are granular, lists atomic.</summary>
    public static readonly FieldType Deduced = new()
    {
        Scalar = ScalarForm.Any,
        List = new ListForm(true, [], static () => Deduced!),
        Map = new MapForm(false, static _ => null, static () => Deduced!),
    };

    public ScalarForm Scalar { get; init; }

    public ListForm? List { get; init; }

    public MapForm? Map { get; init; }

    /// <summary>Stands in where a key of a list's item is absent; null when the schema states none.</summary>
    public JsonNode? Default { get; init; }

    internal bool IsAtomic => Map?.IsAtomic ?? List?.IsAtomic ?? false;

    /// <summary>The form this value has; a value of no form, null included, is taken for what comes first.</summary>
    internal FieldForm FormOf(JsonNode? value) => value switch
    {
        JsonObject when Map is not null => FieldForm.Map,
        JsonArray when List is not null => FieldForm.List,
        JsonValue when Scalar != ScalarForm.None => FieldForm.Scalar,
        _ => Map is not null ? FieldForm.Map : Scalar != ScalarForm.None ? FieldForm.Scalar : FieldForm.List,
    };

    /// <summary>Whether the step is a field the schema names.</summary>
    internal bool Declares(PathElement element) => element.FieldName is { } name && Map?.Field(name) is not null;

    /// <summary>Type of what is one step below; null when the schema has nothing there.</summary>
    internal FieldType? At(PathElement element) => element.FieldName is { } name ? Map?.Field(name) ?? Map?.Element() : List?.Item();

    /// <summary>Whether a scalar may stand here.</summary>
    internal bool Accepts(JsonValueKind kind) => Scalar switch
    {
        ScalarForm.Number => kind == JsonValueKind.Number,
        ScalarForm.Text => kind == JsonValueKind.String,
        ScalarForm.Boolean => kind is JsonValueKind.True or JsonValueKind.False,
        ScalarForm.Any => kind is JsonValueKind.Number or JsonValueKind.String or JsonValueKind.True or JsonValueKind.False,
        _ => false,
    };
}
