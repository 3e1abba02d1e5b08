namespace Serval.Routing;

/// <summary>The rules of one host, most specific first: more header matches, then the longer path.</summary>
public sealed class HostRoutes
{
    private readonly RouteRule[] _rules;

    internal HostRoutes(string host, IEnumerable<RouteRule> rules)
    {
        Host = host;
        _rules = [.. rules];
        if (_rules.Length > 1)
        {
            _rules = [.. _rules.OrderByDescending(r => r.Headers.Count).ThenByDescending(r => r.PathPrefix.Length)];
        }
    }

    /// <summary>Lower case; <c>*.suffix</c> or <c>*</c> for wildcards.</summary>
    public string Host { get; }

    public IReadOnlyList<RouteRule> Rules => _rules;

    internal RouteRule? Match<THeaders>(ReadOnlySpan<byte> path, in THeaders headers, bool clusterLocal)
        where THeaders : IRequestHeaders, allows ref struct
    {
        foreach (var rule in _rules)
        {
            if ((clusterLocal || rule.Visibility == RouteVisibility.External) && rule.MatchesPath(path) && rule.MatchesHeaders(headers))
            {
                return rule;
            }
        }
        return null;
    }
}
