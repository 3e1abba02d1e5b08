using System.Text;
using System.Text.Json;
using Serval.Routing;

namespace Serval.Proxy;

/// <summary>Bodies of the proxy's own answers.</summary>
internal static class ErrorText
{
    public static byte[] Of(RequestOutcome outcome, BackendKey? backend, bool json, out string contentType)
    {
        var info = Outcomes.Of(outcome);
        var name = backend is null ? "" : $"{(backend.Value.Kind == BackendKind.Revision ? "revision" : "service")} {backend}";
        if (!json)
        {
            contentType = "text/plain; charset=utf-8";
            return Encoding.UTF8.GetBytes($"{info.Title}{(name.Length > 0 ? $" ({name})" : "")}. {info.Advice}\n");
        }
        contentType = "application/json";
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            writer.WriteStartObject();
            writer.WriteString("error", info.Reason);
            writer.WriteNumber("status", info.Status);
            writer.WriteString("message", info.Title);
            writer.WriteString("backend", name);
            writer.WriteString("advice", info.Advice);
            writer.WriteEndObject();
        }
        return stream.ToArray();
    }

    public static string Phrase(int status) => status switch
    {
        200 => "OK",
        400 => "Bad Request",
        404 => "Not Found",
        417 => "Expectation Failed",
        431 => "Request Header Fields Too Large",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Error",
    };
}
