using System.Text;
using System.Text.Json;
using Serval.Api;

namespace Serval.ApiServer.Selectors;

/// <summary>A parsed field selector: <c>metadata.name=x,status.phase!=y</c>. Any path to a scalar is accepted; an absent field reads as empty.</summary>
internal sealed class FieldQuery
{
    public static readonly FieldQuery Everything = new([]);

    private static readonly byte[][] s_component = ["source"u8.ToArray(), "component"u8.ToArray()];
    private static readonly byte[][] s_reporting = ["reportingComponent"u8.ToArray()];

    private static readonly byte[][] s_node = ["spec"u8.ToArray(), "nodeName"u8.ToArray()]; // "spec.host" is its name of old

    private readonly Term[] _terms;

    private FieldQuery(Term[] terms) => _terms = terms;

    public bool IsEverything => _terms.Length == 0;

    /// <summary>The one name that can match, or null when the selector does not pin it.</summary>
    public string? Name => Array.Find(_terms, t => t is { Path: "metadata.name", Equal: true })?.Value;

    /// <summary>What is compared.</summary>
    public IEnumerable<string> Paths => _terms.Select(t => t.Path);

    public static FieldQuery Parse(string text)
    {
        return text.Length == 0 ? Everything
            : new FieldQuery([.. Split(text).Where(t => t.Length > 0).Order(StringComparer.Ordinal).Select(t => ParseTerm(text, t)).Where(t => !t.IsNothing)]);
    }

    public bool Matches(KubeObject obj)
    {
        foreach (var term in _terms)
        {
            if (string.Equals(Read(obj, term), term.Value, StringComparison.Ordinal) != term.Equal)
            {
                return false;
            }
        }
        return true;
    }

    private static string Read(KubeObject obj, Term term) => term.Path switch
    {
        "metadata.name" => obj.Metadata.Name,
        "metadata.namespace" => obj.Metadata.Namespace,
        "source" when obj is { Kind: "Event", ApiVersion: "v1" } => Reporter(obj),
        "spec.host" when obj is { Kind: "Pod", ApiVersion: "v1" } => Walk(obj.Json.Span, s_node),
        _ => Walk(obj.Json.Span, term.Segments) is { Length: > 0 } value ? value : Absent(term.Path),
    };

    /// <summary>An Event's source means its component, under the newer name where the older is empty (registry/core/event: ToSelectableFields).</summary>
    private static string Reporter(KubeObject obj) =>
        Walk(obj.Json.Span, s_component) is { Length: > 0 } component ? component : Walk(obj.Json.Span, s_reporting);

    /// <summary>What a field counts as that is left out when it has no value, and is no text (each kind's ToSelectableFields).</summary>
    private static string Absent(string path) => path switch
    {
        "spec.hostNetwork" or "spec.unschedulable" => "false",
        "status.successful" => "0",
        _ => "",
    };

    private static string Walk(ReadOnlySpan<byte> json, byte[][] segments)
    {
        var reader = CanonicalJson.Tokens(json);
        reader.Read();
        foreach (var segment in segments)
        {
            if (reader.TokenType != JsonTokenType.StartObject || !MoveTo(ref reader, segment))
            {
                return "";
            }
        }
        return reader.TokenType switch
        {
            JsonTokenType.String => reader.GetString() ?? "",
            JsonTokenType.True => "true",
            JsonTokenType.False => "false",
            JsonTokenType.Number => Encoding.UTF8.GetString(reader.ValueSpan),
            _ => "",
        };
    }

    private static bool MoveTo(ref Utf8JsonReader reader, byte[] name)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var hit = reader.ValueTextEquals(name);
            reader.Read();
            if (hit)
            {
                return true;
            }
            reader.Skip();
        }
        return false;
    }

    private static Term ParseTerm(string whole, string term)
    {
        var at = term.IndexOf('=', StringComparison.Ordinal);
        if (at < 0)
        {
            throw ApiException.BadRequest($"invalid selector: '{whole}'; can't understand '{term}'");
        }
        var (equal, path) = at > 0 && term[at - 1] == '!' ? (false, term[..(at - 1)]) : (true, term[..at]);
        return Term.Of(path, equal, Unescape(term[(equal && at + 1 < term.Length && term[at + 1] == '=' ? at + 2 : at + 1)..]));
    }

    /// <summary>Splits at commas that are not escaped; the escapes stay for <see cref="Unescape"/>.</summary>
    private static IEnumerable<string> Split(string text)
    {
        var start = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\')
            {
                i++;
            }
            else if (text[i] == ',')
            {
                yield return text[start..i];
                start = i + 1;
            }
        }
        yield return text[start..];
    }

    private static string Unescape(string value)
    {
        if (value.AsSpan().IndexOfAny('\\', '=') < 0)
        {
            return value;
        }
        var result = new StringBuilder(value.Length);
        for (var i = 0; i < value.Length; i++)
        {
            if (value[i] == '=')
            {
                throw ApiException.BadRequest($"invalid field selector: unescaped character in value: {(int)'='}");
            }
            if (value[i] == '\\' && (++i == value.Length || value[i] is not ('\\' or ',' or '=')))
            {
                throw ApiException.BadRequest($"invalid field selector: invalid escape sequence: \\{(i == value.Length ? "" : value[i])}");
            }
            result.Append(value[i]);
        }
        return result.ToString();
    }

    private sealed record Term(string Path, byte[][] Segments, bool Equal, string Value)
    {
        /// <summary>Asks nothing: <c>==</c>.</summary>
        public bool IsNothing => Path.Length == 0 && Value.Length == 0;

        public static Term Of(string path, bool equal, string value) => new(path, [.. path.Split('.').Select(Encoding.UTF8.GetBytes)], equal, value);
    }
}
