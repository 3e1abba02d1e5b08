using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

namespace Serval.Api;

/// <summary>A typed, read-only view of a <see cref="KubeObject"/>: a sealed record read by a source-generated contract.</summary>
/// <typeparam name="TSelf">The view itself.</typeparam>
public interface IKubeView<TSelf>
    where TSelf : class
{
    /// <summary>The source-generated JSON contract of the view.</summary>
    static abstract JsonTypeInfo<TSelf> JsonType { get; }
}

/// <summary>
/// One API object: its canonical UTF-8 JSON (see <see cref="CanonicalJson"/>) is the truth; metadata is parsed, the body is read on demand.
/// Immutable and safe to share between threads.
/// </summary>
public sealed class KubeObject
{
    private readonly byte[] _json;
    private WeakReference<object>? _view; // last typed view; a lost race only parses twice

    private KubeObject(byte[] canonical, string apiVersion, string kind, ObjectMeta metadata)
    {
        _json = canonical;
        ApiVersion = apiVersion;
        Kind = kind;
        Metadata = metadata;
    }

    /// <summary>Canonical UTF-8 JSON of the whole object.</summary>
    public ReadOnlyMemory<byte> Json => _json;

    public string ApiVersion { get; }

    public string Kind { get; }

    public ObjectMeta Metadata { get; }

    public ObjectKey Key => new(Metadata.Namespace, Metadata.Name);

    /// <summary>resourceVersion as a number; 0 before the first write.</summary>
    public long Version => long.TryParse(Metadata.ResourceVersion, out var version) ? version : 0;

    /// <summary>Reads any JSON text of an object. Throws <see cref="JsonException"/> when it is not a JSON object with readable metadata.</summary>
    public static KubeObject Parse(ReadOnlyMemory<byte> utf8) => Read(CanonicalJson.Rewrite(utf8), whole: false);

    /// <summary>Takes a tree; later changes of the tree do not show.</summary>
    public static KubeObject From(JsonObject tree) => Read(CanonicalJson.Serialize(tree), whole: false);

    /// <summary>
    /// Takes bytes that already are canonical (read from the store). The array must not change afterwards. Throws <see cref="JsonException"/> when they are no JSON.
    /// </summary>
    public static KubeObject FromCanonical(byte[] canonical) => Read(canonical, whole: true);

    /// <summary>A private, mutable copy as a tree.</summary>
    public JsonObject ToTree() => CanonicalJson.Parse(_json) as JsonObject ?? throw new JsonException("expected a JSON object");

    /// <summary>A copy changed by <paramref name="edit"/>.</summary>
    public KubeObject With(Action<JsonObject> edit)
    {
        var tree = ToTree();
        edit(tree);
        return From(tree);
    }

    /// <summary>The canonical bytes of a member beside metadata, for example <c>status</c>; empty when it is absent.</summary>
    public ReadOnlyMemory<byte> Member(string name) => TopLevel.Find(_json, name);

    /// <summary>A copy with one member exchanged, not metadata: the new value's canonical bytes are spliced in, the rest is not read again.</summary>
    public KubeObject WithMember(string name, ReadOnlySpan<byte> canonical)
    {
        Debug.Assert(name is not ("metadata" or "apiVersion" or "kind"), "these are parsed: use With");
        return new KubeObject(TopLevel.Replace(_json, name, canonical), ApiVersion, Kind, Metadata);
    }

    /// <summary>A copy that says another <c>apiVersion</c>; the rest is not read again.</summary>
    internal KubeObject WithApiVersion(string apiVersion) => apiVersion == ApiVersion
        ? this
        : new(TopLevel.Replace(_json, "apiVersion", CanonicalJson.Serialize(JsonValue.Create(apiVersion))), apiVersion, Kind, Metadata);

    /// <summary>A copy with another resourceVersion: only that number is spliced into the bytes, the rest is not read again.</summary>
    public KubeObject WithVersion(long version)
    {
        var text = version.ToString(System.Globalization.CultureInfo.InvariantCulture);
        var bytes = VersionSplice.Replace(_json, text);
        return bytes is null
            ? With(tree => ((tree["metadata"] ??= new JsonObject()) as JsonObject ?? throw new JsonException("metadata is not an object"))["resourceVersion"] = text)
            : new KubeObject(bytes, ApiVersion, Kind, Metadata with { ResourceVersion = text });
    }

    /// <summary>The typed view. Throws <see cref="JsonException"/> with the path when a field has the wrong type.</summary>
    public T As<T>()
        where T : class, IKubeView<T>
    {
        if (_view is { } cached && cached.TryGetTarget(out var target) && target is T hit)
        {
            return hit;
        }
        var view = JsonSerializer.Deserialize(_json, T.JsonType) ?? throw new JsonException("expected a JSON object");
        _view = new WeakReference<object>(view);
        return view;
    }

    /// <summary>Whether both hold the same bytes.</summary>
    public bool SameAs(KubeObject other) => _json.AsSpan().SequenceEqual(other._json);

    public override string ToString() => $"{Kind} {Key}";

    /// <param name="canonical">The bytes.</param>
    /// <param name="whole">Whether what lies behind metadata is looked at too: not for bytes just written.</param>
    private static KubeObject Read(byte[] canonical, bool whole)
    {
        try
        {
            return ReadTokens(canonical, whole);
        }
        catch (InvalidOperationException e)
        {
            throw new JsonException("a text is not valid UTF-8, or half of a surrogate pair", e); // so the reader says it
        }
    }

    private static KubeObject ReadTokens(byte[] canonical, bool whole)
    {
        var reader = CanonicalJson.Tokens(canonical);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            throw new JsonException("expected a JSON object");
        }
        var (apiVersion, kind) = ("", "");
        ObjectMeta? metadata = null;
        while ((whole || metadata is null) && reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("apiVersion"u8))
            {
                apiVersion = ObjectMetaReader.Pooled(ref reader, "$.apiVersion") ?? "";
            }
            else if (reader.ValueTextEquals("kind"u8))
            {
                kind = ObjectMetaReader.Pooled(ref reader, "$.kind") ?? "";
            }
            else if (reader.ValueTextEquals("metadata"u8))
            {
                metadata = ObjectMetaReader.Next(ref reader);
            }
            else
            {
                reader.Skip();
            }
        }
        return whole && reader.Read() ? throw new JsonException("more than one JSON object") : new KubeObject(canonical, apiVersion, kind, metadata ?? new ObjectMeta());
    }
}
