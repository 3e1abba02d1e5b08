using System.Text;
using System.Text.Json;
using Serval.Routing;

namespace Serval.Proxy;

/// <summary>Bodies of the proxy's own answers.</summary>
internal static class ErrorText
{
    /// <summary>Ends an answer that ran out of time after its head (serving: pkg/http/handler/timeout).</summary>
    public static ReadOnlySpan<byte> LateAnswer => "request timeout"u8;

    /// <param name="outcome">How the request ended.</param>
    /// <param name="backend">Where it was to go, if that was known.</param>
    /// <param name="cause">Why no instance was ready, see <see cref="ProxyOptions.WhyNotReady"/>.</param>
    /// <param name="json">Whether the client asked for JSON.</param>
    /// <param name="contentType">What the result is.</param>
    public static byte[] Of(RequestOutcome outcome, BackendKey? backend, string? cause, bool json, out string contentType)
    {
        var info = Outcomes.Of(outcome);
        var name = backend is null ? "" : $"{(backend.Value.Kind == BackendKind.Revision ? "revision" : "service")} {backend}";
        var which = name.Length == 0 ? "" : $" ({name}{(cause is null ? "" : $": {cause}")})";
        if (!json)
        {
            contentType = "text/plain; charset=utf-8";
            return Encoding.UTF8.GetBytes($"{info.Title}{which}. {info.Advice}\n");
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
            if (cause is not null)
            {
                writer.WriteString("cause", cause);
            }
            writer.WriteString("advice", info.Advice);
            writer.WriteEndObject();
        }
        return stream.ToArray();
    }

    /// <summary>Why no instance was ready, where that is why the request failed.</summary>
    public static string? Cause(RequestOutcome outcome, Gate? gate, ProxyOptions options) =>
        gate is not null && outcome is RequestOutcome.NoEndpointTimeout or RequestOutcome.QueueFull ? options.WhyNotReady(gate.Key) : null;

    /// <summary>The same URL with TLS.</summary>
    /// <param name="host">The Host header.</param>
    /// <param name="port">Of the door with TLS.</param>
    /// <param name="target">Path and query.</param>
    public static string HttpsUrl(string host, int port, string target)
    {
        var colon = host.LastIndexOf(':');
        var name = colon > host.LastIndexOf(']') ? host[..colon] : host;
        return $"https://{name}{(port is 443 or 0 ? "" : $":{port}")}{(target.StartsWith('/') ? target : "/")}";
    }

    public static string Phrase(int status) => status switch
    {
        200 => "OK",
        301 => "Moved Permanently",
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
