using System.Formats.Tar;
using System.Text.Json;

namespace Serval.Images;

/// <summary>Writes an image as an OCI layout: a directory, or one tar file when the path ends in <c>.tar</c>.</summary>
internal sealed class ArchiveWriter(BlobStore blobs)
{
    public async Task WriteAsync(ImageReference name, string digest, OciManifest manifest, string path, CancellationToken ct)
    {
        var digests = manifest.Layers!.Append(manifest.Config!).Select(d => d.Digest).Append(digest).Distinct(StringComparer.Ordinal).ToArray();
        var documents = new Dictionary<string, byte[]>(StringComparer.Ordinal)
        {
            ["index.json"] = JsonSerializer.SerializeToUtf8Bytes(IndexOf(name, digest), OciJson.Default.OciIndex),
            ["oci-layout"] = JsonSerializer.SerializeToUtf8Bytes(new OciLayoutMarker(), OciJson.Default.OciLayoutMarker),
        };
        if (path.EndsWith(".tar", StringComparison.OrdinalIgnoreCase))
        {
            await WriteTarAsync(documents, digests, path, ct);
        }
        else
        {
            await WriteDirectoryAsync(documents, digests, path, ct);
        }
    }

    private OciIndex IndexOf(ImageReference name, string digest)
    {
        var annotations = new SortedDictionary<string, string>(StringComparer.Ordinal);
        if (name.Tag.Length > 0)
        {
            annotations["io.containerd.image.name"] = name.Tagged;
            annotations["org.opencontainers.image.ref.name"] = name.Tag;
        }
        var descriptor = new OciDescriptor
        {
            MediaType = MediaTypes.Manifest, Digest = digest, Size = new FileInfo(blobs.PathOf(digest)).Length, Annotations = annotations,
        };
        return new OciIndex { SchemaVersion = 2, MediaType = MediaTypes.Index, Manifests = [descriptor] };
    }

    private async Task WriteDirectoryAsync(Dictionary<string, byte[]> documents, string[] digests, string path, CancellationToken ct)
    {
        if (Directory.Exists(path) && Directory.EnumerateFileSystemEntries(path).Any())
        {
            throw new ImageException(ImageError.Invalid, $"{path} is not empty; name a new directory or a .tar file");
        }
        var folder = Directory.CreateDirectory(Path.Combine(path, "blobs", "sha256")).FullName;
        foreach (var digest in digests)
        {
            await using var from = blobs.Open(digest, "the image");
            await using var to = new FileStream(Path.Combine(folder, ImageDigest.Hex(digest)), FileMode.CreateNew);
            await from.CopyToAsync(to, ct);
        }
        foreach (var (name, bytes) in documents)
        {
            await File.WriteAllBytesAsync(Path.Combine(path, name), bytes, ct);
        }
    }

    private async Task WriteTarAsync(Dictionary<string, byte[]> documents, string[] digests, string path, CancellationToken ct)
    {
        await using var file = new FileStream(path, FileMode.Create);
        await using var tar = new TarWriter(file, TarEntryFormat.Gnu);
        foreach (var folder in (string[])["blobs/", "blobs/sha256/"])
        {
            await tar.WriteEntryAsync(new GnuTarEntry(TarEntryType.Directory, folder) { ModificationTime = DateTimeOffset.UnixEpoch }, ct);
        }
        foreach (var digest in digests.Order(StringComparer.Ordinal))
        {
            await using var content = blobs.Open(digest, "the image");
            await tar.WriteEntryAsync(Entry("blobs/sha256/" + ImageDigest.Hex(digest), content), ct);
        }
        foreach (var (name, bytes) in documents)
        {
            using var content = new MemoryStream(bytes);
            await tar.WriteEntryAsync(Entry(name, content), ct);
        }
    }

    private static GnuTarEntry Entry(string name, Stream content) =>
        new(TarEntryType.RegularFile, name) { ModificationTime = DateTimeOffset.UnixEpoch, DataStream = content };
}
