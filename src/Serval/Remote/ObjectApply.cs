using System.Text.Json.Nodes;
using Serval.Api;

namespace Serval.Remote;

/// <summary>Creates an object, or changes it to what its manifest says and no longer says.</summary>
internal static class ObjectApply
{
    /// <summary>Who writes, and that unknown fields are refused.</summary>
    public static (string Key, string Value)[] WriteQuery(string dryRun = "") => [("fieldManager", "serval"), ("fieldValidation", "Strict"), ("dryRun", dryRun)];

    /// <param name="client">The server.</param>
    /// <param name="kind">The manifest's kind.</param>
    /// <param name="ns">Its namespace; empty for a kind without.</param>
    /// <param name="manifest">What the object should be.</param>
    /// <param name="current">What it is; null when it does not exist.</param>
    /// <param name="query">See <see cref="WriteQuery"/>.</param>
    /// <param name="ct">Ends the call.</param>
    /// <returns>created, configured or unchanged; and the object as stored.</returns>
    public static async Task<(string Verb, JsonObject Result)> RunAsync(
        RemoteClient client, ResourceKind kind, string ns, JsonObject manifest, JsonObject? current, (string Key, string Value)[] query, CancellationToken ct)
    {
        if (current is null)
        {
            return ("created", await client.SendAsync(HttpMethod.Post, ResourcePath.Of(kind, ns, query: query), ThreeWayMerge.Record(manifest), "application/json", ct));
        }
        var patch = ThreeWayMerge.Patch(current, manifest);
        if (patch.Count == 0)
        {
            return ("unchanged", current);
        }
        var path = ResourcePath.Of(kind, ns, (string?)current["metadata"]?["name"], query: query);
        var changed = await client.SendAsync(HttpMethod.Patch, path, patch, "application/merge-patch+json", ct);
        var same = (string?)changed["metadata"]?["resourceVersion"] == (string?)current["metadata"]?["resourceVersion"];
        return (same ? "unchanged" : "configured", changed);
    }
}
