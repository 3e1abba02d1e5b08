using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace Serval.Api;

/// <summary>
/// Labels or annotations: one array of keys and values in key order. An object has a handful; a hash table would be several times their size.
/// </summary>
internal sealed class StringMap : IReadOnlyDictionary<string, string>
{
    public static readonly StringMap Empty = new([]);

    private readonly string[] _pairs;

    private StringMap(string[] pairs) => _pairs = pairs;

    public int Count => _pairs.Length / 2;

    public IEnumerable<string> Keys => this.Select(p => p.Key);

    public IEnumerable<string> Values => this.Select(p => p.Value);

    public string this[string key] => TryGetValue(key, out var value) ? value : throw new KeyNotFoundException($"there is no key {key}");

    public bool ContainsKey(string key) => TryGetValue(key, out _);

    public bool TryGetValue(string key, [MaybeNullWhen(false)] out string value)
    {
        var (low, high) = (0, Count - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var order = string.CompareOrdinal(_pairs[2 * middle], key);
            if (order == 0)
            {
                value = _pairs[(2 * middle) + 1];
                return true;
            }
            (low, high) = order < 0 ? (middle + 1, high) : (low, middle - 1);
        }
        value = null;
        return false;
    }

    public IEnumerator<KeyValuePair<string, string>> GetEnumerator()
    {
        for (var i = 0; i < _pairs.Length; i += 2)
        {
            yield return new KeyValuePair<string, string>(_pairs[i], _pairs[i + 1]);
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private static StringMap Of(List<string> pairs)
    {
        for (var i = 2; i < pairs.Count; i += 2)
        {
            if (string.CompareOrdinal(pairs[i - 2], pairs[i]) >= 0)
            {
                return Sorted(pairs);
            }
        }
        return pairs.Count == 0 ? Empty : new StringMap([.. pairs]);
    }

    /// <summary>Text that was not canonical: in order, and of a repeated key the last value.</summary>
    private static StringMap Sorted(List<string> pairs)
    {
        var last = new SortedDictionary<string, string>(StringComparer.Ordinal);
        for (var i = 0; i < pairs.Count; i += 2)
        {
            last[pairs[i]] = pairs[i + 1];
        }
        return new StringMap([.. last.SelectMany(p => new[] { p.Key, p.Value })]);
    }

    [ThreadStatic]
    private static List<string>? s_pairs;

    /// <summary>Reads a JSON object of strings; a null value reads as empty.</summary>
    public static StringMap Read(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw new JsonException("expected an object of strings");
        }
        var pairs = s_pairs ??= [];
        pairs.Clear();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var key = PooledStrings.Read(ref reader)!;
            reader.Read();
            if (reader.TokenType is not (JsonTokenType.String or JsonTokenType.Null))
            {
                throw new JsonException($"the value of {key} is not a string");
            }
            pairs.Add(key);
            pairs.Add(PooledStrings.Read(ref reader) ?? "");
        }
        return Of(pairs);
    }
}
