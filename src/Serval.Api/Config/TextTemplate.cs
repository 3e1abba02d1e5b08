using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Serval.Api.Config;

/// <summary>The names a template may use.</summary>
/// <param name="Fields">For example <c>Name</c> for <c>{{.Name}}</c>.</param>
/// <param name="Maps">For example <c>Labels</c> for <c>{{index .Labels "key"}}</c> or <c>{{.Labels.key}}</c>.</param>
internal sealed record TemplateScope(FrozenSet<string> Fields, FrozenSet<string> Maps)
{
    /// <summary>config-network domain-template.</summary>
    public static readonly TemplateScope Domain = Of(["Name", "Namespace", "Domain"], ["Annotations", "Labels"]);

    /// <summary>config-network tag-template.</summary>
    public static readonly TemplateScope Tag = Of(["Name", "Tag"], []);

    /// <summary>config-defaults container-name-template: the metadata of the Revision.</summary>
    public static readonly TemplateScope Metadata = Of(["Name", "Namespace", "GenerateName"], ["Annotations", "Labels"]);

    private static TemplateScope Of(string[] fields, string[] maps) => new(fields.ToFrozenSet(StringComparer.Ordinal), maps.ToFrozenSet(StringComparer.Ordinal));
}

/// <summary>The values a template is rendered with. Absent names render as nothing.</summary>
public sealed record TemplateValues
{
    public string Name { get; init; } = "";
    public string Namespace { get; init; } = "";
    public string Domain { get; init; } = "";
    public string Tag { get; init; } = "";
    public string GenerateName { get; init; } = "";
    public IReadOnlyDictionary<string, string> Labels { get; init; } = FrozenDictionary<string, string>.Empty;
    public IReadOnlyDictionary<string, string> Annotations { get; init; } = FrozenDictionary<string, string>.Empty;
}

/// <summary>
/// A small strict form of the templates Knative's ConfigMaps hold: text, <c>{{.Field}}</c>, <c>{{.Labels.key}}</c> and
/// <c>{{index .Labels "key"}}</c>, with <c>{{-</c> and <c>-}}</c> trimming. Anything else is refused when it is written, not when it is used.
/// </summary>
public sealed class TextTemplate
{
    private readonly IReadOnlyList<Part> _parts;

    private TextTemplate(string text, IReadOnlyList<Part> parts)
    {
        Text = text;
        _parts = parts;
    }

    /// <summary>The template as written.</summary>
    public string Text { get; }

    public override string ToString() => Text;

    public string Render(TemplateValues values)
    {
        var result = new StringBuilder();
        foreach (var part in _parts)
        {
            result.Append(part.Field.Length == 0 ? part.Literal : Value(values, part));
        }
        return result.ToString();
    }

    internal static TextTemplate Parse(string text, TemplateScope scope) =>
        TryParse(text, scope, out var template, out var error) ? template : throw new FormatException(error);

    internal static bool TryParse(string text, TemplateScope scope, [NotNullWhen(true)] out TextTemplate? template, out string error)
    {
        template = null;
        var parts = new List<Part>();
        if (!TemplateText.TryCut(text, out var pieces, out var rest))
        {
            error = TemplateText.Unclosed;
            return false;
        }
        foreach (var (literal, action) in pieces)
        {
            if (!TryAction(action, scope, out var part))
            {
                error = $"cannot use {{{{{action}}}}}: allowed are {Allowed(scope)}";
                return false;
            }
            parts.Add(new Part(literal, "", ""));
            parts.Add(part);
        }
        parts.Add(new Part(rest, "", ""));
        template = new TextTemplate(text, parts);
        error = "";
        return true;
    }

    private static bool TryAction(string action, TemplateScope scope, out Part part)
    {
        part = new Part("", "", "");
        if (action.StartsWith("index ", StringComparison.Ordinal))
        {
            var words = action.Split(' ', 3, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            if (words.Length != 3 || words[1].Length < 2 || words[1][0] != '.' || !scope.Maps.Contains(words[1][1..])
                || words[2].Length < 2 || words[2][0] is not ('"' or '`') || words[2][^1] != words[2][0] || words[2][1..^1].AsSpan().ContainsAny("\"`\\"))
            {
                return false;
            }
            part = new Part("", words[1][1..], words[2][1..^1]);
            return true;
        }
        if (action.Length < 2 || action[0] != '.')
        {
            return false;
        }
        var dot = action.IndexOf('.', 1);
        if (dot < 0)
        {
            part = new Part("", action[1..], "");
            return scope.Fields.Contains(part.Field);
        }
        part = new Part("", action[1..dot], action[(dot + 1)..]);
        return scope.Maps.Contains(part.Field) && part.Key.Length > 0 && part.Key.All(c => char.IsAsciiLetterOrDigit(c) || c == '_');
    }

    private static string Allowed(TemplateScope scope) => string.Join(", ",
        scope.Fields.Order(StringComparer.Ordinal).Select(f => $"{{{{.{f}}}}}").Concat(scope.Maps.Order(StringComparer.Ordinal).Select(m => $"{{{{index .{m} \"key\"}}}}")));

    private static string Value(TemplateValues values, Part part) => part.Field switch
    {
        "Name" => values.Name,
        "Namespace" => values.Namespace,
        "Domain" => values.Domain,
        "Tag" => values.Tag,
        "GenerateName" => values.GenerateName,
        "Labels" => values.Labels.GetValueOrDefault(part.Key, ""),
        "Annotations" => values.Annotations.GetValueOrDefault(part.Key, ""),
        _ => "",
    };

    // A literal has no field; a map has a key.
    private readonly record struct Part(string Literal, string Field, string Key);
}
