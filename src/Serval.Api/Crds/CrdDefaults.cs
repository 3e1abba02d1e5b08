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
        if (spec.Object("names") is { } names && names.String("kind") is { Length: > 0 } kind)
        {
            names.DefaultZero("singular", kind.ToLowerInvariant());
            names.DefaultZero("listKind", kind + "List");
        }
        spec.Default("conversion", new JsonObject { ["strategy"] = "None" });
        spec.Object("conversion").Object("webhook").Object("clientConfig").Object("service")?.Default("port", 443);
        Store(spec, crd.Ensure("status"));
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
