using System.Text.Json.Nodes;
using Serval.Api.Admission;

namespace Serval.Api.Crds;

/// <summary>What a definition says that is stored and then ignored, in whole or in part.</summary>
internal static class CrdWarnings
{
    public static void Tell(JsonObject crd, JsonObject? old, Action<string> warn)
    {
        var schemas = Schemas(crd);
        var before = Upstream(Schemas(old)).ToHashSet(StringComparer.Ordinal);
        foreach (var warning in Upstream(schemas).Distinct(StringComparer.Ordinal).Where(w => !before.Contains(w)).Concat(Own(crd, schemas)))
        {
            warn(warning);
        }
    }

    /// <summary>What upstream says too, once (registry/customresourcedefinition/strategy.go).</summary>
    private static IEnumerable<string> Upstream(List<JsonObject> schemas)
    {
        foreach (var schema in schemas)
        {
            if (schema.String("format") is { Length: > 0 } format && KnownFormats.Find(schema.String("type"), format).Length == 0)
            {
                yield return $"unrecognized format \"{format}\"";
            }
        }
    }

    /// <summary>What Serval does not do, at each write.</summary>
    private static IEnumerable<string> Own(JsonObject crd, List<JsonObject> schemas)
    {
        var rules = schemas.Sum(s => s.Array("x-kubernetes-validations")?.Count ?? 0);
        if (rules > 0)
        {
            yield return $"x-kubernetes-validations at {rules} places are stored but not evaluated by Serval";
        }
        if (crd.Object("spec").Object("conversion").String("strategy") == "Webhook")
        {
            yield return "conversion webhooks are not called by Serval: versions are converted by strategy None";
        }
        foreach (var pattern in schemas.Select(s => s.String("pattern")).Where(p => p.Length > 0).Distinct(StringComparer.Ordinal).Where(GoPattern.IsForeign))
        {
            yield return $"pattern \"{pattern}\" is stored but not checked by Serval";
        }
        var columns = crd.Object("spec").Objects("versions").SelectMany(v => v.Item.Objects("additionalPrinterColumns")).Select(c => c.Item.String("jsonPath"));
        foreach (var path in columns.Distinct(StringComparer.Ordinal).Where(p => JsonPath.TryParse(p) is null))
        {
            yield return $"printer column {path} is stored but stays empty: Serval cannot read its path";
        }
    }

    private static List<JsonObject> Schemas(JsonObject? crd) =>
        [.. crd.Object("spec").Objects("versions").Select(v => v.Item.Object("schema").Object("openAPIV3Schema")).OfType<JsonObject>().SelectMany(All)];

    private static IEnumerable<JsonObject> All(JsonObject schema)
    {
        var todo = new Stack<JsonObject>([schema]);
        while (todo.TryPop(out var next))
        {
            yield return next;
            foreach (var child in Children(next))
            {
                todo.Push(child);
            }
        }
    }

    private static IEnumerable<JsonObject> Children(JsonObject schema) =>
    [
        .. new[] { schema.Object("items"), schema.Object("additionalProperties"), schema.Object("not") }.OfType<JsonObject>(),
        .. (schema.Object("properties") ?? []).Select(p => p.Value).OfType<JsonObject>(),
        .. new[] { "allOf", "anyOf", "oneOf" }.SelectMany(j => schema.Objects(j)).Select(o => o.Item),
    ];
}
