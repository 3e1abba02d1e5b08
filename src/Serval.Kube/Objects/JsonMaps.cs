using System.Text.Json.Nodes;

namespace Serval.Kube;

/// <summary>Label and annotation maps as controllers build them.</summary>
public static class JsonMaps
{
    /// <summary>A JSON object with the map's entries that <paramref name="keep"/> accepts.</summary>
    public static JsonObject ToJson(IEnumerable<KeyValuePair<string, string>> map, Func<string, bool>? keep = null)
    {
        var json = new JsonObject();
        foreach (var (key, value) in map)
        {
            if (keep is null || keep(key))
            {
                json[key] = value;
            }
        }
        return json;
    }
}
