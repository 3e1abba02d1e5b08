using System.Security.Cryptography;
using Serval.Api;
using Serval.Kube;

namespace Serval.ApiServer.Pipeline;

/// <summary>
/// The rest of lists that were asked for in pages: each list is kept as it was at one version, for some minutes and in bounded number; after
/// that its token is answered with 410, as upstream answers one that etcd has compacted. A page can be asked for again.
/// </summary>
internal sealed class PageTokens : IDisposable
{
    private const int MostLists = 32;
    private const string Gone = "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, "
        + "or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - "
        + "objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.";

    /// <summary>How long the rest of a list can be asked for.</summary>
    internal static readonly TimeSpan Life = TimeSpan.FromMinutes(5);

    private readonly TimeProvider _time;
    private readonly ITimer _sweep;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, KeptList> _lists = []; // guarded by _lock

    internal PageTokens(TimeProvider time)
    {
        _time = time;
        _sweep = time.CreateTimer(static tokens => ((PageTokens)tokens!).Sweep(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>How many lists are kept.</summary>
    internal int Count
    {
        get
        {
            lock (_lock)
            {
                return _lists.Count;
            }
        }
    }

    internal KubeList First(PageScope scope, long version, List<KubeObject> items, long limit)
    {
        var id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(12));
        var kept = new KeptList(scope, version, items, _time.GetUtcNow() + Life);
        lock (_lock)
        {
            if (_lists.Count >= MostLists)
            {
                _lists.Remove(_lists.MinBy(p => p.Value.Until).Key);
            }
            _lists[id] = kept;
            if (_lists.Count == 1)
            {
                _sweep.Change(Life, Timeout.InfiniteTimeSpan);
            }
        }
        return Cut(id, kept, 0, limit);
    }

    /// <summary><see cref="ApiException"/> 410 when the list is no longer kept, with a token for the rest as it is now.</summary>
    internal KubeList Next(PageToken token, long limit)
    {
        KeptList? kept;
        lock (_lock)
        {
            _lists.TryGetValue(token.List, out kept);
        }
        return kept is not null && _time.GetUtcNow() < kept.Until && token.At < kept.Items.Count
            ? Cut(token.List, kept, token.At, limit)
            : throw ApiException.Expired(Gone, token.ToPresent().ToString());
    }

    public void Dispose() => _sweep.Dispose();

    private void Sweep()
    {
        var now = _time.GetUtcNow();
        lock (_lock)
        {
            foreach (var stale in _lists.Where(p => p.Value.Until <= now).Select(p => p.Key).ToList())
            {
                _lists.Remove(stale);
            }
            if (_lists.Count > 0)
            {
                _sweep.Change(_lists.Values.Min(l => l.Until) - now, Timeout.InfiniteTimeSpan);
            }
        }
    }

    private static KubeList Cut(string id, KeptList kept, int at, long limit)
    {
        var left = kept.Items.Count - at;
        var count = limit <= 0 ? left : (int)Math.Min(limit, left);
        var page = kept.Items.GetRange(at, count);
        return count == left
            ? new KubeList(kept.Version, page)
            : new KubeList(kept.Version, page, PageToken.Of(kept.Scope, id, at + count, page[^1]).ToString(), kept.Scope.Selects ? null : left - count);
    }

    private sealed record KeptList(PageScope Scope, long Version, List<KubeObject> Items, DateTimeOffset Until);
}

/// <summary>What a list was asked for.</summary>
internal sealed record PageScope(ResourceKind Kind, string Namespace, string LabelSelector, string FieldSelector)
{
    /// <summary>Whether it leaves out objects: then nobody is told how many remain (storage/etcd3: remainingItemCount).</summary>
    public bool Selects => LabelSelector.Length > 0 || FieldSelector.Length > 0;
}
