using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Serval.Images;

/// <summary>Unpacked images: built beside, then renamed into place, so a root is whole or absent.</summary>
internal sealed class RootStore(string directory, string temporary, BlobStore blobs, ImageLimits limits)
{
    private readonly string _roots = Path.Combine(directory, "roots");
    private readonly ConcurrentDictionary<string, ImageRoot> _ready = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, SemaphoreSlim> _unpacking = new(StringComparer.Ordinal);

    /// <summary>The root if it was opened before and is still there: one system call, for the way of a waking pod.</summary>
    public ImageRoot? Ready(string digest) => _ready.TryGetValue(digest, out var root) && Directory.Exists(root.RootDirectory) ? root : null;

    public async Task<ImageRoot> OpenAsync(string digest, CancellationToken ct)
    {
        var gate = _unpacking.GetOrAdd(digest, _ => new SemaphoreSlim(1, 1));
        await gate.WaitAsync(ct);
        try
        {
            if (Ready(digest) is { } ready)
            {
                return ready;
            }
            var manifest = await ManifestAsync(digest, ct);
            var config = await ConfigAsync(manifest, digest, ct);
            var target = Path.Combine(_roots, ImageDigest.Hex(digest));
            var root = new ImageRoot(digest, Path.Combine(target, "rootfs"), config.Config ?? new ImageConfig());
            if (!Directory.Exists(root.RootDirectory))
            {
                await UnpackAsync(manifest, config, digest, target, ct);
            }
            return _ready[digest] = root;
        }
        finally
        {
            gate.Release();
        }
    }

    public async Task<OciManifest> ManifestAsync(string digest, CancellationToken ct)
    {
        var manifest = Parse(await blobs.ReadAsync(digest, $"manifest {digest}", ct), OciJson.Default.OciManifest, $"manifest {digest}");
        ManifestRules.Check(manifest, digest, limits);
        return manifest;
    }

    public async Task<OciImageConfig> ConfigAsync(OciManifest manifest, string digest, CancellationToken ct)
    {
        var what = $"configuration of image {digest}";
        return Parse(await blobs.ReadAsync(manifest.Config!.Digest, what, ct), OciJson.Default.OciImageConfig, what);
    }

    public void Delete(string digest)
    {
        _ready.TryRemove(digest, out _);
        RootedTree.Delete(Path.Combine(_roots, ImageDigest.Hex(digest)));
    }

    private static T Parse<T>(byte[] bytes, JsonTypeInfo<T> type, string what)
    {
        try
        {
            return JsonSerializer.Deserialize(bytes, type) ?? throw ImageException.Corrupt(what, "it is null");
        }
        catch (JsonException e)
        {
            throw ImageException.Corrupt(what, e.Message);
        }
    }

    private async Task UnpackAsync(OciManifest manifest, OciImageConfig config, string digest, string target, CancellationToken ct)
    {
        var diffIds = config.RootFileSystem?.DiffIds ?? [];
        if (diffIds.Count != manifest.Layers!.Count)
        {
            throw ImageException.Corrupt($"image {digest}", $"its manifest has {manifest.Layers.Count} layers, its configuration {diffIds.Count}");
        }
        var work = Path.Combine(temporary, Path.GetRandomFileName());
        try
        {
            var rootfs = Directory.CreateDirectory(Path.Combine(work, "rootfs")).FullName;
            var unpacker = new LayerUnpacker(rootfs, limits);
            for (var i = 0; i < diffIds.Count; i++)
            {
                await ApplyAsync(unpacker, manifest.Layers[i], diffIds[i], ct);
            }
            unpacker.Finish();
            Directory.CreateDirectory(_roots);
            Publish(work, target);
        }
        finally
        {
            RootedTree.Delete(work);
        }
    }

    private static void Publish(string work, string target)
    {
        try
        {
            Directory.Move(work, target);
        }
        catch (IOException) when (Directory.Exists(Path.Combine(target, "rootfs")))
        {
            // Another process unpacked the same image first; both trees are equal.
        }
    }

    private async Task ApplyAsync(LayerUnpacker unpacker, OciDescriptor layer, string diffId, CancellationToken ct)
    {
        var what = $"layer {layer.Digest}";
        await using var file = blobs.Open(layer.Digest, what);
        if (file.Length != layer.Size)
        {
            throw ImageException.Corrupt(what, $"it has {file.Length} bytes instead of {layer.Size}");
        }
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        try
        {
            await using var plain = Compression.Decompress(file, what);
            await using var hashing = new HashingStream(plain, hash);
            await unpacker.ApplyAsync(hashing, what, ct);
            await hashing.CopyToAsync(Stream.Null, ct); // the padding after the last entry belongs to the digest
        }
        catch (InvalidDataException e)
        {
            throw ImageException.Corrupt(what, e.Message);
        }
        if (ImageDigest.From(hash.GetCurrentHash()) is var actual && actual != diffId)
        {
            throw ImageException.Corrupt(what, $"it unpacks to {actual} instead of {diffId}");
        }
    }
}
