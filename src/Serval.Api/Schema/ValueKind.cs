namespace Serval.Api.Schema;

/// <summary>The JSON shapes a value of the Kubernetes API can have.</summary>
public enum ValueKind
{
    String,
    Int32,
    Int64,
    Number,
    Boolean,

    /// <summary>An amount such as <c>500m</c> or <c>1Gi</c>; a JSON number is read as well.</summary>
    Quantity,

    /// <summary>A 32-bit number or a string.</summary>
    IntOrString,

    /// <summary>RFC 3339, whole seconds, UTC.</summary>
    Time,

    /// <summary>RFC 3339 with microseconds, UTC.</summary>
    MicroTime,

    /// <summary>Base64 text.</summary>
    Bytes,

    /// <summary>Any JSON; kept as it is.</summary>
    Any,

    /// <summary>An object of a known type.</summary>
    Object,
    List,

    /// <summary>An object with free keys whose values share one shape.</summary>
    Map,
}

/// <summary>How server-side apply merges a list.</summary>
public enum ListKind
{
    /// <summary>Replaced as a whole (also what an unmarked list is).</summary>
    Atomic,

    /// <summary>Items are unique scalars.</summary>
    Set,

    /// <summary>Items are objects told apart by <see cref="FieldSchema.ListMapKeys"/>.</summary>
    Map,
}

/// <summary>How a strategic merge patch treats a field.</summary>
[Flags]
public enum PatchStrategy
{
    /// <summary>The field is replaced.</summary>
    Replace = 0,

    /// <summary>Items are merged by <see cref="FieldSchema.PatchMergeKey"/>; without a key, as a set of scalars.</summary>
    Merge = 1,

    /// <summary>Keys of an object that the patch does not name are removed.</summary>
    RetainKeys = 2,

    /// <summary>An object is replaced by the patch's as a whole, where it else would be merged with it.</summary>
    Whole = 4,
}
