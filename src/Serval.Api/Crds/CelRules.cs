using System.Text.Json.Nodes;
using Serval.Api.Admission;

namespace Serval.Api.Crds;

/// <summary>
/// The shape of <c>x-kubernetes-validations</c>. The expressions themselves are stored and not evaluated: <see cref="CrdWarnings"/> says so.
/// </summary>
internal static class CelRules
{
    private static readonly string[] s_reasons = ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];

    /// <summary>Said beside errors after which upstream evaluates no rules (registry/customresource: hasBlockingErr).</summary>
    public static FieldError Unchecked { get; } = new(
        "FieldValueInvalid", "Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation", "<nil>");

    /// <summary>Whether an object with this error is not given to rules.</summary>
    public static bool IsBlocking(FieldError error) =>
        error.Reason is "FieldValueNotSupported" or "FieldValueRequired" or "FieldValueTooLong" or "FieldValueTooMany" or "FieldValueTypeInvalid";

    public static void Check(JsonObject schema, string path, Problems to)
    {
        foreach (var (i, rule) in schema.Objects("x-kubernetes-validations"))
        {
            One(schema, rule, $"{path}.x-kubernetes-validations[{i}]", to);
        }
    }

    private static void One(JsonObject schema, JsonObject rule, string path, Problems to)
    {
        var message = rule.String("message");
        if (IsBlank(rule.String("rule")))
        {
            to.Required(path + ".rule", "rule is not specified");
        }
        else if (message.Length > 0 && IsBlank(message))
        {
            to.InvalidText(path + ".message", message, "must be non-empty if specified");
        }
        else if (HasBreak(message.Trim()))
        {
            to.InvalidText(path + ".message", message, "must not contain line breaks");
        }
        else if (HasBreak(rule.String("rule").Trim()) && message.Length == 0)
        {
            to.Required(path + ".message", "message must be specified if rule contains line breaks");
        }
        if (rule.String("messageExpression") is { Length: > 0 } expression && IsBlank(expression))
        {
            to.Required(path + ".messageExpression", "messageExpression must be non-empty if specified");
        }
        if (rule.Has("reason") && !s_reasons.Contains(rule.String("reason")))
        {
            to.Unsupported(path + ".reason", rule.String("reason"), s_reasons);
        }
        if (rule.Bool("optionalOldSelf") is { } optional && !UsesOldSelf(rule.String("rule")) && !IsBlank(rule.String("rule")))
        {
            to.Invalid(path + ".optionalOldSelf", optional ? "true" : "false", "may not be set if oldSelf is not used in rule");
        }
        if (rule.String("fieldPath") is { Length: > 0 } fieldPath)
        {
            FieldPath(schema, fieldPath, path + ".fieldPath", to);
        }
    }

    private static void FieldPath(JsonObject schema, string fieldPath, string path, Problems to)
    {
        if (IsBlank(fieldPath))
        {
            to.InvalidText(path, fieldPath, "must be non-empty if specified");
        }
        if (HasBreak(fieldPath))
        {
            to.InvalidText(path, fieldPath, "must not contain line breaks");
        }
        if (SchemaPath.Find(schema, fieldPath, allowKeys: true, out _) is not null)
        {
            to.InvalidText(path, fieldPath, "must be a valid path");
        }
    }

    /// <summary>Whether a rule names the old value.</summary>
    private static bool UsesOldSelf(string rule)
    {
        const string name = "oldSelf";
        for (var at = rule.IndexOf(name, StringComparison.Ordinal); at >= 0; at = rule.IndexOf(name, at + 1, StringComparison.Ordinal))
        {
            if ((at == 0 || !IsWord(rule[at - 1])) && (at + name.Length == rule.Length || !IsWord(rule[at + name.Length])))
            {
                return true;
            }
        }
        return false;

        static bool IsWord(char c) => char.IsAsciiLetterOrDigit(c) || c == '_';
    }

    private static bool IsBlank(string text) => string.IsNullOrWhiteSpace(text);

    private static bool HasBreak(string text) => text.AsSpan().IndexOfAny('\n', '\r') >= 0;
}
