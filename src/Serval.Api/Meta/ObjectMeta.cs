using System.Collections.Frozen;
using System.Text.Json.Serialization;

namespace Serval.Api;

/// <summary>metadata.ownerReferences[] (apimachinery meta/v1 OwnerReference).</summary>
public sealed record OwnerReference
{
    public string ApiVersion { get; init => field = value ?? field; } = "";
    public string Kind { get; init => field = value ?? field; } = "";
    public string Name { get; init => field = value ?? field; } = "";
    public string Uid { get; init => field = value ?? field; } = "";
    public bool? Controller { get; init; }
    public bool? BlockOwnerDeletion { get; init; }
}

/// <summary>metadata of an object (apimachinery meta/v1 ObjectMeta). Absent strings read as empty, absent maps as empty.</summary>
[JsonConverter(typeof(ObjectMetaReader))]
public sealed record ObjectMeta
{
    public string Name { get; init => field = value ?? field; } = "";
    public string GenerateName { get; init => field = value ?? field; } = "";
    public string Namespace { get; init => field = value ?? field; } = "";
    public string Uid { get; init => field = value ?? field; } = "";

    /// <summary>Opaque to clients; inside Serval a decimal number that grows with every write of the whole store.</summary>
    public string ResourceVersion { get; init => field = value ?? field; } = "";
    public long Generation { get; init; }
    public DateTimeOffset? CreationTimestamp { get; init; }
    public DateTimeOffset? DeletionTimestamp { get; init; }
    public long? DeletionGracePeriodSeconds { get; init; }
    public IReadOnlyDictionary<string, string> Labels { get; init => field = value ?? field; } = FrozenDictionary<string, string>.Empty;
    public IReadOnlyDictionary<string, string> Annotations { get; init => field = value ?? field; } = FrozenDictionary<string, string>.Empty;
    public IReadOnlyList<string> Finalizers { get; init => field = value ?? field; } = [];
    public IReadOnlyList<OwnerReference> OwnerReferences { get; init => field = value ?? field; } = [];

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
