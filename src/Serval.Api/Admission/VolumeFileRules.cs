using System.Text.Json.Nodes;

namespace Serval.Api.Admission;

/// <summary>
/// Where the files of a volume may lie: below it (Kubernetes pkg/apis/core/validation: validateKeyToPath, validateLocalNonReservedPath).
/// </summary>
internal static class VolumeFileRules
{
    public static void Check(JsonObject volume, string at, Problems to)
    {
        Sources(volume, at, to);
        foreach (var (i, source) in volume.Object("projected").Objects("sources"))
        {
            Sources(source, $"{at}.projected.sources[{i}]", to);
        }
    }

    private static void Sources(JsonObject owner, string at, Problems to)
    {
        foreach (var source in new[] { "configMap", "secret", "downwardAPI" })
        {
            foreach (var (i, item) in owner.Object(source).Objects("items"))
            {
                Item(item, $"{at}.{source}.items[{i}]", keyed: source != "downwardAPI", to);
            }
        }
    }

    private static void Item(JsonObject item, string at, bool keyed, Problems to)
    {
        if (keyed)
        {
            to.Need(item, "key", at);
        }
        if (item.Number("mode") is < 0 or > 0x1FF)
        {
            to.Invalid($"{at}.mode", item.Number("mode").ToString()!, "must be a number between 0 and 0777 (octal), both inclusive");
        }
        var path = item.String("path");
        if (path.Length == 0)
        {
            to.Required($"{at}.path");
        }
        else if (path[0] == '/')
        {
            to.InvalidText($"{at}.path", path, "must be a relative path");
        }
        else if (path.Split('/').Contains("..", StringComparer.Ordinal))
        {
            to.InvalidText($"{at}.path", path, "must not contain '..'");
        }
        else if (path.StartsWith("..", StringComparison.Ordinal))
        {
            to.InvalidText($"{at}.path", path, "must not start with '..'");
        }
    }
}
