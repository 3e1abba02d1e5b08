using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Serval.ApiServer.Tests;

/// <summary>Spoils a JSON body in ways a client can: wrong types, repeated keys, strange text, too deep, cut off.</summary>
internal sealed class BodyMutator(Random random)
{
    private static readonly JsonSerializerOptions s_plain = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping, MaxDepth = 2000 };

    private const string HalfPair = "half of a pair";

    private static readonly string[] s_odd =
    [
        "null", "true", "-1", "1.5", "5", "1e400", "\"\"", "\"text\"", "[]", "[null]", "{}", "{\"a\":null}", "[5]", "[[1]]", "99999999999999999999", "\"1e99999\"",
        "\"99999999999999999999999999.5\"", "\"-0.0000000001n\"", "\"9999-99-99T99:99:99Z\"", "1e99999999999", $"\"{HalfPair}\"", $"{{\"{HalfPair}\":1}}", "\"\\u0000\"",
    ];

    private static readonly string[] s_names =
        ["$patch", "$retainKeys", "$setElementOrder/containers", "$deleteFromPrimitiveList/finalizers", "", "\u0000", "metadata", "resourceVersion", "uid", "namespace", "deletionTimestamp"];

    /// <summary>A spoiled copy.</summary>
    public byte[] Spoil(string body)
    {
        var bytes = Encoding.UTF8.GetBytes(SpoilText(body).Replace(HalfPair, "\\ud800", StringComparison.Ordinal));
        if (bytes.Length > 0 && random.Next(20) == 0)
        {
            bytes[random.Next(bytes.Length)] = 0xFE; // in no UTF-8
        }
        return bytes;
    }

    private string SpoilText(string body)
    {
        var tree = JsonNode.Parse(body)!;
        for (var i = random.Next(1, 3); i > 0; i--)
        {
            Exchange(tree);
        }
        var text = tree.ToJsonString(s_plain);
        return random.Next(6) switch
        {
            0 => RepeatAKey(text),
            1 => Disturb(text),
            2 => random.Next(4) == 0 ? Deepen(text) : text,
            _ => text,
        };
    }

    private void Exchange(JsonNode tree)
    {
        var places = new List<(JsonNode Owner, object Key)>();
        Collect(tree, places);
        if (places.Count == 0)
        {
            return;
        }
        var (owner, key) = places[random.Next(places.Count)];
        var odd = JsonNode.Parse(s_odd[random.Next(s_odd.Length)]);
        if (key is int index)
        {
            ((JsonArray)owner)[index] = odd;
        }
        else if (random.Next(4) == 0)
        {
            owner[s_names[random.Next(s_names.Length)]] = odd;
        }
        else
        {
            owner[(string)key] = odd;
        }
    }

    private static void Collect(JsonNode? node, List<(JsonNode, object)> places)
    {
        switch (node)
        {
            case JsonObject map:
                foreach (var (key, value) in map)
                {
                    places.Add((map, key));
                    Collect(value, places);
                }
                break;
            case JsonArray list:
                for (var i = 0; i < list.Count; i++)
                {
                    places.Add((list, i));
                    Collect(list[i], places);
                }
                break;
        }
    }

    private string RepeatAKey(string text)
    {
        var keys = new List<int>();
        for (var at = text.IndexOf("\":", StringComparison.Ordinal); at >= 0; at = text.IndexOf("\":", at + 2, StringComparison.Ordinal))
        {
            keys.Add(at);
        }
        if (keys.Count == 0)
        {
            return text;
        }
        var end = keys[random.Next(keys.Count)];
        var start = text.LastIndexOf('"', Math.Max(0, end - 1));
        return start < 0 ? text : text.Insert(start, $"{text[start..(end + 2)]}{s_odd[random.Next(s_odd.Length)]},");
    }

    private string Disturb(string text)
    {
        var at = random.Next(text.Length);
        return random.Next(3) switch
        {
            0 => text[..at],
            1 => text.Insert(at, "\\ud834"),
            _ => new StringBuilder(text) { [at] = "\u0001{}[]:,\"\\x0"[random.Next(11)] }.ToString(),
        };
    }

    private string Deepen(string text)
    {
        var depth = random.Next(60, 1200);
        var at = text.IndexOf('{', StringComparison.Ordinal);
        return at < 0 ? text : text.Insert(at + 1, $"\"deep\":{string.Concat(Enumerable.Repeat("{\"a\":[", depth))}{string.Concat(Enumerable.Repeat("]}", depth))},");
    }
}
