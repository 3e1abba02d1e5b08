using System.Collections.Frozen;
using System.Text.Json.Serialization;

namespace Serval.Api;

/// <summary>metadata.ownerReferences[] (apimachinery meta/v1 OwnerReference).</summary>
public sealed record OwnerReference
{
    public string ApiVersion { get; init; } = "";
    public string Kind { get; init; } = "";
    public string Name { get; init; } = "";
    public string Uid { get; init; } = "";
    public bool? Controller { get; init; }
    public bool? BlockOwnerDeletion { get; init; }
}

/// <summary>metadata of an object (apimachinery meta/v1 ObjectMeta). Absent strings read as empty, absent maps as empty.</summary>
public sealed record ObjectMeta
{
    public string Name { get; init; } = "";
    public string GenerateName { get; init; } = "";
    public string Namespace { get; init; } = "";
    public string Uid { get; init; } = "";

    /// <summary>Opaque to clients; inside Serval a decimal number that grows with every write of the whole store.</summary>
    public string ResourceVersion { get; init; } = "";
    public long Generation { get; init; }
    public DateTimeOffset? CreationTimestamp { get; init; }
    public DateTimeOffset? DeletionTimestamp { get; init; }
    public long? DeletionGracePeriodSeconds { get; init; }
    public IReadOnlyDictionary<string, string> Labels { get; init; } = FrozenDictionary<string, string>.Empty;
    public IReadOnlyDictionary<string, string> Annotations { get; init; } = FrozenDictionary<string, string>.Empty;
    public IReadOnlyList<string> Finalizers { get; init; } = [];
    public IReadOnlyList<OwnerReference> OwnerReferences { get; init; } = [];

    /// <summary>The owner that controls this object, if any.</summary>
    [JsonIgnore]
    public OwnerReference? ControllerRef => OwnerReferences.FirstOrDefault(o => o.Controller == true);

    [JsonIgnore]
    public bool IsDeleting => DeletionTimestamp is not null;

    /// <summary>The label's value, or null.</summary>
    public string? Label(string key) => Labels.TryGetValue(key, out var value) ? value : null;

    /// <summary>The annotation's value, or null.</summary>
    public string? Annotation(string key) => Annotations.TryGetValue(key, out var value) ? value : null;
}
