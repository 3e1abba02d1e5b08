using System.Security.Cryptography;

namespace Serval.Images;

/// <summary>Content under its own digest: written to a temporary file, verified, synced, then renamed into place.</summary>
internal sealed class BlobStore(string directory, string temporary, ImageLimits limits)
{
    private readonly string _blobs = Path.Combine(directory, "blobs", "sha256");

    public string PathOf(string digest) => Path.Combine(_blobs, ImageDigest.Hex(digest));

    public bool Contains(string digest) => File.Exists(PathOf(digest));

    public IEnumerable<string> Digests() =>
        Directory.Exists(_blobs) ? Directory.EnumerateFiles(_blobs).Select(f => ImageDigest.Prefix + Path.GetFileName(f)) : [];

    /// <summary>Stores bytes; returns their descriptor.</summary>
    public async Task<OciDescriptor> PutAsync(byte[] bytes, string mediaType, CancellationToken ct)
    {
        using var stream = new MemoryStream(bytes, writable: false);
        return await PutAsync(stream, mediaType, expected: null, ct);
    }

    /// <summary>Stores a stream; when <paramref name="expected"/> is given, anything else is refused.</summary>
    public Task<OciDescriptor> PutAsync(Stream content, string mediaType, string? expected, CancellationToken ct) =>
        PutAsync((target, token) => CopyAsync(content, target, token), mediaType, expected, ct);

    /// <summary>Stores what <paramref name="write"/> writes.</summary>
    public async Task<OciDescriptor> PutAsync(
        Func<Stream, CancellationToken, Task> write, string mediaType, string? expected, CancellationToken ct)
    {
        Directory.CreateDirectory(temporary);
        var temp = Path.Combine(temporary, Path.GetRandomFileName());
        try
        {
            string digest;
            long size;
            await using (var file = new FileStream(temp, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 16))
            {
                using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
                await using (var hashing = new HashingStream(file, hash))
                {
                    await write(hashing, ct);
                    await hashing.FlushAsync(ct);
                }
                digest = ImageDigest.From(hash.GetCurrentHash());
                size = file.Length;
                if (expected is not null && digest != expected)
                {
                    throw ImageException.Corrupt($"blob {expected}", $"its content has the digest {digest}");
                }
                file.Flush(flushToDisk: true);
            }
            Directory.CreateDirectory(_blobs);
            File.Move(temp, PathOf(digest), overwrite: true);
            return new OciDescriptor { MediaType = mediaType, Digest = digest, Size = size };
        }
        finally
        {
            File.Delete(temp);
        }
    }

    /// <summary>A small document, verified against its digest.</summary>
    public async Task<byte[]> ReadAsync(string digest, string what, CancellationToken ct)
    {
        var path = PathOf(digest);
        if (!File.Exists(path))
        {
            throw ImageException.Corrupt(what, $"blob {digest} is missing from the store");
        }
        if (new FileInfo(path).Length > limits.MaxDocumentBytes)
        {
            throw new ImageException(ImageError.TooLarge, $"{what} is larger than {limits.MaxDocumentBytes} bytes; this is not an image Serval can read");
        }
        var bytes = await File.ReadAllBytesAsync(path, ct);
        return ImageDigest.Of(bytes) == digest ? bytes : throw ImageException.Corrupt(what, $"blob {digest} does not have that digest any more");
    }

    public FileStream Open(string digest, string what) =>
        Contains(digest)
            ? new FileStream(PathOf(digest), FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 1 << 16)
            : throw ImageException.Corrupt(what, $"blob {digest} is missing from the store");

    public long Delete(string digest)
    {
        var file = new FileInfo(PathOf(digest));
        var size = file.Exists ? file.Length : 0;
        file.Delete();
        return size;
    }

    private async Task CopyAsync(Stream from, Stream to, CancellationToken ct)
    {
        var buffer = new byte[1 << 16];
        long total = 0;
        int read;
        while ((read = await from.ReadAsync(buffer, ct)) > 0)
        {
            total += read;
            if (total > limits.MaxBlobBytes)
            {
                throw new ImageException(ImageError.TooLarge, $"a blob is larger than {limits.MaxBlobBytes} bytes; split the layer");
            }
            await to.WriteAsync(buffer.AsMemory(0, read), ct);
        }
    }
}
