using System.Text;

namespace Serval.Routing;

/// <summary>From where a rule may be reached.</summary>
public enum RouteVisibility
{
    External,
    ClusterLocal,
}

/// <summary>A header the request must carry with exactly this value.</summary>
public sealed class HeaderMatch(string name, string value)
{
    private readonly byte[] _value = Encoding.UTF8.GetBytes(value);

    /// <summary>Compared without case.</summary>
    public string Name { get; } = name;

    /// <summary>Compared with case.</summary>
    public string Value { get; } = value;

    internal bool Matches<THeaders>(in THeaders headers)
        where THeaders : IRequestHeaders, allows ref struct => headers.Has(Name, _value);
}

/// <summary>One share of a rule's traffic.</summary>
public sealed class WeightedBackend
{
    public required BackendKey Backend { get; init; }

    /// <summary>Relative to the rule's other backends; 0 takes none.</summary>
    public int Weight { get; init; } = 100;

    /// <summary>Headers set on requests of this share; they replace the client's of the same name.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> AppendHeaders { get; init; } = [];
}

/// <summary>
/// Requests of one host with this path prefix and these headers go to these backends. Immutable; the same instance may stand in any number
/// of tables, and a table that keeps it keeps what a data plane compiled for it.
/// </summary>
public sealed class RouteRule
{
    private readonly byte[] _path = "/"u8.ToArray();
    private readonly string _pathPrefix = "/";

    /// <summary>
    /// Whole path segments, case-sensitive: <c>/a</c> takes <c>/a</c> and <c>/a/b</c>, not <c>/ab</c>. Empty or <c>/</c> takes everything.
    /// </summary>
    public string PathPrefix
    {
        get => _pathPrefix;
        init
        {
            _pathPrefix = value.Length == 0 ? "/" : value;
            _path = Encoding.UTF8.GetBytes(_pathPrefix.Length > 1 ? _pathPrefix.TrimEnd('/') : _pathPrefix);
            _path = _path.Length == 0 ? "/"u8.ToArray() : _path;
        }
    }

    /// <summary>All of them must match.</summary>
    public IReadOnlyList<HeaderMatch> Headers { get; init; } = [];

    public IReadOnlyList<WeightedBackend> Backends { get; init; } = [];

    /// <summary>The Host header sent on; empty keeps the client's.</summary>
    public string RewriteHost { get; init; } = "";

    /// <summary>
    /// The request goes where <see cref="RewriteHost"/> leads from inside the cluster, with the rules and headers there, and keeps the client's Host.
    /// One step and no more: a host that rewrites again leads nowhere.
    /// </summary>
    public bool Rematch { get; init; }

    /// <summary>Headers set on every request of this rule; they replace the client's of the same name.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> AppendHeaders { get; init; } = [];

    public RouteVisibility Visibility { get; init; }

    /// <summary>Requests from outside that came without TLS are sent to the same URL with it.</summary>
    public bool RedirectsToHttps { get; init; }

    /// <summary>The object this rule came from, for messages: <c>Ingress default/hello</c>.</summary>
    public string Owner { get; init; } = "";

    internal bool MatchesPath(ReadOnlySpan<byte> path) =>
        _path.Length == 1 || (path.StartsWith(_path) && (path.Length == _path.Length || path[_path.Length] == (byte)'/'));

    internal bool MatchesHeaders<THeaders>(in THeaders headers)
        where THeaders : IRequestHeaders, allows ref struct
    {
        for (var i = 0; i < Headers.Count; i++)
        {
            if (!Headers[i].Matches(headers))
            {
                return false;
            }
        }
        return true;
    }
}
