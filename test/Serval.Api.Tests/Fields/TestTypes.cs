using System.Text.Json.Nodes;
using Serval.Api.Fields;

namespace Serval.Api.Tests.Fields;

/// <summary>Types from a short structural form, so that a test shows what it is about.</summary>
internal static class TestTypes
{
    /// <summary>Everything that server-side apply tells apart, in one type that also nests in itself.</summary>
    public static readonly FieldType All = Map(name => name switch
    {
        "text" => Scalar(ScalarForm.Text),
        "number" => Scalar(ScalarForm.Number),
        "flag" => Scalar(ScalarForm.Boolean),
        "any" => Scalar(ScalarForm.Any),
        "struct" or "other" => All!,
        "atomicStruct" => new FieldType { Map = new MapForm(true, _ => Scalar(ScalarForm.Any), () => null) },
        "labels" => new FieldType { Map = new MapForm(false, _ => null, () => Scalar(ScalarForm.Text)) },
        "structs" => new FieldType { Map = new MapForm(false, _ => null, () => All!) },
        "atomicMap" => new FieldType { Map = new MapForm(true, _ => null, () => Scalar(ScalarForm.Text)) },
        "items" => List(["name"], () => All!),
        "name" => Scalar(ScalarForm.Text),
        "ports" => List(["port", "protocol"], () => Port!),
        "set" => List([], () => Scalar(ScalarForm.Any)),
        "list" => new FieldType { List = new ListForm(true, [], () => All!) },
        "free" => FieldType.Deduced,
        _ => null,
    });

    private static readonly FieldType Port = Map(name => name switch
    {
        "port" => Scalar(ScalarForm.Number),
        "protocol" => Scalar(ScalarForm.Text) with { Default = "TCP" },
        "name" => Scalar(ScalarForm.Text),
        _ => null,
    });

    public static JsonObject Tree(string json) => (JsonObject)JsonNode.Parse(json)!;

    public static FieldSet Set(string fieldsV1) => FieldsV1.Read(Tree(fieldsV1));

    private static FieldType Scalar(ScalarForm form) => new() { Scalar = form };

    private static FieldType List(string[] keys, Func<FieldType> item) => new() { List = new ListForm(false, keys, item) };

    private static FieldType Map(Func<string, FieldType?> fields) => new() { Map = new MapForm(false, fields, () => null) };
}
