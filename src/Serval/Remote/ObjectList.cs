using System.Text.Json.Nodes;
using Serval.Api;

namespace Serval.Remote;

/// <summary>Objects of a list answer.</summary>
internal static class ObjectList
{
    /// <summary>The items, each with its kind and apiVersion: a list may leave out what it says for all of them.</summary>
    public static IEnumerable<JsonObject> Items(JsonObject answer)
    {
        if (answer["items"] is not JsonArray items)
        {
            return [answer];
        }
        var kind = (string?)answer["kind"] is { } list && list.EndsWith("List", StringComparison.Ordinal) ? list[..^4] : "";
        return items.OfType<JsonObject>().Select(i =>
        {
            i.TryAdd("apiVersion", (string?)answer["apiVersion"]);
            i.TryAdd("kind", kind);
            return i;
        });
    }

    public static async Task<IReadOnlyList<JsonObject>> ReadAsync(
        RemoteClient client, ResourceKind kind, string? ns, CancellationToken ct, params IEnumerable<(string Key, string Value)> query) =>
        [.. Items(await client.GetAsync(ResourcePath.Of(kind, ns, query: query), ct))];

    /// <summary>Objects of any kinds as one.</summary>
    public static JsonObject Join(IEnumerable<JsonObject> items) => new()
    {
        ["apiVersion"] = "v1", ["kind"] = "List", ["items"] = new JsonArray([.. items.Select(i => i.DeepClone())]),
    };
}
