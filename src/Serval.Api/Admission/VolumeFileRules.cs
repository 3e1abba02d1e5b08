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
            if (source.Object("serviceAccountToken") is { } token)
            {
                Token(token, $"{at}.projected.sources[{i}].serviceAccountToken", to);
            }
        }
    }

    // validateProjectionSources
    private static void Token(JsonObject token, string at, Problems to)
    {
        if (token.Number("expirationSeconds") is < 600 or > 1L << 32)
        {
            var limit = token.Number("expirationSeconds") < 600 ? "less than 10 minutes" : "larger than 2^32 seconds";
            to.Invalid($"{at}.expirationSeconds", token.Number("expirationSeconds").ToString()!, $"may not specify a duration {limit}");
        }
        RelativePath(token, at, to);
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
        RelativePath(item, at, to);
    }

    private static void RelativePath(JsonObject item, string at, Problems to)
    {
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
