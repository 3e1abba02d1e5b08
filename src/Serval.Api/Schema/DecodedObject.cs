using System.Text.Json.Nodes;

namespace Serval.Api.Schema;

/// <summary>A value of the wrong type or form.</summary>
/// <param name="Field">Path, for example <c>spec.template.spec.containers[0].image</c>.</param>
/// <param name="Message">What is wrong, in the words of the API server for this sort of kind.</param>
/// <param name="IsFinal">Upstream's decoder ends there and tells this alone; else it goes on and tells the first.</param>
/// <param name="Conversion">What is said of it where the object comes out of maps, not out of text: after a strategic merge patch; null for the same.</param>
public sealed record DecodeError(string Field, string Message, bool IsFinal = false, string? Conversion = null);

/// <summary>What <see cref="StrictDecoder"/> read: the object with unknown fields and nulls removed, and everything there is to say about it.</summary>
public sealed class DecodedObject
{
    internal DecodedObject(ResourceKind? kind, string typeName, JsonObject tree, IReadOnlyList<string> warnings, IReadOnlyList<DecodeError> errors)
    {
        Kind = kind;
        TypeName = typeName;
        Tree = tree;
        Warnings = warnings;
        Errors = errors;
    }

    /// <summary>The object. Complete only when there are no <see cref="Errors"/>: a value of the wrong type is left out.</summary>
    public JsonObject Tree { get; }

    /// <summary><c>unknown field "spec.x"</c> and <c>duplicate field "spec.y"</c>: errors when strict, warnings when warning, else nothing.</summary>
    public IReadOnlyList<string> Warnings { get; }

    public IReadOnlyList<DecodeError> Errors { get; }

    /// <summary><c>strict decoding error: …</c>, or null.</summary>
    public string? StrictMessage => Warnings.Count == 0 ? null : "strict decoding error: " + string.Join(", ", Warnings);

    /// <summary>What Go's decoder ends with where a type of a built-in kind, or of metadata, is wrong; null when nothing is.</summary>
    public string? TypeMessage => TypeError?.Message;

    /// <summary>The same in the words of the converter that makes objects of maps (apimachinery: runtime/converter.go).</summary>
    public string? ConversionMessage => TypeError is { } error ? error.Conversion ?? error.Message : null;

    private DecodeError? TypeError
    {
        get
        {
            var told = Errors.Where(e => Kind?.IsCustom != true || e.Field.StartsWith("metadata", StringComparison.Ordinal)
                || e.Message.StartsWith("json: ", StringComparison.Ordinal)).ToList();
            return told.Find(e => e.IsFinal) ?? told.FirstOrDefault();
        }
    }

    private ResourceKind? Kind { get; }

    private string TypeName { get; }

    /// <summary>
    /// The answer to a create or update of this object, or null when it may go on: 400 for a wrong type of a built-in kind, 422 for one
    /// of a custom kind, 400 for unknown or duplicate fields when <paramref name="strict"/>.
    /// </summary>
    public ApiException? Failure(bool strict)
    {
        if (TypeMessage is { } wrongType)
        {
            return BadRequest(wrongType);
        }
        if (strict && StrictMessage is { } message)
        {
            return BadRequest(message);
        }
        return Errors.Count == 0 ? null : ApiException.Invalid(Kind!, Name, [.. Errors.Select(e => new StatusCause("FieldValueTypeInvalid", e.Message, e.Field))]);
    }

    /// <summary>The same object, with what there is to say about it in the order of <paramref name="given"/>: the text it was made of.</summary>
    public DecodedObject ToldAs(DecodedObject given) => new(Kind, TypeName, Tree, given.Warnings, given.Errors);

    private string Name => Tree["metadata"] is JsonObject meta && meta["name"] is JsonValue name && name.TryGetValue<string>(out var text) ? text : "";

    private ApiException BadRequest(string message) =>
        ApiException.BadRequest($"{TypeName} in version \"{Kind?.Version ?? "v1"}\" cannot be handled as a {TypeName}: {message}");
}
