using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Serval.Api;

namespace Serval.ApiServer.Http;

/// <summary>
/// Objects of built-in kinds as <c>application/vnd.kubernetes.protobuf</c>, which <c>kubectl create</c> sends for them. A field this server
/// does not know is an error, so nothing is lost in silence.
/// </summary>
internal static class ProtobufDecoder
{
    public const string MediaType = "application/vnd.kubernetes.protobuf";

    private const int MaxDepth = 64;

    private static ReadOnlySpan<byte> Magic => "k8s\0"u8;

    /// <summary>The object's JSON tree.</summary>
    public static JsonObject Decode(ReadOnlySpan<byte> body)
    {
        if (!body.StartsWith(Magic))
        {
            throw ApiException.BadRequest("the body is not Kubernetes protobuf: it does not begin with its four magic bytes");
        }
        try
        {
            return Envelope(body[Magic.Length..]);
        }
        catch (Exception e) when (e is FormatException or JsonException)
        {
            throw ApiException.BadRequest($"the body is not readable protobuf: {e.Message}");
        }
    }

    private static JsonObject Envelope(ReadOnlySpan<byte> bytes)
    {
        var (apiVersion, kind) = ("", "");
        var raw = ReadOnlySpan<byte>.Empty;
        var reader = new ProtobufReader(bytes);
        while (reader.Next())
        {
            if (reader.Number == 1)
            {
                (apiVersion, kind) = Type(reader.Bytes);
            }
            else if (reader.Number == 2)
            {
                raw = reader.Bytes;
            }
        }
        var message = ProtobufField.Of($"{kind}@{apiVersion}") is null ? kind : $"{kind}@{apiVersion}";
        if (ProtobufField.Of(message) is null || !IsServed(apiVersion, kind))
        {
            throw Failures.UnsupportedProtobuf($"protobuf of {apiVersion} {kind}", "that kind as application/json only: set the client's contentType to it");
        }
        var tree = new JsonObject { ["apiVersion"] = apiVersion, ["kind"] = kind };
        Message(tree, message, raw, 0);
        return tree;
    }

    private static bool IsServed(string apiVersion, string kind) =>
        kind == "DeleteOptions" || (apiVersion, kind) == ("autoscaling/v1", "Scale") || (apiVersion, kind) == (PolicyKinds.EvictionVersion, PolicyKinds.Eviction)
        || (apiVersion, kind) == (Kinds.Binding.ApiVersion, Kinds.Binding.Kind) || Kinds.Find(apiVersion, kind) is { IsCustom: false } || AccessKinds.FindReview(apiVersion, kind) is not null;

    private static (string ApiVersion, string Kind) Type(ReadOnlySpan<byte> bytes)
    {
        var (apiVersion, kind) = ("", "");
        var reader = new ProtobufReader(bytes);
        while (reader.Next())
        {
            if (reader.Number == 1)
            {
                apiVersion = reader.Text;
            }
            else if (reader.Number == 2)
            {
                kind = reader.Text;
            }
        }
        return (apiVersion, kind);
    }

    private static void Message(JsonObject target, string message, ReadOnlySpan<byte> bytes, int depth)
    {
        if (depth > MaxDepth)
        {
            throw new FormatException("messages are nested too deeply");
        }
        var fields = ProtobufField.Of(message) ?? throw new FormatException($"unknown message {message}");
        var reader = new ProtobufReader(bytes);
        while (reader.Next())
        {
            var number = reader.Number;
            var field = fields.FirstOrDefault(f => f.Number == number)
                ?? throw Failures.UnsupportedProtobuf($"protobuf with an unknown field {number} in {message}", "application/json: set the client's contentType to it");
            Field(target, field, ref reader, depth);
        }
    }

    private static void Field(JsonObject target, ProtobufField field, ref ProtobufReader reader, int depth)
    {
        var scalar = field.Shape != FieldShape.Map && field.Type is ("b" or "i" or "d");
        if (reader.IsDelimited == scalar && field.Shape != FieldShape.List)
        {
            throw new FormatException($"field {field.Name} has the wrong wire type");
        }
        switch (field.Shape)
        {
            case FieldShape.Inline:
                Message(target, field.Type, reader.Bytes, depth + 1);
                break;
            case FieldShape.List when field.Type == "i" && reader.IsDelimited:
                var packed = target[field.Name] as JsonArray ?? Put(target, field.Name, new JsonArray());
                ProtobufReader.Packed(reader.Bytes).ForEach(i => packed.Add(i));
                break;
            case FieldShape.List when reader.IsDelimited != scalar:
                (target[field.Name] as JsonArray ?? Put(target, field.Name, new JsonArray())).Add(Value(field.Type, ref reader, depth));
                break;
            case FieldShape.List:
                throw new FormatException($"list {field.Name} has the wrong wire type");
            case FieldShape.Map:
                Entry(target.Below(field.Name), field.Type, reader.Bytes, depth);
                break;
            default:
                if (Value(field.Type, ref reader, depth) is { } value && (field.Shape == FieldShape.Optional || field.Type[0] == '|' || !IsZero(value)))
                {
                    target[field.Name] = value;
                }
                break;
        }
    }

    private static void Entry(JsonObject map, string type, ReadOnlySpan<byte> bytes, int depth)
    {
        var key = "";
        JsonNode? value = type is "s" or "y" ? JsonValue.Create("") : null;
        var reader = new ProtobufReader(bytes);
        while (reader.Next())
        {
            if (reader.Number == 1)
            {
                key = reader.Text;
            }
            else if (reader.IsDelimited)
            {
                value = Value(type, ref reader, depth);
            }
        }
        map[key] = value;
    }

    private static JsonNode? Value(string type, ref ProtobufReader reader, int depth)
    {
        switch (type)
        {
            case "s":
                return reader.Text;
            case "b":
                return reader.Integer != 0;
            case "i":
                return (long)reader.Integer;
            case "d":
                var number = BitConverter.UInt64BitsToDouble(reader.Integer);
                return double.IsFinite(number) ? number : throw new FormatException("a number is not finite");
            case "y":
                return Convert.ToBase64String(reader.Bytes);
            case "t":
                return Time(reader.Bytes, micro: false);
            case "u":
                return Time(reader.Bytes, micro: true);
            case "l":
                return Texts(reader.Bytes);
            case "q":
                return Part(reader.Bytes, 1) ?? "0";
            case "x":
                return IntegerOrText(reader.Bytes);
            case "r":
                return Part(reader.Bytes, 1) is { Length: > 0 } json ? CanonicalJson.Parse(json) : null;
            case ['|', ..]:
                return OneOf(type[1..], reader.Bytes, depth);
            default:
                var inner = new JsonObject();
                Message(inner, type, reader.Bytes, depth + 1);
                return inner;
        }
    }

    // A flag is written always, and means something where nothing else is set.
    private static JsonNode? OneOf(string message, ReadOnlySpan<byte> bytes, int depth)
    {
        var fields = new JsonObject();
        Message(fields, message, bytes, depth + 1);
        var set = fields.FirstOrDefault(f => f.Value is JsonArray).Key ?? fields.FirstOrDefault(f => f.Value is JsonObject).Key ?? fields.FirstOrDefault().Key;
        if (set is null)
        {
            return ProtobufField.Of(message)!.Any(f => f.Type == "b") ? JsonValue.Create(false) : null;
        }
        var value = fields[set];
        fields.Remove(set); // not a copy: it may be the largest part of the body
        return value;
    }

    // Go writes fields that are not pointers also when they are unset; in JSON it leaves them out.
    private static bool IsZero(JsonNode value) => value is JsonValue scalar
        && (scalar.TryGetValue<string>(out var text) ? text.Length == 0
            : scalar.TryGetValue<bool>(out var flag) ? !flag
            : scalar.TryGetValue<long>(out var number) && number == 0);

    private static JsonValue? Time(ReadOnlySpan<byte> bytes, bool micro)
    {
        if (bytes.IsEmpty)
        {
            return null;
        }
        var (seconds, nanos) = (0L, 0L);
        var reader = new ProtobufReader(bytes);
        while (reader.Next())
        {
            (seconds, nanos) = reader.Number == 1 ? ((long)reader.Integer, nanos) : (seconds, (long)reader.Integer);
        }
        if (seconds is < -62135596800 or > 253402300799)
        {
            throw new FormatException("a time is out of range");
        }
        var time = DateTimeOffset.FromUnixTimeSeconds(seconds).AddTicks(nanos / 100);
        return JsonValue.Create(time.ToString(nanos == 0 && !micro ? "yyyy-MM-dd'T'HH:mm:ss'Z'" : "yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture));
    }

    private static string? Part(ReadOnlySpan<byte> bytes, int number)
    {
        var reader = new ProtobufReader(bytes);
        while (reader.Next())
        {
            if (reader.Number == number)
            {
                return reader.Text;
            }
        }
        return null;
    }

    private static JsonArray Texts(ReadOnlySpan<byte> bytes)
    {
        var texts = new JsonArray();
        var reader = new ProtobufReader(bytes);
        while (reader.Next())
        {
            texts.Add(reader.Text);
        }
        return texts;
    }

    private static JsonValue IntegerOrText(ReadOnlySpan<byte> bytes)
    {
        var (type, number, text) = (0UL, 0L, "");
        var reader = new ProtobufReader(bytes);
        while (reader.Next())
        {
            switch (reader.Number)
            {
                case 1:
                    type = reader.Integer;
                    break;
                case 2:
                    number = (int)reader.Integer;
                    break;
                default:
                    text = reader.Text;
                    break;
            }
        }
        return type == 1 ? JsonValue.Create(text) : JsonValue.Create(number);
    }

    private static JsonArray Put(JsonObject target, string name, JsonArray list)
    {
        target[name] = list;
        return list;
    }
}
