using System.Globalization;
using System.Security.Cryptography;
using Serval.Api;
using Serval.Kube;

namespace Serval.ApiServer.Pipeline;

/// <summary>
/// The rest of lists that were asked for in pages: each list is kept as it was at one version, for some minutes and in bounded number; after
/// that its token is answered with 410, as upstream answers one that etcd has compacted. A page can be asked for again.
/// </summary>
internal sealed class PageTokens(TimeProvider time)
{
    private const int MostLists = 32;
    private static readonly TimeSpan s_life = TimeSpan.FromMinutes(5);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, KeptList> _lists = []; // guarded by _lock

    internal KubeList First(long version, List<KubeObject> items, long limit)
    {
        var id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(12));
        var now = time.GetUtcNow();
        var kept = new KeptList(version, items, now + s_life);
        lock (_lock)
        {
            foreach (var stale in _lists.Where(p => p.Value.Until < now).Select(p => p.Key).ToList())
            {
                _lists.Remove(stale);
            }
            if (_lists.Count >= MostLists)
            {
                _lists.Remove(_lists.MinBy(p => p.Value.Until).Key);
            }
            _lists[id] = kept;
        }
        return Cut(id, kept, 0, limit);
    }

    internal KubeList Next(string token, long limit)
    {
        var dot = token.IndexOf('.', StringComparison.Ordinal);
        if (dot <= 0 || !int.TryParse(token.AsSpan(dot + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var at))
        {
            throw ApiException.BadRequest($"continue key is not valid: \"{token}\" was not given out by this server");
        }
        KeptList? kept;
        lock (_lock)
        {
            _lists.TryGetValue(token[..dot], out kept);
        }
        return kept is not null && time.GetUtcNow() <= kept.Until && at < kept.Items.Count
            ? Cut(token[..dot], kept, at, limit)
            : throw ApiException.Expired("The provided continue parameter is too old to display a consistent list result. Start a new list without the continue parameter.");
    }

    private static KubeList Cut(string id, KeptList kept, int at, long limit)
    {
        var left = kept.Items.Count - at;
        var count = limit <= 0 ? left : (int)Math.Min(limit, left);
        var page = kept.Items.GetRange(at, count);
        return count == left
            ? new KubeList(kept.Version, page)
            : new KubeList(kept.Version, page, string.Create(CultureInfo.InvariantCulture, $"{id}.{at + count}"), left - count);
    }

    private sealed record KeptList(long Version, List<KubeObject> Items, DateTimeOffset Until);
}
