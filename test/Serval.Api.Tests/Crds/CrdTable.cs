using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Serval.Api.Admission;
using Serval.Api.Tests.Admission;

namespace Serval.Api.Tests.Crds;

/// <summary>Rows of definition tests: <c>input =&gt; errors</c>, a line each; several edits or errors are parted by <c> ; </c>.</summary>
internal static partial class CrdTable
{
    public const string Definition = """
        {"metadata":{"name":"widgets.example.com"},
         "spec":{"group":"example.com","scope":"Namespaced","names":{"plural":"widgets","kind":"Widget"},
          "versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object","properties":{
           "spec":{"type":"object","properties":{"size":{"type":"integer"},"name":{"type":"string"}}},"status":{"type":"object"}}}}}]}}
        """;

    /// <summary>Where the definition has its schema.</summary>
    public const string SchemaField = "spec.versions[0].schema.openAPIV3Schema";

    /// <summary>Where errors of it are.</summary>
    public const string SchemaPath = "spec.validation.openAPIV3Schema";

    /// <summary>The kind that the definition defines.</summary>
    public static ResourceKind Widget { get; } = Kind();

    public static TheoryData<string, string> Rows(string table)
    {
        var rows = new TheoryData<string, string>();
        foreach (var line in table.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var arrow = line.LastIndexOf("=>", StringComparison.Ordinal);
            rows.Add(line[..arrow].Trim(), line[(arrow + 2)..].Trim());
        }
        return rows;
    }

    public static JsonObject Crd(string edits) => Edits.Parse(Definition).Edit(edits.Replace(" ; ", "\n", StringComparison.Ordinal))
        .Defaulted(Kinds.CustomResourceDefinition, new AdmissionContext());

    /// <summary>The definition with a field <c>x</c> of a schema.</summary>
    public static JsonObject WithField(string schema)
    {
        var crd = Crd("");
        crd["spec"]!["versions"]![0]!["schema"]!["openAPIV3Schema"]!["properties"]!["x"] = JsonNode.Parse(schema);
        return crd;
    }

    /// <summary><c>path: message</c>; paths below the field <c>x</c> begin with <c>x</c>, those of the root with <c>^</c>.</summary>
    public static string Errors(JsonObject crd, JsonObject? old = null)
    {
        var operation = old is null ? AdmissionOperation.Create : AdmissionOperation.Update;
        var errors = Validation.Validate(Kinds.CustomResourceDefinition, crd, old, new AdmissionContext { Operation = operation });
        var text = string.Join(" ; ", errors.Select(e => $"{e.Field}: {e.Message}"))
            .Replace(SchemaPath + ".properties[x]", "x", StringComparison.Ordinal).Replace(SchemaPath, "^", StringComparison.Ordinal);
        return ShownVersions().Replace(text, Names);

        static string Names(Match list) => $"<{string.Join(',', VersionName().Matches(list.Value).Select(m => m.Groups[1].Value))}>";
    }

    /// <summary>Versions as errors show them; in rows they are their names.</summary>
    [GeneratedRegex("""\[\{"Name".*?\}\]""")]
    private static partial Regex ShownVersions();

    [GeneratedRegex("\"Name\":\"([^\"]*)\"")]
    private static partial Regex VersionName();

    private static ResourceKind Kind()
    {
        var registry = new KindRegistry();
        var shape = new KindShape { Singular = "widget", ListKind = "WidgetList", HasStatus = true };
        registry.Set(new CustomResource
        {
            Group = "example.com", Plural = "widgets", Kind = "Widget", Namespaced = true, Versions = [new CustomVersion("v1", Served: true, Stored: true, shape)],
        });
        return registry.Find("example.com/v1", "Widget")!;
    }
}
