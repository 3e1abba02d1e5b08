using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Unicode;
using Serval.Api.GoText;

namespace Serval.Api.Schema;

/// <summary>
/// Reads an object the way the API server does: against its schema, case-sensitive, in one pass. Unknown fields and nulls are dropped,
/// duplicates and unknown names are reported, values are checked for type, range and form, and quantities and times become canonical.
/// </summary>
public static class StrictDecoder
{
    /// <summary>Reads an object of a served kind. Throws <see cref="ApiException"/> 400 when the text is not a JSON object.</summary>
    public static DecodedObject Decode(ResourceKind kind, ReadOnlyMemory<byte> utf8) => Decode(kind, kind.Shape is null ? Schemas.For(kind).Type : null, utf8);

    /// <summary>Reads a tree again, for example the result of a patch; the tree itself is not changed.</summary>
    public static DecodedObject Decode(ResourceKind kind, JsonObject tree) => Decode(kind, CanonicalJson.Serialize(tree));

    /// <summary>Reads an object that is not of a served kind (<c>Scale</c>, <c>DeleteOptions</c>, <c>Status</c> …).</summary>
    public static DecodedObject Decode(TypeSchema type, ReadOnlyMemory<byte> utf8) => Decode(null, type, utf8);

    private static DecodedObject Decode(ResourceKind? kind, TypeSchema? type, ReadOnlyMemory<byte> utf8)
    {
        var name = type?.Name ?? kind!.Kind;
        if (!Utf8.IsValid(utf8.Span))
        {
            throw Unreadable(name, "the body is not valid UTF-8");
        }
        try
        {
            // Not pooled: the tree's values point into it.
            var root = JsonElement.Parse(utf8.Span, CanonicalJson.Reader);
            if (root.ValueKind != JsonValueKind.Object)
            {
                throw Unreadable(name, $"a JSON object is needed, not {root.ValueKind.ToString().ToLowerInvariant()}");
            }
            var pass = new DecodePass(kind?.IsCustom == true, utf8.Span.IndexOf("\\u"u8) >= 0);
            var tree = type is null ? pass.CustomRoot(root) : pass.Root(root, type);
            return new DecodedObject(kind, name, tree, pass.Warnings, pass.Errors);
        }
        catch (JsonException e)
        {
            throw Unreadable(name, e.InnerException is null
                ? $"json parse error: {GoJson.SyntaxError(utf8.Span) ?? $"it is nested deeper than {CanonicalJson.MaxDepth} levels"}"
                : e.Message);
        }
    }

    private static ApiException Unreadable(string type, string why) =>
        ApiException.BadRequest($"the object provided is unrecognized (must be of type {type}): {why}");
}
