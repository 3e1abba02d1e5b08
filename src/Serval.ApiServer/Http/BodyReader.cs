using System.Buffers;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Serval.Api;
using Serval.Api.GoText;
using Serval.Api.Schema;
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
        var obj = IsProtobuf(request) ? KubeObject.From(ProtobufDecoder.Decode(body.Span)) : Parse(request, path.Kind, body, apiVersion, kind);
        request.Object = obj.Metadata;
        if (IsCustom(path.Kind, apiVersion, kind))
        {
            if (GivenType.CustomMismatch(body, obj.Json.Span, apiVersion, kind) is { } other)
            {
                throw other;
            }
            kind = obj.Kind;
        }
        else if (!IsOf(obj, apiVersion, kind) && GivenType.Mismatch(body, obj.Json.Span, apiVersion, kind) is { } mismatch)
        {
            throw mismatch;
        }
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

    /// <summary>The body as JSON, when it says that it is JSON or YAML. Whether JSON is JSON is found out by who reads it.</summary>
    /// <param name="request">Says which of them it is, and what becomes of keys that are there twice.</param>
    /// <param name="body">As it was sent.</param>
    /// <param name="repeated">Comes before what is said of keys that are there twice in YAML; null when nothing is.</param>
    /// <exception cref="BadYamlException">It is YAML, and broken.</exception>
    public static ReadOnlyMemory<byte> AsJson(ApiRequest request, ReadOnlyMemory<byte> body, string? repeated)
    {
        return MediaClause.Parse(request.Http.Request.ContentType ?? "").Type switch
        {
            "" or "application/json" => GoString.Repair(body),
            YamlBody.MediaType => YamlBody.ToJson(request, body, repeated),
            _ => throw Failures.UnsupportedBody(MediaTypes),
        };
    }

    /// <summary>What is wrong with a body that is no JSON object, be it as it was sent or as it was made of YAML; null for one that is.</summary>
    public static string? Unreadable(ApiRequest request, ReadOnlyMemory<byte> body, ReadOnlyMemory<byte> json) =>
        GivenType.Unreadable(IsYaml(request) ? json.Span : body.Span, json.Span);

    private static bool IsYaml(ApiRequest request) => MediaClause.Parse(request.Http.Request.ContentType ?? "").Type == YamlBody.MediaType;

    private static KubeObject Parse(ApiRequest request, ResourceKind served, ReadOnlyMemory<byte> body, string apiVersion, string kind)
    {
        ReadOnlyMemory<byte> json;
        try
        {
            json = AsJson(request, body, $"{GivenType.Unhandled(apiVersion, kind)}strict decoding error: ");
        }
        catch (BadYamlException e)
        {
            throw GivenType.Unrecognized(kind, e.Message, body.Span);
        }
        try
        {
            request.Given = IsYaml(request) ? default : json; // YAML is read into maps, which have no order
            return KubeObject.Parse(json);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return GivenType.IsNull(json.Span) ? KubeObject.Parse("{}"u8.ToArray()) : throw Refusal(request, served, body, json, apiVersion, kind);
        }
    }

    /// <summary>Why a body is not taken that cannot be read as an object.</summary>
    private static ApiException Refusal(ApiRequest request, ResourceKind served, ReadOnlyMemory<byte> body, ReadOnlyMemory<byte> json, string apiVersion, string kind)
    {
        if (Unreadable(request, body, json) is { } unreadable)
        {
            return GivenType.Unrecognized(kind, unreadable, body.Span);
        }
        var decoded = served.Kind != kind && Schemas.Find(apiVersion, kind) is { } type ? StrictDecoder.Decode(type, json) : StrictDecoder.Decode(served, json);
        return (IsCustom(served, apiVersion, kind) ? GivenType.CustomMismatch(body, json.Span, apiVersion, kind) : GivenType.Mismatch(body, json.Span, apiVersion, kind)) ?? decoded.Failure(strict: false) ?? GivenType.Unrecognized(kind, "its metadata cannot be read", body.Span);
    }

    /// <summary>Whether the body is an object of a kind that a definition defines, and not a Scale of one.</summary>
    private static bool IsCustom(ResourceKind served, string apiVersion, string kind) => served.Shape is not null && served.ApiVersion == apiVersion && served.Kind == kind;

    private static bool IsOf(KubeObject obj, string apiVersion, string kind) =>
        (obj.ApiVersion.Length == 0 || obj.ApiVersion == apiVersion) && (obj.Kind.Length == 0 || obj.Kind == kind);
}
