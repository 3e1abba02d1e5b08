using System.Text.Json;
using System.Text.Json.Serialization;

namespace Serval.Api;

/// <summary>Reads metadata by hand: every write of an object does it, and a source-generated contract takes several times as long for a type of init-only properties.</summary>
internal sealed class ObjectMetaReader : JsonConverter<ObjectMeta>
{
    private const string OwnersPath = "$.metadata.ownerReferences";

    public override ObjectMeta Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => Read(ref reader);

    public override void Write(Utf8JsonWriter writer, ObjectMeta value, JsonSerializerOptions options) =>
        throw new NotSupportedException("views are only read");

    /// <summary>The value of the property the reader is at; null for null.</summary>
    public static ObjectMeta? Next(ref Utf8JsonReader reader) => IsNull(ref reader) ? null : Read(ref reader);

    /// <summary>The text of the property the reader is at, shared with other objects; null for null.</summary>
    public static string? Pooled(ref Utf8JsonReader reader, string path) => IsNull(ref reader) ? null
        : reader.TokenType == JsonTokenType.String ? PooledStrings.Read(ref reader) : throw Wrong(ref reader, path, "a string");

    private static ObjectMeta Read(ref Utf8JsonReader reader)
    {
        string? name = null, generateName = null, ns = null, uid = null, version = null;
        long? generation = null, grace = null;
        DateTimeOffset? created = null, deleted = null;
        StringMap? labels = null, annotations = null;
        IReadOnlyList<string>? finalizers = null;
        IReadOnlyList<OwnerReference>? owners = null;
        RequireObject(ref reader, "$.metadata");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("name"u8))
            {
                name = Pooled(ref reader, "$.metadata.name");
            }
            else if (reader.ValueTextEquals("namespace"u8))
            {
                ns = Pooled(ref reader, "$.metadata.namespace");
            }
            else if (reader.ValueTextEquals("uid"u8))
            {
                uid = Pooled(ref reader, "$.metadata.uid");
            }
            else if (reader.ValueTextEquals("resourceVersion"u8))
            {
                version = Text(ref reader, "$.metadata.resourceVersion");
            }
            else if (reader.ValueTextEquals("generation"u8))
            {
                generation = Number(ref reader, "$.metadata.generation");
            }
            else if (reader.ValueTextEquals("creationTimestamp"u8))
            {
                created = Time(ref reader, "$.metadata.creationTimestamp");
            }
            else if (reader.ValueTextEquals("labels"u8))
            {
                labels = IsNull(ref reader) ? null : StringMap.Read(ref reader);
            }
            else if (reader.ValueTextEquals("annotations"u8))
            {
                annotations = IsNull(ref reader) ? null : StringMap.Read(ref reader);
            }
            else if (reader.ValueTextEquals("ownerReferences"u8))
            {
                owners = List(ref reader, OwnersPath, static (ref Utf8JsonReader r) => Owner(ref r));
            }
            else if (reader.ValueTextEquals("finalizers"u8))
            {
                finalizers = List(ref reader, "$.metadata.finalizers", static (ref Utf8JsonReader r) => r.TokenType == JsonTokenType.String ? PooledStrings.Read(ref r)! : throw Wrong(ref r, "$.metadata.finalizers", "a string"));
            }
            else if (reader.ValueTextEquals("deletionTimestamp"u8))
            {
                deleted = Time(ref reader, "$.metadata.deletionTimestamp");
            }
            else if (reader.ValueTextEquals("deletionGracePeriodSeconds"u8))
            {
                grace = Number(ref reader, "$.metadata.deletionGracePeriodSeconds");
            }
            else if (reader.ValueTextEquals("generateName"u8))
            {
                generateName = Text(ref reader, "$.metadata.generateName");
            }
            else
            {
                reader.Skip();
            }
        }
        return new ObjectMeta
        {
            Name = name!, GenerateName = generateName!, Namespace = ns!, Uid = uid!, ResourceVersion = version!, Generation = generation ?? 0,
            CreationTimestamp = created, DeletionTimestamp = deleted, DeletionGracePeriodSeconds = grace,
            Labels = labels!, Annotations = annotations!, Finalizers = finalizers!, OwnerReferences = owners!,
        };
    }

    private static OwnerReference Owner(ref Utf8JsonReader reader)
    {
        string? apiVersion = null, kind = null, name = null, uid = null;
        bool? controller = null, blocks = null;
        RequireObject(ref reader, OwnersPath);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("apiVersion"u8))
            {
                apiVersion = Pooled(ref reader, OwnersPath);
            }
            else if (reader.ValueTextEquals("kind"u8))
            {
                kind = Pooled(ref reader, OwnersPath);
            }
            else if (reader.ValueTextEquals("name"u8))
            {
                name = Pooled(ref reader, OwnersPath);
            }
            else if (reader.ValueTextEquals("uid"u8))
            {
                uid = Pooled(ref reader, OwnersPath);
            }
            else if (reader.ValueTextEquals("controller"u8))
            {
                controller = Flag(ref reader, OwnersPath);
            }
            else if (reader.ValueTextEquals("blockOwnerDeletion"u8))
            {
                blocks = Flag(ref reader, OwnersPath);
            }
            else
            {
                reader.Skip();
            }
        }
        return new OwnerReference { ApiVersion = apiVersion!, Kind = kind!, Name = name!, Uid = uid!, Controller = controller, BlockOwnerDeletion = blocks };
    }

    private delegate T ItemReader<T>(ref Utf8JsonReader reader);

    private static IReadOnlyList<T>? List<T>(ref Utf8JsonReader reader, string path, ItemReader<T> item)
    {
        if (IsNull(ref reader))
        {
            return null;
        }
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            throw Wrong(ref reader, path, "a list");
        }
        var items = new List<T>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            items.Add(item(ref reader));
        }
        return items.ToArray();
    }

    /// <summary>Goes to the property's value, and tells whether that is null.</summary>
    private static bool IsNull(ref Utf8JsonReader reader)
    {
        reader.Read();
        return reader.TokenType == JsonTokenType.Null;
    }

    private static string? Text(ref Utf8JsonReader reader, string path) =>
        IsNull(ref reader) ? null : reader.TokenType == JsonTokenType.String ? reader.GetString() : throw Wrong(ref reader, path, "a string");

    private static long? Number(ref Utf8JsonReader reader, string path) =>
        IsNull(ref reader) ? null : reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var number) ? number : throw Wrong(ref reader, path, "a whole number");

    private static DateTimeOffset? Time(ref Utf8JsonReader reader, string path) =>
        IsNull(ref reader) ? null : reader.TokenType == JsonTokenType.String && reader.TryGetDateTimeOffset(out var time) ? time : throw Wrong(ref reader, path, "a time");

    private static bool? Flag(ref Utf8JsonReader reader, string path) =>
        IsNull(ref reader) ? null : reader.TokenType is JsonTokenType.True or JsonTokenType.False ? reader.GetBoolean() : throw Wrong(ref reader, path, "true or false");

    private static void RequireObject(ref Utf8JsonReader reader, string path)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw Wrong(ref reader, path, "an object");
        }
    }

    private static JsonException Wrong(ref Utf8JsonReader reader, string path, string expected) =>
        new($"{path[2..]} has {reader.TokenType} at byte {reader.TokenStartIndex}: {expected} was expected", path, lineNumber: null, bytePositionInLine: null);
}
