using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.GoText;

namespace Serval.ApiServer.Patches;

/// <summary>Why a strategic merge patch does not fit (apimachinery: util/mergepatch/errors.go).</summary>
internal static class MergeFailure
{
    public static ApiException Because(string why) => ApiException.BadRequest(why);

    public static ApiException Directive(JsonNode? directive, JsonObject map) => Because($"unknown patch type: {GoValue.Word(directive)} in map: {GoValue.Text(map)}");

    public static ApiException NoMergeKey(JsonObject item, string mergeKey) => Because($"map: {GoValue.Text(item)} does not contain declared merge key: {mergeKey}");

    public static ApiException Type(string expected, JsonNode? actual) =>
        Because($"expected a {expected}, but received a {(actual is null ? "%!s(<nil>)" : GoValue.Type(actual))}");

    /// <summary>
    /// The type of all items of two lists; empty where there are none and there need not be. Items of several types cannot be merged, nor lists of
    /// lists (strategicpatch: sliceElementType).
    /// </summary>
    public static string CheckTypes(JsonArray present, JsonArray patch, bool mayBeEmpty)
    {
        var type = "";
        foreach (var item in present.Concat(patch))
        {
            var its = GoValue.Type(item);
            if (type.Length == 0 && item is JsonArray)
            {
                throw new ApiException(422, "Invalid", JsonPatch.Rejected, details: []);
            }
            if (item is null || (type.Length > 0 && its != type))
            {
                throw Because($"list element types are not identical: [{GoValue.Text(present)} {GoValue.Text(patch)}]");
            }
            type = its;
        }
        return type.Length > 0 || mayBeEmpty ? type : throw Because("no elements in any of the given slices");
    }
}
