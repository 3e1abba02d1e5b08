using System.Text.Json.Nodes;
using Serval.Api.Admission;

namespace Serval.Api.Crds;

/// <summary>Fills a definition (apiextensions-apiserver pkg/apis/apiextensions/v1/defaults.go, and the strategy's stored versions).</summary>
internal static class CrdDefaults
{
    public static void Apply(JsonObject crd)
    {
        if (crd.Object("spec") is not { } spec)
        {
            return;
        }
        foreach (var (_, version) in spec.Objects("versions"))
        {
            DropNulls(version.Object("schema").Object("openAPIV3Schema"));
            version.Default("served", false);
            version.Default("storage", false);
        }
        if (spec.Object("names") is { } names && names.String("kind") is { Length: > 0 } kind)
        {
            names.DefaultZero("singular", kind.ToLowerInvariant());
            names.DefaultZero("listKind", kind + "List");
        }
        spec.Default("conversion", new JsonObject { ["strategy"] = "None" });
        spec.Object("conversion").Object("webhook").Object("clientConfig").Object("service")?.Default("port", 443);
        Store(spec, crd.Ensure("status"));
    }

    /// <summary>A keyword that is null was not said, as elsewhere: the decoder keeps what is below items and additionalProperties as it is.</summary>
    private static void DropNulls(JsonNode? schema)
    {
        if (schema is not JsonObject node)
        {
            return;
        }
        foreach (var name in node.Where(m => m.Value is null).Select(m => m.Key).ToArray())
        {
            node.Remove(name);
        }
        var lists = new[] { "allOf", "anyOf", "oneOf" }.SelectMany(j => node.Array(j) ?? []);
        foreach (var child in (node.Object("properties") ?? []).Select(p => p.Value).Concat(lists).Concat([node["items"], node["additionalProperties"], node["not"]]))
        {
            DropNulls(child);
        }
    }

    /// <summary>Objects may be stored in the storage version from now on.</summary>
    private static void Store(JsonObject spec, JsonObject status)
    {
        var name = spec.Objects("versions").Where(v => v.Item.Bool("storage") == true).Select(v => v.Item.String("name")).FirstOrDefault("");
        status.Default("storedVersions", new JsonArray());
        if (name.Length > 0 && status.Array("storedVersions") is { } stored && !stored.Any(v => Tree.Text(v) == name))
        {
            stored.Add(name);
        }
    }
}
