using System.Buffers;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Serval.Api;
using Serval.ApiServer.Store;

namespace Serval.ApiServer.Http;

/// <summary>Reads request bodies, bounded: JSON, YAML, and protobuf of the kinds that have a table for it.</summary>
internal static class BodyReader
{
    public const int Limit = ObjectSize.Most;

    private const string MediaTypes = $"application/json, {YamlBody.MediaType}, {ProtobufDecoder.MediaType}";

    public static async Task<ReadOnlyMemory<byte>> ReadAsync(ApiRequest request)
    {
        if (request.Http.Request.ContentLength > Limit)
        {
            throw Failures.BodyTooLarge();
        }
        var reader = request.Http.Request.BodyReader;
        try
        {
            while (true)
            {
                var read = await reader.ReadAsync(request.Aborted);
                if (read.Buffer.Length > Limit)
                {
                    throw Failures.BodyTooLarge();
                }
                if (read.IsCompleted)
                {
                    var body = read.Buffer.ToArray();
                    reader.AdvanceTo(read.Buffer.End);
                    return body;
                }
                reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            }
        }
        catch (BadHttpRequestException e)
        {
            throw e.StatusCode switch
            {
                StatusCodes.Status413PayloadTooLarge => Failures.BodyTooLarge(),
                StatusCodes.Status408RequestTimeout => Failures.BodyTooSlow(),
                _ => ApiException.BadRequest($"the request's body could not be read: {e.Message}"),
            };
        }
        catch (IOException e)
        {
            throw ApiException.BadRequest($"the request's body ended before it was whole: {e.Message}"); // the client gave the stream up
        }
    }

    /// <summary>The body as an object of the path's kind; gaps that the path fills are filled.</summary>
    public static Task<KubeObject> ReadObjectAsync(ApiRequest request, ResourcePath path) =>
        ReadAsync(request, path, path.Kind.ApiVersion, path.Kind.Kind);

    /// <summary>The body as an object of another kind that stands for the path's object.</summary>
    public static async Task<KubeObject> ReadAsync(ApiRequest request, ResourcePath path, string apiVersion, string kind)
    {
        var body = await ReadAsync(request);
        var obj = IsProtobuf(request) ? KubeObject.From(ProtobufDecoder.Decode(body.Span)) : Parse(AsJson(request, body));
        request.Object = obj.Metadata;
        Check("API version", obj.ApiVersion, apiVersion);
        Check("kind", obj.Kind, kind);
        if (obj.Metadata.Name.Length == 0 && HttpMethods.IsPut(request.Method))
        {
            throw ApiException.BadRequest($"the name of the object ({path.Name} based on URL) was undeterminable: name must be provided");
        }
        if (path.Name.Length > 0 && obj.Metadata.Name.Length > 0 && obj.Metadata.Name != path.Name)
        {
            throw ApiException.BadRequest($"the name of the object ({obj.Metadata.Name}) does not match the name on the URL ({path.Name})");
        }
        if (path.Kind.Namespaced && obj.Metadata.Namespace.Length > 0 && obj.Metadata.Namespace != path.Namespace)
        {
            throw ApiException.BadRequest("the namespace of the provided object does not match the namespace sent on the request");
        }
        return BodyCompletion.Complete(obj, path, apiVersion, kind);
    }

    public static bool IsProtobuf(ApiRequest request) => MediaClause.Parse(request.Http.Request.ContentType ?? "").Type == ProtobufDecoder.MediaType;

    /// <summary>The body as JSON, when it says that it is JSON or YAML.</summary>
    public static ReadOnlyMemory<byte> AsJson(ApiRequest request, ReadOnlyMemory<byte> body)
    {
        return MediaClause.Parse(request.Http.Request.ContentType ?? "").Type switch
        {
            "" or "application/json" => body,
            YamlBody.MediaType => YamlBody.ToJson(request, body),
            _ => throw Failures.UnsupportedBody(MediaTypes),
        };
    }

    private static KubeObject Parse(ReadOnlyMemory<byte> body)
    {
        if (body.IsEmpty)
        {
            throw ApiException.BadRequest("the request needs a body: an object in JSON or YAML");
        }
        try
        {
            return KubeObject.Parse(body);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw ApiException.BadRequest($"the object provided is unrecognized: {Where(e) ?? e.Message}");
        }
    }

    // A value of the wrong type; the reader's own words are about types of this program.
    private static string? Where(Exception e) =>
        e is JsonException { Path: { } path } && path.StartsWith("$.", StringComparison.Ordinal) ? $"{path[2..]} has a value of the wrong type" : null;

    private static void Check(string what, string given, string expected)
    {
        if (given.Length > 0 && given != expected)
        {
            throw ApiException.BadRequest($"the {what} in the data ({given}) does not match the expected {what} ({expected})");
        }
    }
}
