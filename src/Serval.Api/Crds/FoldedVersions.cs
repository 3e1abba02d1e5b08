using System.Text.Json.Nodes;
using Serval.Api.Admission;

namespace Serval.Api.Crds;

/// <summary>
/// What all versions of a definition say alike. Upstream's server moves it out of them into fields that an older version of the API had, and judges it
/// there (apiextensions/v1 conversion.go), so that the errors of most definitions are at <c>spec.validation</c>, not below <c>spec.versions</c>.
/// </summary>
internal sealed class FoldedVersions
{
    private readonly List<JsonObject> _versions;

    private FoldedVersions(List<JsonObject> versions)
    {
        _versions = versions;
        Schema = IsAlike("schema");
        Subresources = IsAlike("subresources");
        Columns = IsAlike("additionalPrinterColumns");
        Selectable = IsAlike("selectableFields");
    }

    private bool Schema { get; }

    private bool Subresources { get; }

    private bool Columns { get; }

    private bool Selectable { get; }

    public static FoldedVersions Of(JsonObject spec) => new([.. spec.Objects("versions").Select(v => v.Item)]);

    /// <summary>Judges what the versions have in common.</summary>
    public void Check(JsonObject? oldSpec, Problems to)
    {
        if (_versions.Count == 0)
        {
            return;
        }
        var first = _versions[0];
        var schema = first.Object("schema").Object("openAPIV3Schema");
        if (Schema)
        {
            VersionRules.Schema(schema, Before(oldSpec, first), _versions.Any(HasStatus), "spec.validation", to);
        }
        if (Subresources)
        {
            VersionRules.Subresources(first, "spec", to);
        }
        if (Columns)
        {
            VersionRules.Columns(first, "spec", to);
        }
        if (!Selectable || first.Array("selectableFields") is not { Count: > 0 })
        {
            return;
        }
        if (Schema)
        {
            VersionRules.Selectable(first, schema, Before(oldSpec, first), "spec.selectableFields", to);
        }
        else
        {
            to.InvalidText("spec.selectableFields", "", "may only be set when validations.schema is included");
        }
    }

    /// <summary>Judges what a version has for itself.</summary>
    public void CheckRest(JsonObject version, JsonObject? oldSpec, string path, Problems to)
    {
        var schema = Schema ? null : version.Object("schema").Object("openAPIV3Schema");
        var before = Before(oldSpec, version);
        VersionRules.Schema(schema, before, HasStatus(version), path + ".schema", to);
        if (!Subresources)
        {
            VersionRules.Subresources(version, path, to);
        }
        if (!Columns)
        {
            VersionRules.Columns(version, path, to);
        }
        if (!Selectable && version.Array("selectableFields") is { Count: > 0 })
        {
            VersionRules.Selectable(version, schema, before, path + ".selectableFields", to);
        }
    }

    private static bool HasStatus(JsonObject version) => version.Object("subresources").Has("status");

    private static JsonObject? Before(JsonObject? oldSpec, JsonObject version) =>
        oldSpec.Objects("versions").Select(v => v.Item).FirstOrDefault(v => v.String("name") == version.String("name"));

    /// <summary>A list without items is as none (apimachinery: equality.Semantic).</summary>
    private bool IsAlike(string field) => _versions.All(v => JsonNode.DeepEquals(Filled(v[field]), Filled(_versions[0][field])));

    private static JsonNode? Filled(JsonNode? value) => value is JsonArray { Count: 0 } ? null : value;
}
