using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Serval.Api;

/// <summary>
/// The one byte form of a JSON value: UTF-8, no white space, object keys in ordinal order at every level, numbers as they were written.
/// Equal values have equal bytes, so a controller can skip a write by comparing them. (Same order as Go's encoding of unstructured maps.)
/// </summary>
public static class CanonicalJson
{
    private static readonly JsonWriterOptions s_writer = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    /// <summary>How deep an object that comes in may nest: definitions of resources that hold a pod template need some eighty.</summary>
    public const int MaxDepth = 128;

    /// <summary>How deep what the server made of such objects may nest: their field sets, lists, tables, frames and type descriptions.</summary>
    public const int MaxWrappedDepth = 2 * MaxDepth;

    /// <summary>How objects that come in are read.</summary>
    public static readonly JsonDocumentOptions Reader = new() { MaxDepth = MaxDepth };

    private static readonly JsonDocumentOptions s_wrapped = new() { MaxDepth = MaxWrappedDepth };
    private static readonly JsonReaderOptions s_tokens = new() { MaxDepth = MaxWrappedDepth };

    /// <summary>Rewrites JSON text in canonical form. Throws <see cref="JsonException"/> when it is not JSON.</summary>
    public static byte[] Rewrite(ReadOnlyMemory<byte> utf8)
    {
        using var document = JsonDocument.Parse(utf8, Reader);
        return Serialize(document.RootElement);
    }

    /// <summary>A tree of JSON text, as deep as the server writes it. Throws <see cref="JsonException"/> when it is not JSON.</summary>
    public static JsonNode? Parse(ReadOnlySpan<byte> utf8) => JsonNode.Parse(utf8, documentOptions: s_wrapped);

    /// <inheritdoc cref="Parse(ReadOnlySpan{byte})"/>
    public static JsonNode? Parse(string text) => JsonNode.Parse(text, documentOptions: s_wrapped);

    /// <summary>A document as deep as the server writes it. Throws <see cref="JsonException"/> when it is not JSON.</summary>
    public static JsonDocument Document(ReadOnlyMemory<byte> utf8) => JsonDocument.Parse(utf8, s_wrapped);

    /// <summary>The tokens of JSON text as deep as the server writes it.</summary>
    public static Utf8JsonReader Tokens(ReadOnlySpan<byte> utf8) => new(utf8, s_tokens);

    /// <summary>The canonical bytes of an element.</summary>
    public static byte[] Serialize(JsonElement element)
    {
        var scratch = Scratch.Take();
        Write(scratch.Writer, element);
        return scratch.Finish();
    }

    /// <summary>The canonical bytes of a node.</summary>
    public static byte[] Serialize(JsonNode? node)
    {
        var scratch = Scratch.Take();
        Write(scratch.Writer, node);
        return scratch.Finish();
    }

    /// <summary>The bytes <paramref name="write"/> writes. It must write them canonical: keys in ordinal order, each once.</summary>
    public static byte[] Serialize(Action<Utf8JsonWriter> write)
    {
        var scratch = Scratch.Take();
        write(scratch.Writer);
        return scratch.Finish();
    }

    private static void Write(Utf8JsonWriter writer, JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                writer.WriteStartObject();
                foreach (var property in InOrder(element))
                {
                    writer.WritePropertyName(property.Name);
                    Write(writer, property.Value);
                }
                writer.WriteEndObject();
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (var item in element.EnumerateArray())
                {
                    Write(writer, item);
                }
                writer.WriteEndArray();
                break;
            default:
                element.WriteTo(writer);
                break;
        }
    }

    private static void Write(Utf8JsonWriter writer, JsonNode? node)
    {
        switch (node)
        {
            case null:
                writer.WriteNullValue();
                break;
            case JsonObject map:
                writer.WriteStartObject();
                WriteMembers(writer, map);
                writer.WriteEndObject();
                break;
            case JsonArray list:
                writer.WriteStartArray();
                foreach (var item in list)
                {
                    Write(writer, item);
                }
                writer.WriteEndArray();
                break;
            default:
                node.WriteTo(writer);
                break;
        }
    }

    /// <summary>What was canonical before mostly still is: the common case sorts and allocates nothing.</summary>
    private static void WriteMembers(Utf8JsonWriter writer, JsonObject map)
    {
        string? before = null;
        foreach (var (key, _) in map)
        {
            if (before is not null && string.CompareOrdinal(before, key) > 0)
            {
                WriteSorted(writer, map);
                return;
            }
            before = key;
        }
        foreach (var (key, value) in map)
        {
            writer.WritePropertyName(key);
            Write(writer, value);
        }
    }

    private static void WriteSorted(Utf8JsonWriter writer, JsonObject map)
    {
        var members = ArrayPool<KeyValuePair<string, JsonNode?>>.Shared.Rent(map.Count);
        ((ICollection<KeyValuePair<string, JsonNode?>>)map).CopyTo(members, 0);
        members.AsSpan(0, map.Count).Sort(static (a, b) => string.CompareOrdinal(a.Key, b.Key));
        foreach (var (key, value) in members.AsSpan(0, map.Count))
        {
            writer.WritePropertyName(key);
            Write(writer, value);
        }
        ArrayPool<KeyValuePair<string, JsonNode?>>.Shared.Return(members, clearArray: true);
    }

    private static IEnumerable<JsonProperty> InOrder(JsonElement element)
    {
        string? before = null;
        foreach (var property in element.EnumerateObject())
        {
            if (before is not null && string.CompareOrdinal(before, property.Name) > 0)
            {
                return element.EnumerateObject().OrderBy(p => p.Name, StringComparer.Ordinal);
            }
            before = property.Name;
        }
        return element.EnumerateObject();
    }

    /// <summary>A writer and its buffer, kept by the thread from one value to the next unless a large one made it grow. What throws half-way loses it.</summary>
    private sealed class Scratch
    {
        private const int MostKept = 32 * 1024;

        [ThreadStatic]
        private static Scratch? s_idle;

        private readonly ArrayBufferWriter<byte> _buffer = new(1024);

        private Scratch() => Writer = new Utf8JsonWriter(_buffer, s_writer);

        public Utf8JsonWriter Writer { get; }

        public static Scratch Take()
        {
            var scratch = s_idle ?? new Scratch();
            s_idle = null; // what is written may itself call for another
            return scratch;
        }

        public byte[] Finish()
        {
            Writer.Flush();
            var result = _buffer.WrittenSpan.ToArray();
            if (_buffer.Capacity <= MostKept)
            {
                _buffer.ResetWrittenCount();
                Writer.Reset();
                s_idle = this;
            }
            return result;
        }
    }
}
