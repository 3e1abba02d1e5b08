using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;

namespace Serval.Images;

/// <summary>Packs a directory as one layer. Equal trees give equal bytes: sorted, without times and owners.</summary>
internal static class LayerWriter
{
    /// <summary>Writes the compressed layer; returns its diff id (the digest of the tar inside).</summary>
    public static async Task<string> WriteAsync(string directory, Stream target, CancellationToken ct)
    {
        var tree = new RootedTree(directory);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        await using (var gzip = new GZipStream(target, CompressionLevel.Fastest, leaveOpen: true))
        await using (var tar = new TarWriter(new HashingStream(gzip, hash), TarEntryFormat.Gnu, leaveOpen: false))
        {
            foreach (var (name, path) in Walk(directory))
            {
                ct.ThrowIfCancellationRequested();
                await WriteAsync(tar, tree, name, path, ct);
            }
        }
        return ImageDigest.From(hash.GetCurrentHash());
    }

    private static IEnumerable<(string Name, string Path)> Walk(string directory, string prefix = "")
    {
        foreach (var path in Directory.EnumerateFileSystemEntries(directory).Order(StringComparer.Ordinal))
        {
            var name = prefix + Path.GetFileName(path);
            yield return (name, path);
            if (RootedTree.KindOf(path) == NodeKind.Directory)
            {
                foreach (var inner in Walk(path, name + "/"))
                {
                    yield return inner;
                }
            }
        }
    }

    private static async Task WriteAsync(TarWriter tar, RootedTree tree, string name, string path, CancellationToken ct)
    {
        var kind = RootedTree.KindOf(path);
        var type = kind switch
        {
            NodeKind.Directory => TarEntryType.Directory,
            NodeKind.Link => TarEntryType.SymbolicLink,
            _ => TarEntryType.RegularFile,
        };
        var entry = new GnuTarEntry(type, kind == NodeKind.Directory ? name + "/" : name)
        {
            ModificationTime = DateTimeOffset.UnixEpoch,
            AccessTime = DateTimeOffset.UnixEpoch,
            ChangeTime = DateTimeOffset.UnixEpoch,
            Mode = ModeOf(path, kind),
        };
        if (kind == NodeKind.Link)
        {
            var target = new FileInfo(path).LinkTarget ?? "";
            tree.LinkTarget(Path.GetDirectoryName(path)!, target, $"directory entry \"{name}\"");
            entry.LinkName = target;
            await tar.WriteEntryAsync(entry, ct);
            return;
        }
        if (kind == NodeKind.Directory)
        {
            await tar.WriteEntryAsync(entry, ct);
            return;
        }
        if (!FileType.IsRegular(path))
        {
            throw new ImageException(ImageError.Invalid, $"{path} is a socket, a pipe or a device, which an image cannot hold; remove it from the directory");
        }
        await using var content = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        entry.DataStream = content;
        await tar.WriteEntryAsync(entry, ct);
    }

    private static UnixFileMode ModeOf(string path, NodeKind kind)
    {
        const UnixFileMode Usual = (UnixFileMode)0x1ED; // rwxr-xr-x
        const UnixFileMode All = (UnixFileMode)0x1FF;
        return kind == NodeKind.Link ? All : OperatingSystem.IsWindows() ? Usual : File.GetUnixFileMode(path) & All;
    }
}
