using System.Text.Json.Nodes;

namespace Serval.Api;

/// <summary><c>status.conditions</c> of a kind that has no more to a condition than type, status, reason, message and time (definitions, namespaces).</summary>
public static class ConditionList
{
    /// <summary>Sets a condition, in its place or at the end; its time is that of the last change of its status.</summary>
    public static void Set(JsonObject status, string type, bool value, string reason, string message, DateTimeOffset now)
    {
        if (status["conditions"] is not JsonArray conditions)
        {
            status["conditions"] = conditions = [];
        }
        var condition = conditions.OfType<JsonObject>().FirstOrDefault(c => (string?)c["type"] == type);
        if (condition is null)
        {
            conditions.Add(condition = new JsonObject { ["type"] = type });
        }
        var text = value ? "True" : "False";
        if ((string?)condition["status"] != text || condition["lastTransitionTime"] is null)
        {
            condition["lastTransitionTime"] = KubeTime.Text(now);
        }
        (condition["status"], condition["reason"], condition["message"]) = (text, reason, message);
    }
}
