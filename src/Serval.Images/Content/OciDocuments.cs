using System.Text.Json.Serialization;

namespace Serval.Images;

/// <summary>OCI image-spec: a pointer to a blob.</summary>
internal sealed record OciDescriptor
{
    public string MediaType { get; init; } = "";
    public string Digest { get; init; } = "";
    public long Size { get; init; }
    public OciPlatform? Platform { get; init; }
    public IReadOnlyDictionary<string, string>? Annotations { get; init; }
}

/// <summary>OCI image-spec: what a manifest of an index runs on.</summary>
internal sealed record OciPlatform
{
    public string Architecture { get; init; } = "";

    [JsonPropertyName("os")]
    public string OperatingSystem { get; init; } = "";
    public string? Variant { get; init; }
}

/// <summary>OCI image-spec: image manifest.</summary>
internal sealed record OciManifest
{
    public int SchemaVersion { get; init; }
    public string? MediaType { get; init; }
    public OciDescriptor? Config { get; init; }
    public IReadOnlyList<OciDescriptor>? Layers { get; init; }
}

/// <summary>OCI image-spec: image index (also Docker's manifest list).</summary>
internal sealed record OciIndex
{
    public int SchemaVersion { get; init; }
    public string? MediaType { get; init; }
    public IReadOnlyList<OciDescriptor>? Manifests { get; init; }
}

/// <summary>OCI image-spec: image configuration.</summary>
internal sealed record OciImageConfig
{
    public string? Created { get; init; }
    public string Architecture { get; init; } = "";

    [JsonPropertyName("os")]
    public string OperatingSystem { get; init; } = "";
    public ImageConfig? Config { get; init; }

    [JsonPropertyName("rootfs")]
    public OciRootFileSystem? RootFileSystem { get; init; }
    public IReadOnlyList<OciHistory>? History { get; init; }
}

/// <summary>OCI image-spec: digests of the uncompressed layers, lowest first.</summary>
internal sealed record OciRootFileSystem
{
    public string Type { get; init; } = "layers";

    [JsonPropertyName("diff_ids")]
    public IReadOnlyList<string> DiffIds { get; init; } = [];
}

/// <summary>OCI image-spec: how a layer came to be.</summary>
internal sealed record OciHistory
{
    public string? Created { get; init; }

    [JsonPropertyName("created_by")]
    public string? CreatedBy { get; init; }
}

/// <summary>OCI image-spec: the <c>oci-layout</c> marker file.</summary>
internal sealed record OciLayoutMarker
{
    [JsonPropertyName("imageLayoutVersion")]
    public string Version { get; init; } = "1.0.0";
}

/// <summary>An entry of <c>manifest.json</c> in a <c>docker save</c> archive.</summary>
internal sealed record DockerArchiveEntry
{
    [JsonPropertyName("Config")]
    public string? Config { get; init; }

    [JsonPropertyName("RepoTags")]
    public IReadOnlyList<string>? RepoTags { get; init; }

    [JsonPropertyName("Layers")]
    public IReadOnlyList<string>? Layers { get; init; }
}

/// <summary>What a name stands for: one file of the store's index.</summary>
internal sealed record TagRecord(string Reference, string Digest, DateTimeOffset Added);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    MaxDepth = 32)]
[JsonSerializable(typeof(OciManifest))]
[JsonSerializable(typeof(OciIndex))]
[JsonSerializable(typeof(OciImageConfig))]
[JsonSerializable(typeof(OciLayoutMarker))]
[JsonSerializable(typeof(DockerArchiveEntry[]))]
[JsonSerializable(typeof(TagRecord))]
internal sealed partial class OciJson : JsonSerializerContext;
