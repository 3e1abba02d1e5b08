using Serval.Routing;

namespace Serval.Proxy;

/// <summary>A rule with its gates found.</summary>
internal sealed class CompiledRule
{
    private readonly CompiledBackend[] _backends;
    private readonly int _total;
    private ulong _turn;

    public CompiledRule(RouteRule rule, Func<BackendKey, Gate> gateOf)
    {
        _backends = [.. rule.Backends.Where(b => b.Weight > 0).Select(b => new CompiledBackend(rule, b, gateOf(b.Backend)))];
        RedirectsToHttps = rule.RedirectsToHttps;
        _total = _backends.Sum(b => b.Weight);
    }

    public bool RedirectsToHttps { get; }

    public IEnumerable<Gate> Gates => _backends.Select(b => b.Gate);

    /// <summary>A share by weight, evenly also over few requests; null when no share takes traffic.</summary>
    public CompiledBackend? Pick(Picker picker)
    {
        if (_backends.Length <= 1)
        {
            return _backends.Length == 0 ? null : _backends[0];
        }
        var roll = picker.NextTurn(ref _turn, _total);
        foreach (var backend in _backends)
        {
            roll -= backend.Weight;
            if (roll < 0)
            {
                return backend;
            }
        }
        return _backends[^1];
    }
}
