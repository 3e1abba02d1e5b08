using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Kube.Yaml;

namespace Serval.Cli;

/// <summary>Writes a JSON value as JSON or YAML.</summary>
internal static class Printer
{
    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true, MaxDepth = CanonicalJson.MaxWrappedDepth, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes when a structured format was asked for; tells whether it did.</summary>
    public static bool TryWrite(TextWriter target, string? format, Func<JsonNode> value)
    {
        switch (format)
        {
            case "json":
                target.WriteLine(Shown(value()).ToJsonString(s_indented));
                return true;
            case "yaml":
                target.Write(YamlText.Write(Shown(value())));
                return true;
            default:
                return false;
        }
    }

    /// <summary>Objects without <c>managedFields</c>, which are for programs; kubectl leaves them out too.</summary>
    private static JsonNode Shown(JsonNode value)
    {
        IEnumerable<JsonNode?> objects = value is JsonObject list && list["items"] is JsonArray items ? items : [value];
        foreach (var obj in objects.OfType<JsonObject>())
        {
            (obj["metadata"] as JsonObject)?.Remove("managedFields");
        }
        return value;
    }
}
