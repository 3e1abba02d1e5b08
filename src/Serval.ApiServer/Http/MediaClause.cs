using Microsoft.AspNetCore.Http;

namespace Serval.ApiServer.Http;

/// <summary>One media type with its parameters, as it stands in Accept and Content-Type.</summary>
internal sealed class MediaClause
{
    private readonly Dictionary<string, string> _parameters = new(StringComparer.OrdinalIgnoreCase);

    private MediaClause(string type) => Type = type;

    /// <summary>Lower case, without parameters.</summary>
    public string Type { get; }

    public bool IsJson => Type is "application/json" or "*/*";

    /// <summary>Whether it asks for the object as it is, and not for another form, version or stream of it (apiserver: endpoints/handlers/negotiation).</summary>
    public bool IsPlain => Value("as").Length == 0 && Value("g").Length == 0 && Value("v").Length == 0 && IsServed;

    /// <summary>Whether there is a stream, and a version of what servers write, as it asks for.</summary>
    public bool IsServed => Value("stream") is ("" or "watch") && Value("sv") is ("" or "v1");

    public string Value(string parameter) => _parameters.GetValueOrDefault(parameter, "");

    /// <summary>Every clause of a request's Accept headers; <c>*/*</c> when it has none.</summary>
    public static IEnumerable<MediaClause> Accepted(HttpRequest request)
    {
        var accept = string.Join(',', request.Headers.Accept.AsEnumerable());
        return (accept.Length == 0 ? ["*/*"] : accept.Split(',', StringSplitOptions.RemoveEmptyEntries)).Select(Parse);
    }

    /// <summary>Whether the client takes JSON, in whatever form.</summary>
    public static bool TakesJson(HttpRequest request) => Accepted(request).Any(c => c.IsJson);

    public static MediaClause Parse(string text)
    {
        var parts = text.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        var clause = new MediaClause(parts.Length == 0 ? "" : parts[0].ToLowerInvariant());
        foreach (var part in parts.Skip(1))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0)
            {
                clause._parameters[part[..equals].Trim()] = part[(equals + 1)..].Trim().Trim('"');
            }
        }
        return clause;
    }
}
