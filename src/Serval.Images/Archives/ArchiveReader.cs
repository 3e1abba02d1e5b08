using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Serval.Images;

/// <summary>Copies the images of an archive into the blob store: OCI layouts, and the <c>manifest.json</c> form of <c>docker save</c>.</summary>
internal sealed class ArchiveReader(ImageSource source, BlobStore blobs, ImageLimits limits)
{
    private const string OciName = "org.opencontainers.image.ref.name";
    private const string ContainerdName = "io.containerd.image.name";

    public async Task<IReadOnlyList<ArchiveImage>> ReadAsync(CancellationToken ct)
    {
        if (Exists("index.json"))
        {
            return await ReadLayoutAsync(ct);
        }
        if (Exists("manifest.json"))
        {
            return await ReadDockerAsync(ct);
        }
        throw new ImageException(
            ImageError.Invalid,
            $"{source.Name} is no image archive: it has neither index.json (OCI layout) nor manifest.json (docker save); for a plain directory use `serval image add`");
    }

    private bool Exists(string member)
    {
        using var file = source.Open(member);
        return file is not null;
    }

    private async Task<IReadOnlyList<ArchiveImage>> ReadLayoutAsync(CancellationToken ct)
    {
        var index = Parse(source.ReadDocument("index.json", limits), OciJson.Default.OciIndex, "index.json");
        var docker = DockerNames();
        var images = new List<ArchiveImage>();
        foreach (var group in (index.Manifests ?? []).Where(m => !IsAttestation(m)).GroupBy(NameOf, StringComparer.Ordinal))
        {
            // Descriptors of one name are the platforms of one image; without a name each is its own image unless it says its platform.
            var variants = group.Key.Length > 0 || group.All(m => m.Platform is not null) ? [group.ToArray()] : group.Select(m => new[] { m }).ToArray();
            foreach (var variant in variants)
            {
                var manifest = await PickAsync(variant, depth: 0, ct);
                var stored = await CopyManifestAsync(manifest, ct);
                string[] names = group.Key.Length > 0 ? [group.Key] : docker;
                images.Add(new ArchiveImage(stored, names));
            }
        }
        return images.Count > 0 ? images : throw new ImageException(ImageError.Invalid, $"index.json of {source.Name} lists no image; save the image again");
    }

    private string[] DockerNames() =>
        Exists("manifest.json")
            ? [.. Parse(source.ReadDocument("manifest.json", limits), OciJson.Default.DockerArchiveEntryArray, "manifest.json").SelectMany(e => e.RepoTags ?? [])]
            : [];

    private static string NameOf(OciDescriptor descriptor)
    {
        var annotations = descriptor.Annotations;
        return annotations?.GetValueOrDefault(ContainerdName) ?? annotations?.GetValueOrDefault(OciName) ?? "";
    }

    private static bool IsAttestation(OciDescriptor descriptor) =>
        descriptor.Annotations?.ContainsKey("vnd.docker.reference.type") == true || descriptor.Platform is { OperatingSystem: "unknown" };

    private async Task<OciDescriptor> PickAsync(IReadOnlyList<OciDescriptor> candidates, int depth, CancellationToken ct)
    {
        var picked = candidates is [var only] && only.Platform is null
            ? only
            : ImagePlatform.Pick(candidates) ?? throw ImagePlatform.None(source.Name, candidates);
        if (MediaTypes.IsIndex(picked.MediaType) && depth < 4)
        {
            var digest = ImageDigest.Require(picked.Digest, source.Name);
            var bytes = ReadBlob(digest);
            var nested = Parse(bytes, OciJson.Default.OciIndex, $"index {digest}");
            return await PickAsync([.. (nested.Manifests ?? []).Where(m => !IsAttestation(m))], depth + 1, ct);
        }
        return MediaTypes.IsManifest(picked.MediaType)
            ? picked
            : throw new ImageException(ImageError.Unsupported, $"{source.Name} holds a {picked.MediaType}, which is not a runnable image; load an image");
    }

    private byte[] ReadBlob(string digest)
    {
        var bytes = source.ReadDocument("blobs/sha256/" + ImageDigest.Hex(digest), limits);
        return ImageDigest.Of(bytes) == digest ? bytes : throw ImageException.Corrupt($"blob {digest} of {source.Name}", $"its content has the digest {ImageDigest.Of(bytes)}");
    }

    private async Task<OciDescriptor> CopyManifestAsync(OciDescriptor descriptor, CancellationToken ct)
    {
        var digest = ImageDigest.Require(descriptor.Digest, source.Name);
        var bytes = ReadBlob(digest);
        var manifest = Parse(bytes, OciJson.Default.OciManifest, $"manifest {digest}");
        ManifestRules.Check(manifest, digest, limits);
        var config = Parse(ReadBlob(manifest.Config!.Digest), OciJson.Default.OciImageConfig, $"configuration {manifest.Config.Digest}");
        ImagePlatform.Require(config, source.Name);
        foreach (var blob in manifest.Layers!.Append(manifest.Config))
        {
            await CopyBlobAsync(blob, ct);
        }
        return await blobs.PutAsync(bytes, MediaTypes.Manifest, ct);
    }

    private async Task CopyBlobAsync(OciDescriptor blob, CancellationToken ct)
    {
        await using var content = source.RequireBlob(blob.Digest);
        if (content.Length != blob.Size)
        {
            throw ImageException.Corrupt($"blob {blob.Digest} of {source.Name}", $"it has {content.Length} bytes instead of {blob.Size}");
        }
        await blobs.PutAsync(content, blob.MediaType, blob.Digest, ct);
    }

    private async Task<IReadOnlyList<ArchiveImage>> ReadDockerAsync(CancellationToken ct)
    {
        var images = new List<ArchiveImage>();
        foreach (var entry in Parse(source.ReadDocument("manifest.json", limits), OciJson.Default.DockerArchiveEntryArray, "manifest.json"))
        {
            images.Add(new ArchiveImage(await ConvertAsync(entry, ct), entry.RepoTags ?? []));
        }
        return images.Count > 0 ? images : throw new ImageException(ImageError.Invalid, $"manifest.json of {source.Name} lists no image; save the image again");
    }

    private async Task<OciDescriptor> ConvertAsync(DockerArchiveEntry entry, CancellationToken ct)
    {
        var configBytes = source.ReadDocument(entry.Config ?? throw Missing("Config"), limits);
        var config = Parse(configBytes, OciJson.Default.OciImageConfig, entry.Config);
        ImagePlatform.Require(config, source.Name);
        var members = entry.Layers ?? throw Missing("Layers");
        var diffIds = config.RootFileSystem?.DiffIds ?? [];
        if (members.Count != diffIds.Count || members.Count > limits.MaxLayers)
        {
            throw ImageException.Corrupt(source.Name, $"it lists {members.Count} layers, its configuration {diffIds.Count} (at most {limits.MaxLayers} are allowed)");
        }
        var layers = new List<OciDescriptor>();
        for (var i = 0; i < members.Count; i++)
        {
            layers.Add(await CopyLayerAsync(members[i], diffIds[i], ct));
        }
        var manifest = new OciManifest
        {
            SchemaVersion = 2,
            MediaType = MediaTypes.Manifest,
            Config = await blobs.PutAsync(configBytes, MediaTypes.Config, ct),
            Layers = layers,
        };
        return await blobs.PutAsync(JsonSerializer.SerializeToUtf8Bytes(manifest, OciJson.Default.OciManifest), MediaTypes.Manifest, ct);
    }

    private async Task<OciDescriptor> CopyLayerAsync(string member, string diffId, CancellationToken ct)
    {
        await using var content = source.Require(member);
        await using var plain = Compression.Decompress(content, $"layer {member} of {source.Name}");
        content.Position = 0;
        return ReferenceEquals(plain, content)
            ? await blobs.PutAsync(content, MediaTypes.Layer, ImageDigest.Require(diffId, source.Name), ct)
            : await blobs.PutAsync(content, MediaTypes.LayerGzip, expected: null, ct);
    }

    private ImageException Missing(string field) =>
        new(ImageError.Corrupt, $"manifest.json of {source.Name} has no {field}; save the image again");

    private T Parse<T>(byte[] bytes, JsonTypeInfo<T> type, string what)
    {
        try
        {
            return JsonSerializer.Deserialize(bytes, type) ?? throw new JsonException("it is null");
        }
        catch (JsonException e)
        {
            throw new ImageException(ImageError.Corrupt, $"{what} of {source.Name} is not readable ({e.Message}); save the image again", e);
        }
    }
}
