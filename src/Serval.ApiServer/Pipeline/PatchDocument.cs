using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Crds;
using Serval.Api.GoText;
using Serval.Api.Schema;
using Serval.ApiServer.Http;
using Serval.ApiServer.Patches;
using Serval.Kube;

namespace Serval.ApiServer.Pipeline;

/// <summary>
/// A patch that was read, and what it makes of an object. A patch that is no patch is 400; one that does not lead to an object of the kind is 422
/// about the field <c>patch</c> (apiserver: handlers/patch.go).
/// </summary>
internal sealed class PatchDocument
{
    private const int LongestValue = 4096; // characters of the object that are shown in an error

    private const int LongestOrdered = 256 * 1024; // bytes: beyond, an error shows the first of an object in the order of its names

    private static readonly JsonSerializerOptions s_shown = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, MaxDepth = CanonicalJson.MaxWrappedDepth };

    private readonly ResourceKind _kind;
    private readonly PatchType _type;
    private readonly IReadOnlyList<string> _found; // keys of the patch that are there twice, or mean nothing

    private PatchDocument(ResourceKind kind, PatchType type, JsonNode body, IReadOnlyList<string> found)
    {
        _kind = kind;
        _type = type;
        Body = body;
        _found = found;
    }

    public JsonNode Body { get; }

    /// <summary>Reads a patch. <see cref="ApiException"/> 400 when it is none, in upstream's words, which differ by whether fields are validated.</summary>
    public static PatchDocument Read(ResourceKind kind, KubePatch patch, FieldValidation validation)
    {
        var text = new PatchText(patch.Type, validation != FieldValidation.Ignore);
        var repeated = new RepeatedKeys();
        JsonNode? body;
        try
        {
            body = PatchBody.Read(GoString.Repair(patch.Body).Span, repeated);
        }
        catch (JsonException e)
        {
            throw text.Unreadable(e.Message.StartsWith("json: ", StringComparison.Ordinal) ? e.Message
                : GoJson.SyntaxError(patch.Body.Span) ?? $"it is nested deeper than {CanonicalJson.MaxDepth} levels");
        }
        if (patch.Type == PatchType.Merge && validation == FieldValidation.Ignore && body is JsonArray)
        {
            throw Unfit(body.ToJsonString(), $"couldn't get version/kind; json parse error: json: cannot unmarshal array into Go value of type {GivenType.AnonymousType}");
        }
        return new PatchDocument(kind, patch.Type, text.Checked(body),
            [.. repeated.Paths.Select(path => $"{text.Prefix}duplicate field {GoQuote.Quote(path)}"), .. text.Unknown(body)]);
    }

    /// <summary>The patched tree, of the kind or of another type; the given one may be changed.</summary>
    public JsonObject Apply(JsonObject tree, TypeSchema? type = null) => _type switch
    {
        PatchType.Json => JsonPatch.Apply(tree, (JsonArray)Body) switch
        {
            JsonObject patched => patched,
            var other => throw Unfit(
                other?.ToJsonString() ?? "null", $"couldn't get version/kind; json parse error: json: cannot unmarshal array into Go value of type {GivenType.AnonymousType}"),
        },
        PatchType.Merge => MergePatch.Apply(tree, (JsonObject)Body),
        _ => StrategicMerge.Apply(tree, (JsonObject)Body, type ?? Schemas.For(_kind).Type),
    };

    /// <summary>The patched tree as an object of the kind: unknown and repeated fields are dropped, reported or refused, as the options say.</summary>
    public JsonObject Decode(JsonObject patched, WriteOptions options, TypeSchema? type = null)
    {
        var (apiVersion, kind) = type is null ? (_kind.ApiVersion, _kind.Kind) : (type.IsKind ? ScaleView.ApiVersion : "", type.Name);
        if (_type == PatchType.StrategicMerge)
        {
            (patched["apiVersion"], patched["kind"]) = (apiVersion, kind); // it fills an object of this type, whatever the patch says
        }
        var json = CanonicalJson.Serialize(patched);
        if (type is null && _kind.Shape is not null && (patched["kind"] is not JsonValue given || given.GetValueKind() != JsonValueKind.String || given.GetValue<string>().Length == 0))
        {
            throw Unfit(Shown(patched, json, type), GivenType.Kindless(json));
        }
        if (!_kind.IsCustom && GivenType.Unregistered(json, apiVersion, kind) is { } unregistered)
        {
            throw Unfit(Shown(patched, json, type), unregistered);
        }
        var decoded = type is not null ? StrictDecoder.Decode(type, json)
            : _kind.Shape is { } shape ? CustomObjects.Decode(_kind, shape.Schema, json) : StrictDecoder.Decode(_kind, json);
        if ((_type == PatchType.StrategicMerge ? decoded.ConversionMessage : decoded.TypeMessage) is { } wrongType)
        {
            throw Unfit(Shown(patched, json, type), wrongType);
        }
        if (decoded.Failure(strict: false) is { } failure)
        {
            throw failure;
        }
        if (options.FieldValidation == FieldValidation.Ignore || (_found.Count == 0 && decoded.Warnings.Count == 0))
        {
            return decoded.Tree;
        }
        var found = _found.Concat(decoded.Warnings);
        if (options.FieldValidation == FieldValidation.Strict)
        {
            throw Unfit(Shown(patched, json, type), "strict decoding error: " + string.Join(", ", found));
        }
        foreach (var warning in found)
        {
            options.Warn?.Invoke(warning);
        }
        return decoded.Tree;
    }

    /// <summary>What an error shows: a strategic patch itself, as Go prints a map; else what it made, of the types that have an order in it.</summary>
    private string Shown(JsonObject patched, ReadOnlyMemory<byte> json, TypeSchema? type)
    {
        if (_type == PatchType.StrategicMerge)
        {
            return GoValue.Text(Body);
        }
        var message = type?.Name ?? _kind.Kind;
        return _kind.IsCustom || json.Length > LongestOrdered || ProtobufField.Of(message) is null ? Encoding.UTF8.GetString(json.Span)
            : GoOrder.Of(patched, message, _type, Body).ToJsonString(s_shown);
    }

    private static ApiException Unfit(string value, string why)
    {
        var shown = TextLimit.Ellipsis(value, LongestValue);
        var message = $"Invalid value: \"{JsonEncodedText.Encode(shown, JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\": {why}";
        return new(422, "Invalid", $" \"\" is invalid: patch: {message}", [new StatusCause("FieldValueInvalid", message, "patch")], []);
    }
}
