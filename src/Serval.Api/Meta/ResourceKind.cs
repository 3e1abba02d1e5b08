namespace Serval.Api;

/// <summary>How long a write of this kind is waited for (DESIGN: the store).</summary>
public enum WriteDurability
{
    /// <summary>Users write it: synced to disk before the answer.</summary>
    Synced,

    /// <summary>Controllers derive it and would write it again: committed, but the disk is not waited for.</summary>
    Derived,
}

/// <summary>A column of <c>kubectl get</c> (Kubernetes: CustomResourceColumnDefinition).</summary>
/// <param name="Name">Column header, for example <c>Ready</c>.</param>
/// <param name="Type">OpenAPI type: <c>string</c>, <c>integer</c>, <c>boolean</c>, <c>date</c>.</param>
/// <param name="JsonPath">Path below the object: <c>.status.conditions[?(@.type=='Ready')].status</c>.</param>
/// <param name="Priority">0 is always shown; above 0 only with <c>-o wide</c>.</param>
/// <param name="Format">OpenAPI format, for example <c>int32</c>.</param>
/// <param name="Description">What it shows.</param>
public sealed record PrinterColumn(string Name, string Type, string JsonPath, int Priority = 0, string Format = "", string Description = "");

/// <summary>
/// One kind: the facts discovery, routing and the store need. Instances are unique per kind and version; compare by reference. Of a kind from a
/// CustomResourceDefinition that a user wrote, what may change is its <see cref="Shape"/>.
/// </summary>
public sealed class ResourceKind
{
    private volatile KindShape? _shape;

    /// <summary>API group; empty for the core group.</summary>
    public required string Group { get; init; }

    /// <summary>Version, for example <c>v1</c>.</summary>
    public required string Version { get; init; }

    /// <summary>Kind, for example <c>Pod</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>Lower-case plural used in paths, for example <c>pods</c>.</summary>
    public required string Plural { get; init; }

    /// <summary>Lower-case singular.</summary>
    public string Singular => _shape?.Singular ?? Kind.ToLowerInvariant();

    /// <summary>Short names <c>kubectl</c> accepts.</summary>
    public IReadOnlyList<string> ShortNames { get => _shape?.ShortNames ?? field; init; } = [];

    /// <summary>Categories, for example <c>all</c>, <c>knative</c>, <c>serving</c>.</summary>
    public IReadOnlyList<string> Categories { get => _shape?.Categories ?? field; init; } = [];

    /// <summary>False for cluster-scoped kinds.</summary>
    public bool Namespaced { get; init; } = true;

    /// <summary>Whether <c>/status</c> is a subresource (then a plain write keeps the stored status).</summary>
    public bool HasStatus { get => _shape?.HasStatus ?? field; init; } = true;

    /// <summary>Whether <c>/scale</c> is a subresource.</summary>
    public bool HasScale { get => _shape is { } shape ? shape.Scale is not null : field; init; }

    /// <summary>Whether <c>metadata.generation</c> counts changes of the spec.</summary>
    public bool HasGeneration { get; init; } = true;

    /// <summary>Whether upstream serves the kind from a CustomResourceDefinition (then Serval publishes one), or this server does.</summary>
    public bool IsCustom { get; init; }

    /// <summary>Whether a delete shows the object that is gone, not a Status (each kind's store upstream: ReturnDeletedObject).</summary>
    public bool ReturnsDeleted { get; init; }

    /// <summary>How long a write is waited for. A status write is <see cref="WriteDurability.Derived"/> unless its writer says otherwise.</summary>
    public WriteDurability Durability { get; init; } = WriteDurability.Synced;

    /// <summary>Columns of <c>kubectl get</c>; empty means name and age only.</summary>
    public IReadOnlyList<PrinterColumn> Columns { get => _shape?.Columns ?? field; init; } = [];

    /// <summary>What a user's CustomResourceDefinition says of the kind now; null for the kinds of <see cref="Kinds"/>.</summary>
    public KindShape? Shape { get => _shape; internal set => _shape = value; }

    /// <summary>What is not done with objects of the kind: whoever writes one is told. Empty when there is nothing to tell.</summary>
    public string Inert { get; init; } = "";

    /// <summary>Of a built-in kind that shows the objects of another one, by its <see cref="Form"/>: that one.</summary>
    public ResourceKind? ViewOf { get; init; }

    /// <summary>The kind under which the store keeps the objects: this one, another version of the resource, or the one it is a view of.</summary>
    public ResourceKind StoredAs => _shape?.StoredAs ?? ViewOf ?? this;

    /// <summary>How its objects differ from what is kept; null: not at all.</summary>
    public IStoredForm? Form { get => _shape is { } shape ? shape.Form : field; init; }

    /// <summary><c>group/version</c>, or <c>version</c> for the core group.</summary>
    public string ApiVersion => Group.Length == 0 ? Version : $"{Group}/{Version}";

    /// <summary>Kind of a list of these.</summary>
    public string ListKind => _shape?.ListKind ?? Kind + "List";

    /// <summary><c>plural.group</c>, the name of the CRD, or <c>plural</c> for the core group.</summary>
    public string ResourceName => field ??= Group.Length == 0 ? Plural : $"{Plural}.{Group}";

    /// <summary>Whether <see cref="ApiVersion"/> is this, without making the text.</summary>
    internal bool HasApiVersion(string apiVersion) => Group.Length == 0
        ? apiVersion == Version
        : apiVersion.Length == Group.Length + 1 + Version.Length && apiVersion[Group.Length] == '/' &&
          apiVersion.StartsWith(Group, StringComparison.Ordinal) && apiVersion.EndsWith(Version, StringComparison.Ordinal);

    public override string ToString() => ResourceName;
}
