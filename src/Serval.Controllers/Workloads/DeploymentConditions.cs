using System.Text.Json.Nodes;
using Serval.Api;

namespace Serval.Controllers.Workloads;

/// <summary>
/// Conditions as a Deployment keeps them (apps/v1 DeploymentCondition): <c>lastUpdateTime</c> says when reason or status last changed, or progress was
/// last made; <c>lastTransitionTime</c> when the status did.
/// </summary>
/// <param name="stored">As they are stored.</param>
/// <param name="now">Time of changes; cut to seconds as stored times are.</param>
internal sealed class DeploymentConditions(IReadOnlyList<Condition> stored, DateTimeOffset now)
{
    private readonly SortedDictionary<string, Condition> _byType =
        new(stored.GroupBy(c => c.Type).ToDictionary(g => g.Key, g => g.Last()), StringComparer.Ordinal);

    internal Condition? this[string type] => _byType.GetValueOrDefault(type);

    /// <summary>Says it, unless status and reason are said already.</summary>
    internal void Set(string type, string status, string reason, string message)
    {
        if (this[type] is not { } before || before.Status != status || before.Reason != reason)
        {
            Renew(type, status, reason, message);
        }
    }

    /// <summary>Says it as of now.</summary>
    internal void Renew(string type, string status, string reason, string message) => _byType[type] = new Condition
    {
        Type = type, Status = status, Reason = reason, Message = message, LastUpdateTime = now,
        LastTransitionTime = this[type] is { } before && before.Status == status ? before.LastTransitionTime : now,
    };

    internal void Remove(string type) => _byType.Remove(type);

    /// <summary>Ordered by type; <paramref name="updates"/>: with their <c>lastUpdateTime</c>, which other kinds do not have.</summary>
    internal JsonArray ToJson(bool updates = true) => [.. _byType.Values.Select(c => (JsonNode)Write(c, updates))];

    private JsonObject Write(Condition c, bool updates)
    {
        var written = new JsonObject { ["lastTransitionTime"] = Text(c.LastTransitionTime) };
        if (updates)
        {
            written["lastUpdateTime"] = Text(c.LastUpdateTime ?? c.LastTransitionTime);
        }
        (written["message"], written["reason"], written["status"], written["type"]) = (c.Message, c.Reason, c.Status, c.Type);
        return written;
    }

    private string Text(DateTimeOffset? time) => (time ?? now).ToUniversalTime().ToString("yyyy-MM-ddTHH:mm:ssZ");
}
