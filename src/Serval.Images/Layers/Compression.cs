using System.IO.Compression;

namespace Serval.Images;

/// <summary>Opens a file by what its first bytes say it is.</summary>
internal static class Compression
{
    public static Stream Decompress(Stream file, string what)
    {
        Span<byte> magic = stackalloc byte[4];
        var read = file.ReadAtLeast(magic, magic.Length, throwOnEndOfStream: false);
        file.Position = 0;
        if (read >= 2 && magic[0] == 0x1f && magic[1] == 0x8b)
        {
            return new GZipStream(file, CompressionMode.Decompress);
        }
        if (read == 4 && magic.SequenceEqual<byte>([0x28, 0xb5, 0x2f, 0xfd]))
        {
            throw new ImageException(
                ImageError.Unsupported, $"{what} is compressed with zstd, which Serval does not read; convert it: skopeo copy --dest-compress-format gzip …");
        }
        return file;
    }
}
