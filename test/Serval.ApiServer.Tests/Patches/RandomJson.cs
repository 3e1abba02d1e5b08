using System.Text.Json.Nodes;

namespace Serval.ApiServer.Tests.Patches;

/// <summary>Small random documents whose keys collide often.</summary>
internal static class RandomJson
{
    private static readonly string[] s_keys = ["a", "b", "c", "d/e", "f~g", ""];

    public static JsonObject Object(Random random, int depth, bool nulls = true)
    {
        var result = new JsonObject();
        for (var i = random.Next(4); i > 0; i--)
        {
            result[s_keys[random.Next(s_keys.Length)]] = Value(random, depth - 1, nulls);
        }
        return result;
    }

    private static JsonNode? Value(Random random, int depth, bool nulls) => random.Next(depth > 0 ? 8 : 4) switch
    {
        0 => nulls ? null : JsonValue.Create(false),
        1 => random.Next(3),
        2 => $"{random.Next(3)}",
        3 => true,
        4 => new JsonArray([.. Enumerable.Range(0, random.Next(3)).Select(_ => Value(random, depth - 1, nulls))]),
        _ => Object(random, depth, nulls),
    };
}
