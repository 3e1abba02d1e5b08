using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace Serval.Api.Config;

/// <summary>
/// logging.request-log-template: the part of Go's text/template that request logs are written with. Text, the fields of
/// <see cref="LoggedRequest"/> under Knative's names, headers by <c>.Request.Header.Get "Name"</c>, and the function <c>js</c>. Anything else is
/// refused when it is written; Go accepts unknown fields and then prints an error for each request.
/// </summary>
public sealed class RequestLogTemplate
{
    /// <summary>Knative's (serving: pkg/observability, DefaultRequestLogTemplate).</summary>
    public const string DefaultText =
        """{"httpRequest": {"requestMethod": "{{.Request.Method}}", "requestUrl": "{{js .Request.RequestURI}}", "requestSize": "{{.Request.ContentLength}}", "status": {{.Response.Code}}, "responseSize": "{{.Response.Size}}", "userAgent": "{{js .Request.UserAgent}}", "remoteIp": "{{js .Request.RemoteAddr}}", "serverIp": "{{.Revision.PodIP}}", "referer": "{{js .Request.Referer}}", "latency": "{{.Response.Latency}}s", "protocol": "{{.Request.Proto}}"}, "traceId": "{{.TraceID}}"}""";

    private const string GetHeader = ".Request.Header.Get ";

    private static readonly Dictionary<string, Func<LoggedRequest, string>> s_fields = new(StringComparer.Ordinal)
    {
        [".Request.Method"] = r => r.Method,
        [".Request.RequestURI"] = r => r.Target,
        [".Request.URL"] = r => r.Target,
        [".Request.URL.Path"] = r => r.Target.Split('?', 2)[0],
        [".Request.URL.RawQuery"] = r => r.Target.Split('?', 2) is [_, var query] ? query : "",
        [".Request.Host"] = r => r.Host,
        [".Request.Proto"] = r => r.Protocol,
        [".Request.ContentLength"] = r => r.ContentLength.ToString(CultureInfo.InvariantCulture),
        [".Request.RemoteAddr"] = r => r.RemoteAddress,
        [".Request.UserAgent"] = r => Header(r, "User-Agent"),
        [".Request.Referer"] = r => Header(r, "Referer"),
        [".Response.Code"] = r => r.Status.ToString(CultureInfo.InvariantCulture),
        [".Response.Size"] = r => r.Size.ToString(CultureInfo.InvariantCulture),
        [".Response.Latency"] = r => r.Latency.TotalSeconds.ToString(CultureInfo.InvariantCulture).Replace('E', 'e'),
        [".Revision.Name"] = r => r.Revision,
        [".Revision.Namespace"] = r => r.Namespace,
        [".Revision.Service"] = r => r.Service,
        [".Revision.Configuration"] = r => r.Configuration,
        [".Revision.PodName"] = r => r.PodName,
        [".Revision.PodIP"] = r => r.PodIP,
        [".TraceID"] = TraceId,
    };

    private readonly List<(string Literal, Func<LoggedRequest, string> Value)> _parts = [];
    private readonly List<string> _headers = ["User-Agent", "Referer", "Traceparent", "X-B3-Traceid"];
    private string _rest = "";

    private RequestLogTemplate(string text) => Text = text;

    public static RequestLogTemplate Default { get; } = TryParse(DefaultText, out var parsed, out var error) ? parsed : throw new FormatException(error);

    /// <summary>As written.</summary>
    public string Text { get; }

    /// <summary>The request's headers that it may tell.</summary>
    public IReadOnlyList<string> Headers => _headers;

    public override string ToString() => Text;

    /// <summary>The line of a request, with its end.</summary>
    public string Render(LoggedRequest request)
    {
        var line = new StringBuilder();
        foreach (var (literal, value) in _parts)
        {
            line.Append(literal).Append(value(request));
        }
        line.Append(_rest);
        return line.Length > 0 && line[^1] == '\n' ? line.ToString() : line.Append('\n').ToString();
    }

    internal static bool TryParse(string text, [NotNullWhen(true)] out RequestLogTemplate? template, out string error)
    {
        (template, error) = (null, TemplateText.Unclosed);
        var parsed = new RequestLogTemplate(text);
        if (!TemplateText.TryCut(text, out var pieces, out parsed._rest))
        {
            return false;
        }
        foreach (var (literal, action) in pieces)
        {
            if (parsed.Pipeline(action) is not { } value)
            {
                error = $"cannot use {{{{{action}}}}}: allowed are {string.Join(", ", s_fields.Keys)}, {GetHeader}\"Name\", and js before or \"| js\" after each";
                return false;
            }
            parsed._parts.Add((literal, value));
        }
        template = parsed;
        return true;
    }

    private Func<LoggedRequest, string>? Pipeline(string action)
    {
        var operand = action;
        if (action.StartsWith("js ", StringComparison.Ordinal))
        {
            operand = action[3..].Trim();
        }
        else if (action.Split('|', StringSplitOptions.TrimEntries) is [var before, "js"])
        {
            operand = before;
        }
        return Operand(operand) is not { } value ? null : operand == action ? value : r => JsEscape(value(r));
    }

    private Func<LoggedRequest, string>? Operand(string operand)
    {
        operand = operand.StartsWith('(') && operand.EndsWith(')') ? operand[1..^1].Trim() : operand;
        if (!operand.StartsWith(GetHeader, StringComparison.Ordinal))
        {
            return s_fields.GetValueOrDefault(operand);
        }
        var name = operand[GetHeader.Length..].Trim();
        if (name.Length < 3 || name[0] is not ('"' or '`') || name[^1] != name[0] || !name.AsSpan(1, name.Length - 2).ContainsOnlyToken())
        {
            return null;
        }
        name = name[1..^1];
        _headers.Add(name);
        return r => Header(r, name);
    }

    private static string Header(LoggedRequest request, string name) => request.Headers.GetValueOrDefault(name, "");

    // The trace of W3C Trace Context, or of B3 (serving: pkg/http, ExtractTraceID).
    private static string TraceId(LoggedRequest request) =>
        Header(request, "Traceparent").Split('-') is [_, var trace, ..] ? trace : Header(request, "X-B3-Traceid");

    // As Go's template.JSEscapeString.
    private static string JsEscape(string text)
    {
        if (text.All(c => c >= ' ' && c < 0x7F && !@"\'""<>&=".Contains(c, StringComparison.Ordinal)))
        {
            return text;
        }
        var escaped = new StringBuilder();
        foreach (var c in text)
        {
            _ = c switch
            {
                '\\' or '\'' or '"' => escaped.Append('\\').Append(c),
                '<' or '>' or '&' or '=' or < ' ' or '\u007F' => escaped.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:X4}"),
                _ => escaped.Append(c),
            };
        }
        return escaped.ToString();
    }
}

file static class HeaderName
{
    public static bool ContainsOnlyToken(this ReadOnlySpan<char> name)
    {
        foreach (var c in name)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_'))
            {
                return false;
            }
        }
        return true;
    }
}
