using System.Text.Json.Nodes;
using Serval.Api;

namespace Serval.ApiServer.Http;

/// <summary>The failures that belong to HTTP rather than to an object, worded as Kubernetes does.</summary>
internal static class Failures
{
    public static ApiException UnknownPath() => new(404, "NotFound", "the server could not find the requested resource", details: []);

    public static ApiException Unauthorized() => new(401, "Unauthorized", "Unauthorized");

    public static ApiException Forbidden(string user, string method, string path) =>
        new(403, "Forbidden", $"User \"{user}\" cannot {method.ToLowerInvariant()} path \"{path}\": only members of system:masters may use this server");

    public static ApiException MethodNotAllowed() =>
        new(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", details: []);

    public static ApiException ReadOnlyKind(ResourceKind kind) =>
        new(405, "MethodNotAllowed", $"{kind.ResourceName} are built into Serval and read-only: its custom kinds are always installed");

    public static ApiException NotAcceptable(string served = "application/json") =>
        new(406, "NotAcceptable", $"only the following media types are accepted: {served}");

    public static ApiException UnsupportedBody(string served) =>
        new(415, "UnsupportedMediaType", $"the body of the request was in an unknown format - accepted media types include: {served}");

    public static ApiException UnsupportedProtobuf(string what, string served) =>
        new(415, "UnsupportedMediaType", $"the body of the request was in an unknown format ({what}); this server reads {served}");

    public static ApiException BodyTooLarge() =>
        new(413, "RequestEntityTooLarge", $"Request entity too large: limit is {BodyReader.Limit}");

    public static ApiException BodyTooSlow() => new(408, "Timeout", "Timeout: the request's body came too slowly");

    public static ApiException TimedOut() => new(504, "Timeout", "Timeout: request did not complete within the allotted timeout");

    public static ApiException TooManyWatches(int limit) =>
        ApiException.TooManyRequests($"too many watches are open ({limit}); close some, or try again", retryAfterSeconds: 1);

    public static ApiException NoPodStreams() =>
        new(503, "ServiceUnavailable", "pods cannot be reached: this API server is not connected to a node agent; run it together with one (serval up)");

    public static ApiException VersionAhead(string wanted, long current) =>
        new(504, "Timeout", $"Too large resource version: {wanted}, current: {current}", [new("ResourceVersionTooLarge", "Too large resource version", "")], RetryAfter(1));

    public static ApiException Internal() =>
        new(500, "InternalError", "Internal error occurred: the server's log holds the cause", details: []);

    private static JsonObject RetryAfter(int seconds) => new() { ["retryAfterSeconds"] = seconds };
}
