using System.Text;
using System.Text.Json;

namespace Serval.Api;

/// <summary>
/// Label keys, kinds, names and uids repeat over thousands of objects in memory. Reading them through this small, lossy table shares the
/// strings; a slot that another string took only costs a new string.
/// </summary>
internal static class PooledStrings
{
    private const int Slots = 8192;
    private const int Longest = 96;

    private static readonly string?[] s_slots = new string?[Slots]; // racy by design: every value in it is a right one

    public static string? Read(ref Utf8JsonReader reader)
    {
        if (reader.TokenType == JsonTokenType.Null)
        {
            return null;
        }
        if (reader.HasValueSequence || reader.ValueIsEscaped || reader.ValueSpan.Length is 0 or > Longest
            || reader.TokenType is not (JsonTokenType.String or JsonTokenType.PropertyName))
        {
            return reader.GetString();
        }
        var utf8 = reader.ValueSpan;
        var hash = default(HashCode);
        hash.AddBytes(utf8);
        ref var slot = ref s_slots[(uint)hash.ToHashCode() % Slots];
        var pooled = slot;
        if (pooled is not null && Ascii.Equals(utf8, pooled))
        {
            return pooled;
        }
        var fresh = reader.GetString();
        slot = fresh;
        return fresh;
    }
}
