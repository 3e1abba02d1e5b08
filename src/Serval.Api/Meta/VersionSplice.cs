using System.Text;
using System.Text.Json;

namespace Serval.Api;

/// <summary>Exchanges <c>metadata.resourceVersion</c> in canonical bytes: the store does it once per write, on its one writer thread.</summary>
internal static class VersionSplice
{
    private static ReadOnlySpan<byte> Name => "resourceVersion"u8;

    /// <summary>The new bytes, still canonical; null when the object has no metadata object.</summary>
    public static byte[]? Replace(byte[] canonical, string version)
    {
        var reader = CanonicalJson.Tokens(canonical);
        var inMetadata = false;
        var empty = true;
        while (reader.Read())
        {
            if (!inMetadata)
            {
                if (reader.TokenType != JsonTokenType.PropertyName || reader.CurrentDepth != 1)
                {
                    continue;
                }
                inMetadata = reader.ValueTextEquals("metadata"u8);
                if (!reader.Read() || (inMetadata && reader.TokenType != JsonTokenType.StartObject))
                {
                    return null;
                }
                if (!inMetadata)
                {
                    reader.Skip();
                }
                continue;
            }
            var at = (int)reader.TokenStartIndex;
            if (reader.TokenType == JsonTokenType.EndObject)
            {
                return Splice(canonical, at, at, (empty ? "" : ",") + $"\"resourceVersion\":\"{version}\"");
            }
            var order = reader.ValueSpan.SequenceCompareTo(Name);
            if (order == 0)
            {
                reader.Read();
                return reader.TokenType == JsonTokenType.String
                    ? Splice(canonical, (int)reader.TokenStartIndex, (int)reader.BytesConsumed, $"\"{version}\"")
                    : null;
            }
            if (order > 0)
            {
                return Splice(canonical, at, at, $"\"resourceVersion\":\"{version}\",");
            }
            empty = false;
            reader.Read();
            reader.Skip();
        }
        return null;
    }

    private static byte[] Splice(byte[] source, int from, int to, string text)
    {
        var result = new byte[source.Length - (to - from) + text.Length];
        source.AsSpan(0, from).CopyTo(result);
        Encoding.ASCII.GetBytes(text, result.AsSpan(from));
        source.AsSpan(to).CopyTo(result.AsSpan(from + text.Length));
        return result;
    }
}
