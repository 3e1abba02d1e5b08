using System.Buffers;
using System.Text;

namespace Serval.Api.Schema;

/// <summary>A type of the API with its fields, those of inlined types included, in the table's order.</summary>
public sealed class TypeSchema
{
    /// <summary>The most fields a type may have: the decoder marks seen fields in so many bits.</summary>
    internal const int MaxFields = 128;

    private readonly FieldTable _table;
    private readonly Range _doc;
    private readonly FieldSchema[] _fields;
    private readonly Dictionary<string, string> _inlined;
    private readonly byte[] _buckets; // open addressing: field index + 1, or 0
    private readonly int _mask;

    internal TypeSchema(FieldTable table, string name, bool isKind, bool isAtomic, Range doc, FieldSchema[] fields, Dictionary<string, string> inlined)
    {
        if (fields.Length > MaxFields)
        {
            throw new InvalidOperationException($"type {name} of the field table has {fields.Length} fields; at most {MaxFields} are supported");
        }
        _table = table;
        _doc = doc;
        _fields = fields;
        _inlined = inlined;
        Name = name;
        IsKind = isKind;
        IsAtomic = isAtomic;
        var size = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Max(4, fields.Length * 2));
        _buckets = new byte[size];
        _mask = size - 1;
        for (var i = 0; i < fields.Length; i++)
        {
            Place(i);
        }
    }

    /// <summary>Name without its package, for example <c>PodSpec</c>.</summary>
    public string Name { get; }

    /// <summary>Name in OpenAPI documents, for example <c>io.k8s.api.core.v1.PodSpec</c>.</summary>
    public string FullName => $"{_table.Package}.{Name}";

    /// <summary>Whether it is a whole object with <c>apiVersion</c> and <c>kind</c>.</summary>
    public bool IsKind { get; }

    /// <summary>Whether server-side apply replaces objects of this type as a whole.</summary>
    public bool IsAtomic { get; }

    public IReadOnlyList<FieldSchema> Fields => _fields;

    public string Doc => _table.Text(_doc);

    /// <summary>The API group and version whose table describes the type (<c>v1</c>, <c>apps/v1</c>).</summary>
    internal string ApiVersion => _table.ApiVersion;

    internal string GoName => FullName[(_table.Package.LastIndexOf('.') + 1)..];

    /// <summary>The field, or null.</summary>
    public FieldSchema? Find(string name)
    {
        if (name.Length > 128)
        {
            return null;
        }
        Span<byte> utf8 = stackalloc byte[128];
        return Ascii.FromUtf16(name, utf8, out var written) == OperationStatus.Done ? Find(utf8[..written]) : null;
    }

    /// <summary>The field, or null; <paramref name="utf8"/> holds no escapes.</summary>
    public FieldSchema? Find(ReadOnlySpan<byte> utf8)
    {
        var index = IndexOf(utf8);
        return index < 0 ? null : _fields[index];
    }

    internal int IndexOf(ReadOnlySpan<byte> utf8)
    {
        for (var slot = Hash(utf8) & _mask; _buckets[slot] != 0; slot = (slot + 1) & _mask)
        {
            if (_fields[_buckets[slot] - 1].Is(utf8))
            {
                return _buckets[slot] - 1;
            }
        }
        return -1;
    }

    /// <summary>A field's name with that of the inlined type that it comes from, as Go's decoder tells where it is.</summary>
    internal string GoPath(string field) => _inlined.TryGetValue(field, out var type) ? $"{type}.{field}" : field;

    public override string ToString() => FullName;

    private void Place(int index)
    {
        var name = Encoding.ASCII.GetBytes(_fields[index].Name);
        var slot = Hash(name) & _mask;
        while (_buckets[slot] != 0)
        {
            slot = (slot + 1) & _mask;
        }
        _buckets[slot] = (byte)(index + 1);
    }

    private static int Hash(ReadOnlySpan<byte> name)
    {
        uint hash = 2166136261;
        foreach (var b in name)
        {
            hash = (hash ^ b) * 16777619;
        }
        return (int)(hash ^ (hash >> 15));
    }
}
