using System.Globalization;
using Microsoft.AspNetCore.Http;
using Serval.Api;
using Serval.ApiServer.Certificates;

namespace Serval.ApiServer.Http;

/// <summary>One authenticated request: who asks for what, and the warnings its answer will carry.</summary>
internal sealed class ApiRequest(HttpContext http, UserInfo user)
{
    private const int MaxWarningText = 4096; // as upstream: what is beyond helps nobody

    private readonly List<string> _warnings = [];
    private int _warningText;

    public HttpContext Http { get; } = http;

    public UserInfo User { get; } = user;

    public string Method => Http.Request.Method;

    public string Path => Http.Request.Path.Value ?? "/";

    public CancellationToken Aborted => Http.RequestAborted;

    /// <summary>The option's first value; empty when it is absent.</summary>
    public string Query(string name) => Http.Request.Query[name] is { Count: > 0 } values ? values[0] ?? "" : "";

    /// <summary>Every value of an option that may be repeated.</summary>
    public IReadOnlyList<string> All(string name) => [.. Http.Request.Query[name].Select(v => v ?? "")];

    /// <summary>Whether the option is there, be it empty.</summary>
    public bool Has(string name) => Http.Request.Query.ContainsKey(name);

    public bool Flag(string name) => Query(name) switch
    {
        "" => Has(name), // "?watch" says yes
        "false" or "0" or "False" or "FALSE" or "f" or "F" => false,
        _ => true, // upstream reads whatever is not clearly false as true
    };

    public long? Number(string name)
    {
        var text = Query(name);
        return text.Length == 0 ? null
            : long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number
            : throw ApiException.BadRequest($"strconv.ParseInt: parsing \"{text}\": invalid syntax");
    }

    public void Warn(string message)
    {
        _warningText += message.Length;
        if (_warningText <= MaxWarningText && !_warnings.Contains(message))
        {
            _warnings.Add(message);
        }
    }

    /// <summary>Puts the warnings into the response's header.</summary>
    public void WriteWarnings()
    {
        foreach (var warning in _warnings)
        {
            Http.Response.Headers.Append("Warning", $"299 - \"{Escape(warning)}\"");
        }
    }

    public ReplyShape Shape(bool single) =>
        ReplyShape.Negotiate(string.Join(',', Http.Request.Headers.Accept.AsEnumerable()), Query("includeObject"), single);

    private static string Escape(string text) =>
        string.Concat(text.Select(c => c switch { '"' => "\\\"", '\\' => "\\\\", < ' ' or '\x7f' => " ", _ => c.ToString() }));
}
