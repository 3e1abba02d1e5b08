using System.Text.Json;
using System.Text.Json.Nodes;
using Serval.Api.Core;
using Serval.Api.GoText;

namespace Serval.Api.Admission;

/// <summary>Collects errors in the wording of one family: Knative's webhooks (with a name) or the Kubernetes API server (without).</summary>
internal sealed class Problems(string? webhook = null)
{
    public const string ServingWebhook = "validation.webhook.serving.knative.dev";
    public const string ConfigWebhook = "config.webhook.serving.knative.dev";

    private readonly List<FieldError> _list = [];

    public IReadOnlyList<FieldError> List => _list;

    // Knative's wordings (knative.dev/pkg/apis). Equal messages are merged into one line when they are shown.
    public void Missing(string path) => Add("FieldValueRequired", "missing field(s)", path);

    public void Disallowed(string path, string details = "") => Add("FieldValueForbidden", "must not set the field(s)", path, details);

    public void Wrong(string value, string path, string details = "") => Add("FieldValueInvalid", $"invalid value: {value}", path, details);

    public void OutOfBounds(string value, string lower, string upper, string path) =>
        Add("FieldValueInvalid", $"expected {lower} <= {value} <= {upper}", path);

    public void WrongKey(string key, string path, string details = "") => Add("FieldValueInvalid", $"invalid key name \"{key}\"", path, details);

    public void NoneOf(params ReadOnlySpan<string> paths) => Each("expected exactly one, got neither", "FieldValueRequired", paths);

    public void ManyOf(params ReadOnlySpan<string> paths) => Each("expected exactly one, got both", "FieldValueInvalid", paths);

    public void Say(string message, string path, string details = "") => Add("FieldValueInvalid", message, path, details);

    // Kubernetes' wordings (apimachinery util/validation/field).
    public void Required(string path, string detail = "") => Add("FieldValueRequired", With("Required value", detail), path);

    public void Invalid(string path, string value, string detail) => Add("FieldValueInvalid", $"Invalid value: {value}: {detail}", path);

    public void InvalidText(string path, string value, string detail) => Invalid(path, GoQuote.Quote(value), detail);

    public void Duplicate(string path, string value) => Add("FieldValueDuplicate", $"Duplicate value: {GoQuote.Quote(value)}", path);

    /// <summary>As <see cref="Duplicate"/>, of a value that is no text.</summary>
    public void DuplicateValue(string path, string value) => Add("FieldValueDuplicate", $"Duplicate value: {value}", path);

    public void Forbidden(string path, string detail) => Add("FieldValueForbidden", With("Forbidden", detail), path);

    public void TooLong(string path, long most) => Add("FieldValueTooLong", LongerThan(most), path);

    public void TooMany(string path, long actual, long most) => Add("FieldValueTooMany", MoreThan(actual, most), path);

    /// <summary>What is said of a text above its bound, in bytes.</summary>
    public static string LongerThan(long most) => $"Too long: may not be more than {most} byte{(most == 1 ? "" : "s")}";

    /// <summary>What is said of a list above its bound.</summary>
    public static string MoreThan(long actual, long most) => $"Too many: {actual}: must have at most {most} item{(most == 1 ? "" : "s")}";

    public void NotFound(string path, string value, string detail = "") => Add("FieldValueNotFound", With($"Not found: {GoQuote.Quote(value)}", detail), path);

    public void Unsupported(string path, string value, params ReadOnlySpan<string> supported)
    {
        var allowed = string.Join(", ", supported.ToArray().Select(s => $"\"{s}\""));
        Add("FieldValueNotSupported", $"Unsupported value: {GoQuote.Quote(value)}: supported values: {allowed}", path);
    }

    /// <summary>An error found by rules that do not collect.</summary>
    public void Add(FieldError error)
    {
        if (_list.Count < TextLimit.MostErrors)
        {
            _list.Add(error);
        }
    }

    /// <summary>Kubernetes' rule of text; nothing is said when <paramref name="rule"/> answers null.</summary>
    public void Check(string path, string value, Func<string, string?> rule)
    {
        if (rule(value) is { } wrong)
        {
            InvalidText(path, value, wrong);
        }
    }

    /// <summary>Kubernetes' rule of a text with more than one thing wrong at a time.</summary>
    public void Check(string path, string value, Func<string, IEnumerable<string>> rule)
    {
        foreach (var wrong in rule(value))
        {
            InvalidText(path, value, wrong);
        }
    }

    /// <summary>A port, by number or by the name of one (ValidatePortNumOrName); nothing is number 0.</summary>
    public void PortOrName(string path, JsonNode? port)
    {
        if (port is JsonValue value && value.GetValueKind() == JsonValueKind.String)
        {
            Check(path, Tree.Text(port), Names.PortNameProblems);
        }
        else if (Names.PortNumber(Tree.Number(port) ?? 0) is { } wrong)
        {
            Invalid(path, $"{Tree.Number(port) ?? 0}", wrong);
        }
    }

    /// <summary>The text of a field, unless it is empty, is one of these; their order is the one of the message.</summary>
    public void OneOf(JsonObject? owner, string field, string path, params ReadOnlySpan<string> allowed)
    {
        var value = owner.String(field);
        if (value.Length == 0 || allowed.Contains(value))
        {
            return;
        }
        if (webhook is null)
        {
            Unsupported(Tree.Join(path, field), value, allowed);
        }
        else
        {
            Wrong(value, Tree.Join(path, field));
        }
    }

    /// <summary>The text of a field is not empty.</summary>
    public void Need(JsonObject? owner, string field, string path)
    {
        if (owner.String(field).Length > 0)
        {
            return;
        }
        if (webhook is null)
        {
            Required(Tree.Join(path, field));
        }
        else
        {
            Missing(Tree.Join(path, field));
        }
    }

    /// <summary>Reports every set field outside <paramref name="allowed"/>.</summary>
    public void OnlyFields(JsonObject? tree, string path, Func<string, bool> allowed)
    {
        foreach (var (key, value) in tree ?? [])
        {
            if (Tree.IsSet(key, value) && !allowed(key))
            {
                Disallowed(Tree.Join(path, key));
            }
        }
    }

    private void Each(string message, string reason, ReadOnlySpan<string> paths)
    {
        foreach (var path in paths)
        {
            Add(reason, message, path);
        }
    }

    private void Add(string reason, string message, string path, string details = "") =>
        Add(new FieldError(reason, message, path) { Details = details, Webhook = webhook });

    private static string With(string message, string detail) => detail.Length == 0 ? message : $"{message}: {detail}";
}
