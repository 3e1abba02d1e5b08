using System.Text.Json.Nodes;

namespace Serval.ApiServer.Patches;

/// <summary>Removes keys of maps. Each removal moves what comes behind, so that many are one copy.</summary>
internal static class MapKeys
{
    private const int Few = 16;

    /// <summary>Removes those that are there.</summary>
    public static void Remove(JsonObject map, IReadOnlyCollection<string> keys)
    {
        if (keys.Count <= Few)
        {
            foreach (var key in keys)
            {
                map.Remove(key);
            }
            return;
        }
        var gone = keys.ToHashSet(StringComparer.Ordinal);
        var left = map.Where(p => !gone.Contains(p.Key)).ToList();
        map.Clear();
        foreach (var (key, value) in left)
        {
            map.Add(key, value);
        }
    }
}
