using System.Text.Json;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.GoText;
using Serval.Kube;

namespace Serval.ApiServer.Patches;

/// <summary>Whether the text of a patch is one of its type, and what upstream says when it is not (apiserver: handlers/patch.go, applyJSPatch, strategicPatchObject).</summary>
/// <param name="type">The patch's type, none of apply.</param>
/// <param name="validated">Whether fields are validated: then a stricter reader comes first, with words of its own.</param>
internal sealed class PatchText(PatchType type, bool validated)
{
    private static readonly string[] s_texts = ["op", "path", "from"];

    /// <summary>Comes before what is said of the patch's own fields.</summary>
    public string Prefix => type == PatchType.Json ? "json patch " : "";

    public ApiException Unreadable(string why) => ApiException.BadRequest(
        type == PatchType.StrategicMerge || (type == PatchType.Json && !validated) ? why
        : validated ? $"error decoding patch: {(type == PatchType.Json ? why.Replace("into Go value", "into Go struct field jsonPatchOp.value", StringComparison.Ordinal) : why)}"
        : "Invalid JSON Patch");

    /// <summary>A list of operations for a JSON patch, else an object.</summary>
    public JsonNode Checked(JsonNode? body)
    {
        if (type != PatchType.Json)
        {
            return body switch
            {
                JsonObject map => map,
                null when type == PatchType.StrategicMerge => new JsonObject(),
                null => throw ApiException.BadRequest("Invalid JSON Patch"),
                _ => throw Unreadable($"json: cannot unmarshal {GoValue.Kind(body)} into Go value of type map[string]interface {{}}"),
            };
        }
        var list = body switch
        {
            JsonArray operations => operations,
            null => [],
            _ => throw Mistyped(body, validated ? "value of type []handlers.jsonPatchOp" : "value of type jsonpatch.Patch"),
        };
        foreach (var item in list)
        {
            CheckOperation(item);
        }
        return list;
    }

    /// <summary>Fields of operations that mean nothing.</summary>
    public IEnumerable<string> Unknown(JsonNode? body) => type != PatchType.Json || body is not JsonArray list ? []
        : list.SelectMany((item, i) => (item as JsonObject ?? []).Where(f => f.Key is not ("op" or "path" or "from" or "value"))
            .Select(f => $"{Prefix}unknown field {GoQuote.Quote($"[{i}].{TextLimit.First(f.Key, TextLimit.PathStep)}")}")).Take(TextLimit.MostTold);

    private void CheckOperation(JsonNode? item)
    {
        if (item is not (JsonObject or null))
        {
            throw Mistyped(item, validated ? "value of type handlers.jsonPatchOp" : "value of type jsonpatch.Operation");
        }
        foreach (var name in validated && item is JsonObject ? s_texts : [])
        {
            if (item![name] is { } value && value.GetValueKind() != JsonValueKind.String)
            {
                throw Mistyped(value, $"struct field jsonPatchOp.{name} of type string");
            }
        }
    }

    private ApiException Mistyped(JsonNode? node, string wanted) =>
        ApiException.BadRequest($"{(validated ? "error decoding patch: " : "")}json: cannot unmarshal {GoValue.Kind(node)} into Go {wanted}");
}
