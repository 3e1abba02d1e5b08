using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Serval.Api;

namespace Serval.Controllers.Tests.Serving;

/// <summary>A status as a few lines that can be compared: fields as JSON, then a condition a line, without times.</summary>
internal static class StatusText
{
    private static readonly JsonSerializerOptions s_plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    internal static string Of(KubeObject obj)
    {
        var status = obj.ToTree()["status"] as JsonObject ?? [];
        var lines = status.Where(p => p.Key != "conditions").OrderBy(p => p.Key, StringComparer.Ordinal)
            .Select(p => $"{p.Key}: {p.Value?.ToJsonString(s_plain)}")
            .Concat((status["conditions"] as JsonArray ?? []).Select(c => Line(c!.AsObject())));
        return string.Join('\n', lines);
    }

    /// <summary><c>Ready=False Reason: message</c> lines as a list of conditions.</summary>
    internal static JsonArray Conditions(string lines) =>
        new([.. lines.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(Parse)]);

    private static string Line(JsonObject condition)
    {
        var reason = condition["reason"] is { } r ? $" {r}" : "";
        var message = condition["message"] is { } m ? $": {m}" : "";
        return $"{condition["type"]}={condition["status"]}{reason}{message}";
    }

    private static JsonNode Parse(string line)
    {
        var colon = line.IndexOf(": ", StringComparison.Ordinal);
        var head = (colon < 0 ? line : line[..colon]).Split('=', ' ');
        var condition = new JsonObject { ["type"] = head[0], ["status"] = head[1], ["lastTransitionTime"] = "2026-01-01T11:00:00Z" };
        if (head.Length > 2)
        {
            condition["reason"] = head[2];
        }
        if (colon >= 0)
        {
            condition["message"] = line[(colon + 2)..];
        }
        return condition;
    }
}
