using System.Globalization;
using Microsoft.AspNetCore.Http;
using Serval.Api;
using Serval.Api.GoText;
using Serval.ApiServer.Access;
using Serval.ApiServer.Certificates;

namespace Serval.ApiServer.Http;

/// <summary>One request: who asks for what, and what became known of it on its way.</summary>
internal sealed class ApiRequest
{
    private const int MaxWarningText = 4096; // characters of all, and of one where there are more: what is beyond helps nobody
    private const int MaxOfEach = 256;

    private List<string> _warnings = [];
    private int _warningText;
    private bool _warningsCut;

    public ApiRequest(HttpContext http, DateTimeOffset received)
    {
        (Http, Received, Aborted) = (http, received, http.RequestAborted);
        Id = http.Request.Headers["Audit-Id"].ToString() is { Length: > 0 and <= 64 } given && given.All(c => c is >= '!' and <= '~') ? given : Guid.NewGuid().ToString();
        (Path, var old) = OldWatchPath.Parse(AskedPaths.WithoutEmptyNamespace(Method, http.Request.Path.Value ?? "/"));
        IsOldWatch = old;
        Info = RequestInfo.Of(Method, Path, Flag("watch"), Query("fieldSelector"), old);
        IsWatch = old || Info.Verb == "watch";
    }

    public HttpContext Http { get; }

    public DateTimeOffset Received { get; }

    /// <summary>The audit log's name for it: the client's where that is short and plain, or a new one.</summary>
    public string Id { get; }

    public RequestInfo Info { get; }

    /// <summary>Who asks; nobody known until it has been found out.</summary>
    public UserInfo User { get; set; } = UserInfo.Anonymous;

    /// <summary>Who asks in the name of <see cref="User"/>; null when that is nobody else.</summary>
    public UserInfo? Impersonator { get; set; }

    /// <summary>Judges what the request turns out to need beside what it said; null before it was judged at all.</summary>
    public RbacAuthorizer? Access { get; set; }

    /// <summary>How it was judged: <c>allow</c> or <c>forbid</c>, and why; empty before.</summary>
    public (string Decision, string Reason) Authorization { get; set; } = ("", "");

    /// <summary>The object of the body, once that was read.</summary>
    public ObjectMeta? Object { get; set; }

    /// <summary>The body as it was sent, when it is an object as JSON.</summary>
    public ReadOnlyMemory<byte> Given { get; set; }

    /// <summary>Why it was refused, once it was.</summary>
    public ApiException? Failure { get; set; }

    public string Method => Http.Request.Method;

    /// <summary>Where to; of an old path of a watch the one that it means.</summary>
    public string Path { get; }

    /// <summary>Where to in the client's own words, for logs.</summary>
    public string AskedPath => Http.Request.Path.Value ?? "/";

    /// <summary>Whether a GET is a watch, by its option or its path.</summary>
    public bool IsWatch { get; }

    /// <summary>Whether the path was <c>/api/v1/watch/…</c>, where nothing but a watch is.</summary>
    public bool IsOldWatch { get; }

    /// <summary>The client has left, or the request's time is up.</summary>
    public CancellationToken Aborted { get; set; }

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
        return !Has(name) ? null
            : long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number
            : throw ApiException.BadRequest($"strconv.ParseInt: parsing {GoQuote.Quote(text)}: {(IsWhole(text) ? "value out of range" : "invalid syntax")}");
    }

    private static bool IsWhole(string text) => text.AsSpan(text is ['-' or '+', _, ..] ? 1 : 0) is { Length: > 0 } digits && !digits.ContainsAnyExceptInRange('0', '9');

    /// <summary>A warning in the answer's head, told once. Where there are too many, each is cut, and the last are left out (apiserver: filters/warning.go).</summary>
    public void Warn(string message)
    {
        if (_warningsCut && _warningText >= MaxWarningText)
        {
            return;
        }
        var text = TextLimit.First(message, _warningsCut ? MaxOfEach : MaxWarningText + 1);
        if (_warnings.Contains(text))
        {
            return;
        }
        _warnings.Add(text);
        _warningText += text.Length;
        if (_warningText > MaxWarningText && !_warningsCut)
        {
            _warningsCut = true;
            _warnings = [.. _warnings.Select(w => TextLimit.First(w, MaxOfEach))];
            _warningText = _warnings.Sum(w => w.Length);
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
