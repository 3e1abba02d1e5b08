using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Serval.Api.Schema;

/// <summary>
/// What many operations take is said once in OpenAPI v2, below <c>parameters</c>, under its name and a hash of what is said of it
/// (kube-openapi: pkg/builder/parameters.go).
/// </summary>
internal static class OpenApiV2Parameters
{
    /// <summary>Takes the parameters that stand in more than one place out of <paramref name="paths"/> and leaves references.</summary>
    public static JsonObject Share(JsonObject paths)
    {
        var places = Lists(paths).SelectMany(list => list.Select((parameter, index) => (List: list, Index: index, What: What(parameter!))));
        var shared = new SortedDictionary<string, JsonNode?>(StringComparer.Ordinal);
        foreach (var same in places.GroupBy(p => p.What).Where(g => g.Skip(1).Any()).ToList())
        {
            var (list, index, _) = same.First();
            var parameter = list[index]!;
            var name = $"{(string?)parameter["name"]}-{Hash(parameter.ToJsonString())}";
            shared[name] = parameter.DeepClone();
            foreach (var place in same)
            {
                place.List[place.Index] = new JsonObject { ["$ref"] = "#/parameters/" + name };
            }
        }
        return new JsonObject(shared);
    }

    /// <summary>Tells parameters apart: by name and text, bodies by their type and whether they must be there.</summary>
    private static (string?, string?, string?, bool) What(JsonNode parameter) =>
        ((string?)parameter["name"], (string?)parameter["description"], (string?)parameter["schema"]?["$ref"], parameter["required"] is not null);

    private static IEnumerable<JsonArray> Lists(JsonObject paths) =>
        paths.SelectMany(p => p.Value!.AsObject()).Select(m => m.Value as JsonArray ?? m.Value!["parameters"] as JsonArray).OfType<JsonArray>();

    private static string Hash(string text) => Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 6)).Replace('+', '-').Replace('/', '_');
}
