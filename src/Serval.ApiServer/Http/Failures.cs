using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.GoText;
using Serval.ApiServer.Access;

namespace Serval.ApiServer.Http;

/// <summary>The failures that belong to HTTP rather than to an object, worded as Kubernetes does.</summary>
internal static class Failures
{
    public static ApiException UnknownPath() => new(404, "NotFound", "the server could not find the requested resource", details: []);

    public static ApiException Unauthorized() => new(401, "Unauthorized", "Unauthorized");

    /// <summary>What a user may not do (apiserver: endpoints/handlers/responsewriters/errors.go).</summary>
    public static ApiException Forbidden(string user, in RequestInfo request, string reason)
    {
        var resource = request.Subresource.Length > 0 ? $"{request.Resource}/{request.Subresource}" : request.Resource;
        var where = request.Namespace.Length > 0 ? $"in the namespace \"{request.Namespace}\"" : "at the cluster scope";
        var what = request.IsResource ? $"resource \"{resource}\" in API group \"{request.Group}\" {where}" : $"path \"{request.Path}\"";
        var text = $"User \"{user}\" cannot {request.Verb} {what}".Replace("&", "&amp;").Replace("<", "&lt;").Replace(">", "&gt;");
        return Forbidden(request, reason.Length == 0 ? text : $"{text}: {reason}");
    }

    public static ApiException Forbidden(in RequestInfo request, string why)
    {
        if (!request.IsResource)
        {
            return new(403, "Forbidden", $"forbidden: {why}", details: []);
        }
        var resource = request.Group.Length > 0 ? $"{request.Resource}.{request.Group}" : request.Resource;
        var details = new JsonObject();
        foreach (var (name, value) in new[] { ("name", request.Name), ("group", request.Group), ("kind", request.Resource) })
        {
            if (value.Length > 0)
            {
                details[name] = value;
            }
        }
        return new(403, "Forbidden", $"{resource}{(request.Name.Length > 0 ? $" \"{request.Name}\"" : "")} is forbidden: {why}", details: details);
    }

    public static ApiException MethodNotAllowed() =>
        new(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", details: []);

    /// <summary>
    /// A method that a path does not know. Of kinds from definitions upstream answers by what the method would mean there (apiextensions-apiserver
    /// customresource_handler.go): a write without a name, a path that needs a namespace, a verb that the resource has not.
    /// </summary>
    public static ApiException MethodNotAllowed(in ResourcePath path, string method)
    {
        if (path.Kind.Shape is null)
        {
            return MethodNotAllowed();
        }
        if (path.Kind.Namespaced && path.Namespace.Length == 0)
        {
            return UnknownPath();
        }
        if (path.IsCollection && method is "PUT" or "PATCH")
        {
            return ApiException.BadRequest("name must be provided");
        }
        var verb = method switch { "POST" => "create", "PUT" => "update", "PATCH" => "patch", "DELETE" => "delete", _ => "" };
        return new(405, "MethodNotAllowed", $"{verb} is not supported on resources of kind \"{path.Kind.ResourceName}\"",
            details: new JsonObject { ["group"] = path.Kind.Group, ["kind"] = path.Kind.Plural });
    }

    public static ApiException NotAcceptable(string served = "application/json") =>
        new(406, "NotAcceptable", $"only the following media types are accepted: {served}");

    /// <summary>None of the accepted media types is served (go-restful: before any handler).</summary>
    public static ApiException NoRepresentation() => new(406, "NotAcceptable", "406: Not Acceptable\n\nAvailable representations: application/json", details: []);

    public static ApiException UnsupportedBody(string served) =>
        new(415, "UnsupportedMediaType", $"the body of the request was in an unknown format - accepted media types include: {served}");

    /// <summary>No type of patch that is read (go-restful: before any handler).</summary>
    public static ApiException NoPatch() => new(415, "UnsupportedMediaType", "415: Unsupported Media Type", details: []);

    /// <summary>No type of patch that is read of a kind from a definition: its handlers look themselves.</summary>
    public static ApiException NoCustomPatch() => UnsupportedBody("application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml");

    public static ApiException UnsupportedProtobuf(string what, string served) =>
        new(415, "UnsupportedMediaType", $"the body of the request was in an unknown format ({what}); this server reads {served}");

    public static ApiException BodyTooLarge() =>
        new(413, "RequestEntityTooLarge", $"Request entity too large: limit is {BodyReader.Limit}");

    public static ApiException BodyTooSlow() => new(408, "Timeout", "Timeout: the request's body came too slowly");

    public static ApiException TimedOut() => new(504, "Timeout", "Timeout: request did not complete within the allotted timeout");

    public static ApiException TooManyOpen(string what, int limit) =>
        ApiException.TooManyRequests($"too many {what} are open ({limit}); close some, or try again", retryAfterSeconds: 1);

    public static ApiException NoPodStreams() =>
        new(503, "ServiceUnavailable", "pods cannot be reached: this API server is not connected to a node agent; run it together with one (serval up)");

    public static ApiException VersionAhead(string wanted, long current) =>
        new(504, "Timeout", $"Timeout: Too large resource version: {wanted}, current: {current}", [new("ResourceVersionTooLarge", "Too large resource version", "")], RetryAfter(1));

    public static ApiException NoVersion(string given) => ApiException.BadRequest(
        $"invalid resource version: resourceVersion: Invalid value: {GoQuote.Quote(given)}: strconv.ParseUint: parsing {GoQuote.Quote(given)}: invalid syntax");

    public static ApiException Internal() =>
        new(500, "InternalError", "Internal error occurred: the server's log holds the cause", details: []);

    private static JsonObject RetryAfter(int seconds) => new() { ["retryAfterSeconds"] = seconds };
}
