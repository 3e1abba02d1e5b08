using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Serval.Api;

namespace Serval.Kube.Remote;

/// <summary>Objects and lists as servers send them. They are made canonical here, once: other servers order keys as they like.</summary>
internal static class WireObjects
{
    public static KubeObject Object(ReadOnlyMemory<byte> json)
    {
        try
        {
            return KubeObject.Parse(json);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw NotAnObject(e);
        }
    }

    /// <summary>A page of a kind. Items of upstream's lists say neither apiVersion nor kind: they are filled in.</summary>
    public static KubeList List(ResourceKind kind, ReadOnlyMemory<byte> json)
    {
        var items = new List<KubeObject>();
        JsonObject meta = [];
        try
        {
            foreach (var (name, value) in Members(json))
            {
                switch (name)
                {
                    case "metadata":
                        meta = JsonNode.Parse(value.Span) as JsonObject ?? [];
                        break;
                    case "items":
                        items.AddRange(Elements(value).Select(item => Filled(kind, KubeObject.Parse(item))));
                        break;
                    default:
                        break;
                }
            }
            return new KubeList(
                long.Parse((string?)meta["resourceVersion"] ?? "0", CultureInfo.InvariantCulture), items, (string?)meta["continue"] ?? "", (long?)meta["remainingItemCount"]);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw NotAnObject(e);
        }
    }

    /// <summary>One change of a watch.</summary>
    /// <exception cref="ApiException">It is an ERROR, or no change at all.</exception>
    public static WatchEvent Change(ReadOnlyMemory<byte> frame)
    {
        try
        {
            var (type, obj) = ("", ReadOnlyMemory<byte>.Empty);
            foreach (var (name, value) in Members(frame))
            {
                type = name == "type" ? JsonNode.Parse(value.Span)!.GetValue<string>() : type;
                obj = name == "object" ? value : obj;
            }
            return type switch
            {
                "ADDED" => new WatchEvent(WatchEventType.Added, KubeObject.Parse(obj)),
                "MODIFIED" => new WatchEvent(WatchEventType.Modified, KubeObject.Parse(obj)),
                "DELETED" => new WatchEvent(WatchEventType.Deleted, KubeObject.Parse(obj)),
                "BOOKMARK" => new WatchEvent(WatchEventType.Bookmark, KubeObject.Parse(obj)),
                "ERROR" when JsonNode.Parse(obj.Span) is JsonObject status => throw StatusErrors.FromStatus(status, 500),
                _ => throw new JsonException($"\"{type}\" is no type of a change"),
            };
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw NotAnObject(e);
        }
    }

    private static KubeObject Filled(ResourceKind kind, KubeObject item) => item.Kind.Length > 0 && item.ApiVersion.Length > 0
        ? item
        : item.With(tree => (tree["apiVersion"], tree["kind"]) = (kind.ApiVersion, kind.Kind));

    private static IEnumerable<(string Name, ReadOnlyMemory<byte> Value)> Members(ReadOnlyMemory<byte> json)
    {
        var members = new List<(string Name, ReadOnlyMemory<byte> Value)>();
        var reader = CanonicalJson.Tokens(json.Span);
        Expect(ref reader, JsonTokenType.StartObject);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            members.Add((name, Value(json, ref reader)));
        }
        return members;
    }

    private static List<ReadOnlyMemory<byte>> Elements(ReadOnlyMemory<byte> json)
    {
        var elements = new List<ReadOnlyMemory<byte>>();
        if (json.Span is [(byte)'n', ..])
        {
            return elements; // null is an empty list
        }
        var reader = CanonicalJson.Tokens(json.Span);
        Expect(ref reader, JsonTokenType.StartArray);
        while (true)
        {
            var next = reader;
            if (!next.Read() || next.TokenType == JsonTokenType.EndArray)
            {
                return elements;
            }
            elements.Add(Value(json, ref reader));
        }
    }

    // The bytes of the value that is read next.
    private static ReadOnlyMemory<byte> Value(ReadOnlyMemory<byte> json, ref Utf8JsonReader reader)
    {
        reader.Read();
        var start = (int)reader.TokenStartIndex;
        reader.Skip();
        return json[start..(int)reader.BytesConsumed];
    }

    private static void Expect(ref Utf8JsonReader reader, JsonTokenType type)
    {
        if (!reader.Read() || reader.TokenType != type)
        {
            throw new JsonException($"expected {type}, found {reader.TokenType}");
        }
    }

    private static ApiException NotAnObject(Exception e) =>
        new(502, "InternalError", $"the server's answer is no object of Kubernetes: {e.Message}");
}
