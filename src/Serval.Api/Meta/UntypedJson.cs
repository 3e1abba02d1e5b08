using System.Buffers;
using System.Text.Json;

namespace Serval.Api;

/// <summary>Objects as a list of a built-in kind shows them: the list says once what they are (apiserver: items are encoded without their kind).</summary>
public static class UntypedJson
{
    /// <summary>Writes the object without <c>apiVersion</c> and <c>kind</c>.</summary>
    public static void Write(KubeObject obj, IBufferWriter<byte> output)
    {
        var json = obj.Json.Span;
        var reader = CanonicalJson.Tokens(json);
        reader.Read();
        var done = 0;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var start = (int)reader.TokenStartIndex;
            var (isVersion, isKind) = (reader.ValueTextEquals("apiVersion"u8), reader.ValueTextEquals("kind"u8));
            reader.Read();
            reader.Skip();
            if (isVersion || isKind)
            {
                output.Write(json[done..start]);
                done = (int)reader.BytesConsumed;
                done += json[done] == (byte)',' ? 1 : 0; // never the last: metadata comes after
            }
            if (isKind)
            {
                break; // members are in order
            }
        }
        output.Write(json[done..]);
    }
}
