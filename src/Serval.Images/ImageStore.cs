using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Serval.Images;

/// <summary>
/// The images of a data directory: blobs by digest, names, and unpacked roots. Several processes may use one directory at the same time;
/// everything appears by rename, so readers need no lock.
/// </summary>
public sealed class ImageStore
{
    private readonly TimeProvider _time;
    private readonly ImageLimits _limits;
    private readonly BlobStore _blobs;
    private readonly TagIndex _tags;
    private readonly RootStore _roots;
    private readonly string _temporary;

    /// <param name="dataDirectory">Serval's data directory; images lie in <c>images</c> below it.</param>
    /// <param name="time">Clock for the time an image was added.</param>
    /// <param name="limits">Bounds on what is stored and unpacked.</param>
    public ImageStore(string dataDirectory, TimeProvider? time = null, ImageLimits? limits = null)
    {
        DirectoryPath = Path.Combine(Path.GetFullPath(dataDirectory), "images");
        _time = time ?? TimeProvider.System;
        _limits = limits ?? new ImageLimits();
        _temporary = Path.Combine(DirectoryPath, "tmp");
        _blobs = new BlobStore(DirectoryPath, _temporary, _limits);
        _tags = new TagIndex(DirectoryPath, _temporary);
        _roots = new RootStore(DirectoryPath, _temporary, _blobs, _limits);
        PrivateDirectory.Create(DirectoryPath);
    }

    /// <summary>Where the store lies.</summary>
    public string DirectoryPath { get; }

    /// <summary>
    /// Makes an image of one layer out of a directory. The same directory and configuration always give the same digest.
    /// </summary>
    public async Task<ImageSummary> AddDirectoryAsync(string reference, string directory, ImageConfig config, CancellationToken ct = default)
    {
        var name = Tagged(reference);
        if (!Directory.Exists(directory))
        {
            throw new ImageException(ImageError.Invalid, $"cannot make image \"{name}\": {directory} is not a directory; name the directory that holds the program");
        }
        if ((config.Entrypoint ?? []).Count + (config.Cmd ?? []).Count == 0)
        {
            throw new ImageException(ImageError.Invalid, $"cannot make image \"{name}\": it has no entrypoint; say which program to run with --entrypoint");
        }
        using var held = await LockAsync(exclusive: false, ct);
        var diffId = "";
        var layer = await _blobs.PutAsync(
            async (target, token) => diffId = await LayerWriter.WriteAsync(directory, target, token), MediaTypes.LayerGzip, expected: null, ct);
        var document = new OciImageConfig
        {
            Created = "1970-01-01T00:00:00Z",
            Architecture = ImagePlatform.Architecture,
            OperatingSystem = ImagePlatform.OperatingSystemName,
            Config = Sorted(config),
            RootFileSystem = new OciRootFileSystem { DiffIds = [diffId] },
            History = [new OciHistory { Created = "1970-01-01T00:00:00Z", CreatedBy = "serval image add" }],
        };
        var manifest = new OciManifest
        {
            SchemaVersion = 2,
            MediaType = MediaTypes.Manifest,
            Config = await PutJsonAsync(document, OciJson.Default.OciImageConfig, MediaTypes.Config, ct),
            Layers = [layer],
        };
        var stored = await PutJsonAsync(manifest, OciJson.Default.OciManifest, MediaTypes.Manifest, ct);
        return await TagAsync(name, stored.Digest, ct);
    }

    /// <summary>
    /// Loads the images of a <c>docker save</c> archive or an OCI layout (tar, gzipped tar or directory).
    /// <paramref name="name"/> replaces the name the archive gives to its only image.
    /// </summary>
    public async Task<IReadOnlyList<ImageSummary>> LoadAsync(string path, string? name = null, CancellationToken ct = default)
    {
        if (!File.Exists(path) && !Directory.Exists(path))
        {
            throw new ImageException(ImageError.Invalid, $"cannot load {path}: there is no such file; name an archive of `docker save`, or an OCI layout");
        }
        using var held = await LockAsync(exclusive: false, ct);
        using ImageSource source = Directory.Exists(path) ? new DirectorySource(path) : await TarSource.ReadAsync(path, _temporary, _limits, ct);
        var images = await new ArchiveReader(source, _blobs, _limits).ReadAsync(ct);
        var plan = images.SelectMany(i => NamesOf(i, images.Count, path, name).Select(n => (Name: n, i.Manifest.Digest))).ToArray();
        var loaded = new List<ImageSummary>();
        foreach (var (reference, digest) in plan)
        {
            loaded.Add(await TagAsync(reference, digest, ct));
        }
        return loaded;
    }

    /// <summary>Writes an image as an OCI layout: a directory, or a tar file when the path ends in <c>.tar</c>.</summary>
    public async Task SaveAsync(string reference, string path, CancellationToken ct = default)
    {
        using var held = await LockAsync(exclusive: false, ct);
        var parsed = ImageReference.Parse(reference);
        var digest = DigestOf(parsed);
        await new ArchiveWriter(_blobs).WriteAsync(parsed, digest, await _roots.ManifestAsync(digest, ct), path, ct);
    }

    /// <summary>What a reference stands for; a digest in it wins over its tag.</summary>
    public ValueTask<ImageResolution> ResolveAsync(string reference, CancellationToken ct = default)
    {
        ct.ThrowIfCancellationRequested();
        var parsed = ImageReference.Parse(reference);
        var digest = DigestOf(parsed);
        return ValueTask.FromResult(new ImageResolution(digest, $"{parsed.Name}@{digest}"));
    }

    /// <summary>The unpacked image of a reference or a bare <c>sha256:…</c> digest; unpacks it on first use.</summary>
    public async ValueTask<ImageRoot> OpenRootAsync(string reference, CancellationToken ct = default)
    {
        var digest = DigestOf(reference);
        if (_roots.Ready(digest) is { } ready)
        {
            return ready;
        }
        using var held = await LockAsync(exclusive: false, ct);
        return await _roots.OpenAsync(digest, ct);
    }

    /// <summary>Names with their images, then images whose name moved on.</summary>
    public IReadOnlyList<ImageSummary> List()
    {
        var tags = _tags.Tags();
        var named = tags.Select(t => t.Digest).ToHashSet(StringComparer.Ordinal);
        var loose = _tags.Manifests().Where(m => !named.Contains(m.Digest)).Select(m => new ImageSummary("", m.Digest, SizeOf(m.Digest), m.Added));
        return [.. tags.Select(t => new ImageSummary(ImageReference.Parse(t.Reference).Familiar, t.Digest, SizeOf(t.Digest), t.Added)), .. loose];
    }

    /// <summary>
    /// Takes a name away, or with a digest all names of that image. Blobs and the unpacked root go when no name is left.
    /// </summary>
    public async Task<ImageRemoval> RemoveAsync(string reference, CancellationToken ct = default)
    {
        using var held = await LockAsync(exclusive: true, ct);
        var byDigest = ImageDigest.IsValid(reference);
        var parsed = byDigest ? null : ImageReference.Parse(reference);
        var digest = parsed is null ? DigestOf(reference) : DigestOf(parsed);
        var names = parsed is { Digest.Length: 0 } ? [parsed.Tagged] : _tags.Tags().Where(t => t.Digest == digest).Select(t => t.Reference).ToArray();
        foreach (var name in names)
        {
            _tags.DeleteTag(name);
        }
        var deleted = new List<string>();
        if (!_tags.Tags().Any(t => t.Digest == digest))
        {
            _tags.DeleteManifest(digest);
            _roots.Delete(digest);
            deleted.Add(digest);
        }
        var freed = await CollectAsync(ct);
        return new ImageRemoval([.. names.Select(n => ImageReference.Parse(n).Familiar)], deleted, freed);
    }

    /// <summary>Until it is disposed of, no process removes an image.</summary>
    public async Task<IDisposable> HoldAsync(CancellationToken ct = default) => await LockAsync(exclusive: false, ct);

    /// <summary>
    /// The files that are the images; unpacked roots follow from them. Names come before what they stand for, so that a list made while an image is added has the
    /// content of every name in it.
    /// </summary>
    public IEnumerable<string> Files() => new[] { "tags", "manifests", Path.Combine("blobs", "sha256") }
        .Select(f => Path.Combine(DirectoryPath, f))
        .Where(Directory.Exists)
        .SelectMany(f => Directory.GetFiles(f).Order(StringComparer.Ordinal));

    private static ImageReference Tagged(string reference)
    {
        var name = ImageReference.Parse(reference);
        return name.Digest.Length == 0
            ? name
            : throw new ImageException(ImageError.Invalid, $"\"{reference}\" has a digest, which follows from the content; give NAME:TAG only");
    }

    private static IEnumerable<ImageReference> NamesOf(ArchiveImage image, int count, string path, string? given)
    {
        if (given is not null)
        {
            return count == 1
                ? [Tagged(given)]
                : throw new ImageException(ImageError.Invalid, $"{path} holds {count} images, so one name does not fit; load it without a name");
        }
        // A bare tag is what `skopeo copy … oci:DIR:TAG` leaves: it is a tag of an unknown name.
        var names = image.Names.Where(n => n.AsSpan().ContainsAny(':', '/')).ToArray();
        return names.Length > 0
            ? names.Select(Tagged)
            : throw new ImageException(ImageError.Invalid, $"{path} does not name its image; give it one with --name NAME:TAG");
    }

    private static ImageConfig Sorted(ImageConfig config) => config with
    {
        Labels = config.Labels is { Count: > 0 } labels ? new SortedDictionary<string, string>(labels.ToDictionary(), StringComparer.Ordinal) : null,
        ExposedPorts = config.ExposedPorts is { Count: > 0 } ports
            ? new SortedDictionary<string, ImagePortDetails>(ports.ToDictionary(), StringComparer.Ordinal)
            : null,
    };

    private string DigestOf(string reference)
    {
        if (!ImageDigest.IsValid(reference))
        {
            return DigestOf(ImageReference.Parse(reference));
        }
        return _tags.HasManifest(reference) ? reference : throw ImageException.NotFound(reference);
    }

    private string DigestOf(ImageReference reference)
    {
        if (reference.Digest.Length > 0)
        {
            return _tags.HasManifest(reference.Digest) ? reference.Digest : throw ImageException.NotFound(reference.Familiar);
        }
        return _tags.Get(reference.Tagged)?.Digest ?? throw ImageException.NotFound(reference.Familiar);
    }

    private Task<StoreLock> LockAsync(bool exclusive, CancellationToken ct) =>
        StoreLock.AcquireAsync(Path.Combine(DirectoryPath, "lock"), exclusive, _time, ct);

    private Task<OciDescriptor> PutJsonAsync<T>(T document, JsonTypeInfo<T> type, string mediaType, CancellationToken ct) =>
        _blobs.PutAsync(JsonSerializer.SerializeToUtf8Bytes(document, type), mediaType, ct);

    private async Task<ImageSummary> TagAsync(ImageReference name, string digest, CancellationToken ct)
    {
        var record = new TagRecord(name.Tagged, digest, _time.GetUtcNow());
        await _tags.SetAsync(record, ct);
        return new ImageSummary(name.Familiar, digest, SizeOf(digest), record.Added);
    }

    private long SizeOf(string digest)
    {
        try
        {
            var manifest = JsonSerializer.Deserialize(File.ReadAllBytes(_blobs.PathOf(digest)), OciJson.Default.OciManifest);
            return manifest?.Layers is { } layers && manifest.Config is { } config ? config.Size + layers.Sum(l => l.Size) : 0;
        }
        catch (Exception e) when (e is IOException or JsonException)
        {
            return 0; // a damaged image is still listed, so that it can be removed
        }
    }

    // Runs alone (exclusive lock): whatever no remembered manifest needs, and whatever a crash left half written, goes.
    private async Task<long> CollectAsync(CancellationToken ct)
    {
        var needed = new HashSet<string>(StringComparer.Ordinal);
        foreach (var digest in _tags.Manifests().Select(m => m.Digest))
        {
            needed.Add(digest);
            try
            {
                var manifest = await _roots.ManifestAsync(digest, ct);
                needed.UnionWith(manifest.Layers!.Append(manifest.Config!).Select(d => d.Digest));
            }
            catch (ImageException)
            {
                // A damaged manifest names nothing to keep; removing or adding the image again repairs it.
            }
        }
        var freed = _blobs.Digests().Where(d => !needed.Contains(d)).ToArray().Sum(_blobs.Delete);
        RootedTree.Delete(_temporary);
        return freed;
    }
}
