using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Serval.Kube.Yaml;

namespace Serval.Cli;

/// <summary>Writes a JSON value as JSON or YAML.</summary>
internal static class Printer
{
    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes when a structured format was asked for; tells whether it did.</summary>
    public static bool TryWrite(TextWriter target, string? format, Func<JsonNode> value)
    {
        switch (format)
        {
            case "json":
                target.WriteLine(value().ToJsonString(s_indented));
                return true;
            case "yaml":
                target.Write(YamlText.Write(value()));
                return true;
            default:
                return false;
        }
    }
}
