namespace Serval.Api.Schema;

/// <summary>One field of a type: a line of the field table.</summary>
public sealed class FieldSchema
{
    private readonly FieldTable _table;
    private readonly Range _doc;

    internal FieldSchema(FieldTable table, string name, ValueSchema value, Range doc)
    {
        _table = table;
        _doc = doc;
        Name = name;
        Value = value;
    }

    /// <summary>Name in JSON; case matters.</summary>
    public string Name { get; }

    public ValueSchema Value { get; }

    /// <summary>Whether the API calls it required. Decoding does not insist; validation does.</summary>
    public bool Required { get; internal set; }

    /// <summary>Whether it cannot be changed once set.</summary>
    public bool Immutable { get; internal set; }

    /// <summary>How server-side apply merges it, for lists.</summary>
    public ListKind ListKind { get; internal set; }

    /// <summary>Whether the API marks the list's kind (an unmarked list is atomic all the same).</summary>
    public bool HasListKind { get; internal set; }

    /// <summary>Fields that tell the items of a <see cref="ListKind.Map"/> list apart.</summary>
    public IReadOnlyList<string> ListMapKeys { get; internal set; } = [];

    /// <summary>Whether server-side apply replaces this object or map as a whole.</summary>
    public bool AtomicMap { get; internal set; }

    /// <summary>Whether the API says that apply merges the map by its keys, which is what an unmarked one does.</summary>
    public bool GranularMap { get; internal set; }

    public PatchStrategy PatchStrategy { get; internal set; }

    /// <summary>Field that tells items apart in a strategic merge patch; null for scalars and for fields that are not merged.</summary>
    public string? PatchMergeKey { get; internal set; }

    /// <summary>Default the schema itself states (server-side apply needs it for key fields such as a port's protocol).</summary>
    public string? Default { get; internal set; }

    /// <summary>
    /// Whether Go's type has a pointer to the scalar, so that a zero is not nothing: it is kept, and OpenAPI tells no default of a required one. Another's is its
    /// type's zero value.
    /// </summary>
    internal bool IsPointer { get; set; }

    /// <summary>Whether Go writes it when it is empty too: its tag has no <c>omitempty</c>.</summary>
    internal bool IsAlways { get; set; }

    /// <summary>
    /// Whether a value that is empty is as good as none, and is not kept: one of a built-in type whose tag has <c>omitempty</c> (encoding/json: false, 0, the empty
    /// text, list and map; not an object, which is behind a pointer or a struct).
    /// </summary>
    internal bool LeavesOutEmpty { get; private set; }

    /// <summary>Its flags have been read.</summary>
    internal void Settle() => LeavesOutEmpty = _table.IsBuiltIn && !IsAlways && Value.Kind switch
    {
        ValueKind.List or ValueKind.Map => true,
        ValueKind.String or ValueKind.Boolean or ValueKind.Int32 or ValueKind.Int64 or ValueKind.Number or ValueKind.Bytes => !Required && !IsPointer,
        _ => false,
    };

    /// <summary>The values that a text, or each text of a list or map, may have, parted by commas; null when the API does not list them. Validation does not read it.</summary>
    internal string? Enum { get; set; }

    /// <summary>One sentence for <c>kubectl explain</c>; may be empty.</summary>
    public string Doc => _table.Text(_doc);

    internal bool Is(ReadOnlySpan<byte> utf8) => System.Text.Ascii.Equals(utf8, Name);

    public override string ToString() => Name;
}
