using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Serval.Api;

namespace Serval.Kube.Remote;

/// <summary>Failures of a server as exceptions: its <c>Status</c>, or what the code says when a proxy or a page of HTML answers.</summary>
internal static class StatusErrors
{
    private const int MostWords = 256;

    public static ApiException Read(HttpMethod method, string path, HttpStatusCode code, ReadOnlySpan<byte> body)
    {
        try
        {
            if (JsonNode.Parse(body) is JsonObject status && Text(status, "kind") == "Status")
            {
                return FromStatus(status, (int)code);
            }
        }
        catch (JsonException)
        {
            // Not a Status.
        }
        var words = Encoding.UTF8.GetString(body[..Math.Min(body.Length, MostWords)]).Trim();
        return new ApiException((int)code, Reason((int)code), $"the server answered {(int)code} to {method} {path}{(words.Length > 0 ? ": " + words : "")}");
    }

    /// <summary>A Status of kind Failure.</summary>
    public static ApiException FromStatus(JsonObject status, int code)
    {
        code = status["code"] is JsonValue given && given.TryGetValue<int>(out var told) && told >= 400 ? told : code;
        var details = (status["details"] as JsonObject)?.DeepClone() as JsonObject;
        var causes = (details?["causes"] as JsonArray ?? []).OfType<JsonObject>()
            .Select(c => new StatusCause(Text(c, "reason"), Text(c, "message"), Text(c, "field"))).ToList();
        details?.Remove("causes");
        var reason = Text(status, "reason");
        return new ApiException(code, reason.Length > 0 ? reason : Reason(code), Text(status, "message"), causes, details);
    }

    // apimachinery: NewGenericServerResponse.
    private static string Reason(int code) => code switch
    {
        400 => "BadRequest",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "NotFound",
        405 => "MethodNotAllowed",
        406 => "NotAcceptable",
        409 => "Conflict",
        410 => "Expired",
        413 => "RequestEntityTooLarge",
        415 => "UnsupportedMediaType",
        422 => "Invalid",
        429 => "TooManyRequests",
        503 => "ServiceUnavailable",
        504 => "Timeout",
        >= 500 => "InternalError",
        _ => "",
    };

    private static string Text(JsonObject map, string field) => map[field] is JsonValue value && value.TryGetValue<string>(out var text) ? text : "";
}
