using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Core;
using Serval.Api.GoText;

namespace Serval.ApiServer.Access;

/// <summary>
/// What is wrong with a question about access (kubernetes pkg/apis/authorization/validation). Upstream refuses it without the name of its kind.
/// </summary>
internal static class ReviewRules
{
    private const string Resource = "spec.resourceAttributes";
    private const string Path = "spec.nonResourceAttributes";

    /// <param name="kind">The review's kind.</param>
    /// <param name="review">The whole review.</param>
    /// <param name="ns">Of the path; null when the kind has none.</param>
    /// <exception cref="ApiException">422 with every cause, or 400 for a namespace that is not the path's.</exception>
    public static void Check(ResourceKind kind, JsonObject review, string? ns)
    {
        var spec = review["spec"] as JsonObject ?? [];
        var causes = new List<StatusCause>();
        var (resource, path) = (spec["resourceAttributes"] as JsonObject, spec["nonResourceAttributes"] as JsonObject);
        if (resource is not null && path is not null)
        {
            causes.Add(Invalid(Path, Shown(path), "cannot be specified in combination with resourceAttributes"));
        }
        if (resource is null && path is null)
        {
            causes.Add(Invalid(Resource, "null", "exactly one of nonResourceAttributes or resourceAttributes must be specified"));
        }
        if (!kind.Kind.StartsWith("Self", StringComparison.Ordinal) && Text(spec, "user").Length == 0 && spec["groups"] is not JsonArray { Count: > 0 })
        {
            causes.Add(Invalid("spec.user", "\"\"", "at least one of user or group must be specified"));
        }
        Selector(resource?["fieldSelector"] as JsonObject, Resource + ".fieldSelector", causes, Field);
        Selector(resource?["labelSelector"] as JsonObject, Resource + ".labelSelector", causes, Label);
        Metadata(review["metadata"] as JsonObject ?? [], ns is not null, causes);
        if (ns is not null && resource is not null && Text(resource, "namespace") != ns)
        {
            causes.Add(Invalid(Resource + ".namespace", GoQuote.Quote(Text(resource, "namespace")), "must match metadata.namespace"));
        }
        if (ns is not null && path is not null)
        {
            causes.Add(Invalid(Path, Shown(path), "disallowed on this kind of request"));
        }
        if (causes.Count > 0)
        {
            throw new ApiException(
                422, "Invalid", ApiException.Invalid(kind, "", causes).Message[kind.Kind.Length..], causes, new JsonObject { ["group"] = kind.Group });
        }
    }

    /// <summary>What of the selectors could not be read, and so did not narrow the question; null when all could.</summary>
    public static string? EvaluationError(JsonObject? resource)
    {
        var ignored = new[] { "fieldSelector", "labelSelector" }.Where(f => resource?[f]?["requirements"] is JsonArray all && all.Any(r => !IsKnown(Text(r, "operator"))))
            .Select(f => (resource![f]!["requirements"] as JsonArray)!.Any(r => IsKnown(Text(r, "operator")))
                ? $"{Resource}.{f} partially ignored due to parse error" : $"{Resource}.{f} ignored due to parse error");
        return string.Join("; ", ignored) is { Length: > 0 } text ? text : null;
    }

    private static void Metadata(JsonObject metadata, bool withNamespace, List<StatusCause> causes)
    {
        if (metadata.Any(m => m.Key != "managedFields" && !(withNamespace && m.Key == "namespace") && !IsEmpty(m.Value)))
        {
            causes.Add(Invalid("metadata", metadata.ToJsonString(), withNamespace ? "must be empty except for namespace" : "must be empty"));
        }
    }

    private static void Selector(JsonObject? selector, string at, List<StatusCause> causes, Action<JsonNode?, string, List<StatusCause>> keys)
    {
        if (selector is null)
        {
            return;
        }
        var raw = Text(selector, "rawSelector");
        var requirements = selector["requirements"] as JsonArray ?? [];
        if (raw.Length > 0 && requirements.Count > 0)
        {
            causes.Add(Invalid(at + ".rawSelector", GoQuote.Quote(raw), "may not specified at the same time as requirements"));
        }
        if (raw.Length == 0 && requirements.Count == 0)
        {
            causes.Add(Required(at + ".requirements", $"when {at} is specified, requirements or rawSelector is required"));
        }
        for (var i = 0; i < requirements.Count; i++)
        {
            keys(requirements[i], $"{at}.requirements[{i}]", causes);
        }
    }

    private static void Field(JsonNode? requirement, string at, List<StatusCause> causes)
    {
        if (Text(requirement, "key").Length == 0)
        {
            causes.Add(Required(at + ".key", "must be specified"));
        }
        Values(requirement, at, causes);
    }

    private static void Label(JsonNode? requirement, string at, List<StatusCause> causes)
    {
        Values(requirement, at, causes);
        foreach (var wrong in Names.QualifiedNameProblems(Text(requirement, "key")))
        {
            causes.Add(Invalid(at + ".key", GoQuote.Quote(Text(requirement, "key")), wrong));
        }
    }

    private static void Values(JsonNode? requirement, string at, List<StatusCause> causes)
    {
        var some = requirement?["values"] is JsonArray { Count: > 0 };
        if (Text(requirement, "operator") is "In" or "NotIn" && !some)
        {
            causes.Add(Required(at + ".values", "must be specified when `operator` is 'In' or 'NotIn'"));
        }
        else if (Text(requirement, "operator") is "Exists" or "DoesNotExist" && some)
        {
            causes.Add(new StatusCause("FieldValueForbidden", "Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'", at + ".values"));
        }
    }

    private static bool IsKnown(string operation) => operation is "In" or "NotIn" or "Exists" or "DoesNotExist";

    private static bool IsEmpty(JsonNode? value) => value switch
    {
        null => true,
        JsonObject o => o.Count == 0,
        JsonArray a => a.Count == 0,
        JsonValue v => v.TryGetValue<string>(out var text) && text.Length == 0,
        _ => false,
    };

    // As upstream's internal type shows itself.
    private static string Shown(JsonObject path) => $"{{\"Path\":{GoQuote.Quote(Text(path, "path"))},\"Verb\":{GoQuote.Quote(Text(path, "verb"))}}}";

    private static string Text(JsonNode? of, string field) => (string?)of?[field] ?? "";

    private static StatusCause Required(string field, string why) => new("FieldValueRequired", $"Required value: {why}", field);

    private static StatusCause Invalid(string field, string value, string why) => new("FieldValueInvalid", $"Invalid value: {value}: {why}", field);
}
