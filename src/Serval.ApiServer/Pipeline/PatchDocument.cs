using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Crds;
using Serval.Api.Schema;
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

    private readonly ResourceKind _kind;
    private readonly PatchType _type;
    private readonly List<string> _repeated;

    private PatchDocument(ResourceKind kind, PatchType type, JsonNode body, List<string> repeated)
    {
        _kind = kind;
        _type = type;
        Body = body;
        _repeated = repeated;
    }

    public JsonNode Body { get; }

    public static PatchDocument Read(ResourceKind kind, KubePatch patch)
    {
        try
        {
            var repeated = new List<string>();
            var body = PatchBody.Read(patch.Body.Span, repeated);
            return (patch.Type, body) switch
            {
                (PatchType.Json, JsonArray) or (PatchType.Merge or PatchType.StrategicMerge, JsonObject) => new PatchDocument(kind, patch.Type, body, repeated),
                (PatchType.Json, _) => throw ApiException.BadRequest("error decoding patch: a JSON patch is a list of operations"),
                _ => throw ApiException.BadRequest("error decoding patch: a merge patch is a JSON object"),
            };
        }
        catch (JsonException e)
        {
            throw ApiException.BadRequest($"error decoding patch: {e.Message}");
        }
    }

    /// <summary>The patched tree; the given one may be changed.</summary>
    public JsonObject Apply(JsonObject tree) => _type switch
    {
        PatchType.Json => JsonPatch.Apply(tree, (JsonArray)Body) switch
        {
            JsonObject patched => patched,
            var other => throw Unfit(other?.ToJsonString() ?? "null", "it is no object"),
        },
        PatchType.Merge => MergePatch.Apply(tree, (JsonObject)Body),
        _ => StrategicMerge.Apply(tree, (JsonObject)Body, Schemas.For(_kind).Type),
    };

    /// <summary>The patched tree as an object of the kind: unknown and repeated fields are dropped, reported or refused, as the options say.</summary>
    public JsonObject Decode(JsonObject patched, WriteOptions options)
    {
        var json = CanonicalJson.Serialize(patched);
        var decoded = _kind.Shape is { } shape ? CustomObjects.Decode(_kind, shape.Schema, json) : StrictDecoder.Decode(_kind, json);
        if (decoded.Failure(strict: false) is { } failure)
        {
            throw failure.Code == 400 ? Unfit(Shown(json), failure.Message) : failure;
        }
        if (options.FieldValidation == FieldValidation.Ignore || (_repeated.Count == 0 && decoded.Warnings.Count == 0))
        {
            return decoded.Tree;
        }
        var prefix = _type == PatchType.Json ? "json patch " : "";
        var found = _repeated.Select(path => $"{prefix}duplicate field \"{path}\"").Concat(decoded.Warnings);
        if (options.FieldValidation == FieldValidation.Strict)
        {
            throw Unfit(Shown(json), "strict decoding error: " + string.Join(", ", found));
        }
        foreach (var warning in found)
        {
            options.Warn?.Invoke(warning);
        }
        return decoded.Tree;
    }

    /// <summary>What an error shows: a strategic patch itself, as Go prints a map; else what it made.</summary>
    private string Shown(ReadOnlyMemory<byte> json) => _type == PatchType.StrategicMerge ? GoText(Body) : Encoding.UTF8.GetString(json.Span);

    private static string GoText(JsonNode? node) => node switch
    {
        null => "<nil>",
        JsonObject map => $"map[{string.Join(' ', map.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => $"{p.Key}:{GoText(p.Value)}"))}]",
        JsonArray list => $"[{string.Join(' ', list.Select(GoText))}]",
        _ => node.GetValueKind() == JsonValueKind.String ? (string)node! : node.ToJsonString(),
    };

    private static ApiException Unfit(string value, string why)
    {
        var shown = value.Length > LongestValue ? value[..LongestValue] + "…" : value;
        var message = $"Invalid value: \"{JsonEncodedText.Encode(shown, JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\": {why}";
        return new(422, "Invalid", $" \"\" is invalid: patch: {message}", [new StatusCause("FieldValueInvalid", message, "patch")], []);
    }
}
