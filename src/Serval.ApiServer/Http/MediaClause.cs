namespace Serval.ApiServer.Http;

/// <summary>One media type with its parameters, as it stands in Accept and Content-Type.</summary>
internal sealed class MediaClause
{
    private readonly Dictionary<string, string> _parameters = new(StringComparer.OrdinalIgnoreCase);

    private MediaClause(string type) => Type = type;

    /// <summary>Lower case, without parameters.</summary>
    public string Type { get; }

    public bool IsJson => Type is "application/json" or "application/*" or "*/*" && Value("q") is not ("0" or "0.0");

    public string Value(string parameter) => _parameters.GetValueOrDefault(parameter, "");

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
