using System.Security.Cryptography;
using Serval.Api;
using Serval.Kube;

namespace Serval.ApiServer.Pipeline;

/// <summary>
/// The rest of lists that were asked for in pages: each list is kept as it was at one version, for some minutes and in bounded number; after
/// that its token is answered with 410, as upstream answers one that etcd has compacted.
/// </summary>
internal sealed class PageTokens(TimeProvider time)
{
    private const int MostLists = 64;
    private static readonly TimeSpan s_life = TimeSpan.FromMinutes(5);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Page> _pages = []; // guarded by _lock

    internal KubeList First(long version, List<KubeObject> items, long limit) => Cut(version, items, 0, limit);

    internal KubeList Next(string token, long limit)
    {
        Page? page;
        lock (_lock)
        {
            _pages.Remove(token, out page);
        }
        return page is not null && time.GetUtcNow() <= page.Until
            ? Cut(page.Version, page.Items, page.At, limit)
            : throw ApiException.Expired("The provided continue parameter is too old to display a consistent list result. Start a new list without the continue parameter.");
    }

    private KubeList Cut(long version, List<KubeObject> items, int at, long limit)
    {
        var count = limit <= 0 ? items.Count - at : (int)Math.Min(limit, items.Count - at);
        var page = items.GetRange(at, count);
        var left = items.Count - at - count;
        if (left == 0)
        {
            return new KubeList(version, page);
        }
        var token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        lock (_lock)
        {
            var now = time.GetUtcNow();
            foreach (var stale in _pages.Where(p => p.Value.Until < now).Select(p => p.Key).ToList())
            {
                _pages.Remove(stale);
            }
            if (_pages.Count >= MostLists)
            {
                _pages.Remove(_pages.MinBy(p => p.Value.Until).Key);
            }
            _pages[token] = new Page(version, items, at + count, now + s_life);
        }
        return new KubeList(version, page, token, left);
    }

    private sealed record Page(long Version, List<KubeObject> Items, int At, DateTimeOffset Until);
}
