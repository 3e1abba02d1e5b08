using System.Formats.Tar;

namespace Serval.Images;

/// <summary>Applies layers, lowest first, to one directory (OCI image-spec: layer.md).</summary>
internal sealed class LayerUnpacker(string root, ImageLimits limits)
{
    private const string WhiteoutPrefix = ".wh.";
    private const string OpaqueMarker = ".wh..wh..opq";
    private const UnixFileMode Permissions = (UnixFileMode)0x1FF | UnixFileMode.StickyBit;

    private readonly RootedTree _tree = new(root);
    private readonly Dictionary<string, UnixFileMode> _directoryModes = new(StringComparer.Ordinal);
    private readonly HashSet<string> _thisLayer = new(StringComparer.Ordinal);
    private long _bytes;
    private int _entries;

    public async Task ApplyAsync(Stream tar, string what, CancellationToken ct)
    {
        _thisLayer.Clear();
        await using var reader = new TarReader(tar, leaveOpen: true);
        try
        {
            while (await TarEntries.NextAsync(reader, ct) is { } entry)
            {
                if (++_entries > limits.MaxEntries)
                {
                    throw new ImageException(ImageError.TooLarge, $"{what}: the image has more than {limits.MaxEntries} files; make it smaller");
                }
                await ApplyAsync(entry, what, ct);
            }
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException or FormatException)
        {
            throw ImageException.Corrupt(what, e.Message);
        }
    }

    /// <summary>Directory modes come last, so that a read-only directory can still be filled.</summary>
    public void Finish()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }
        foreach (var (path, mode) in _directoryModes.OrderByDescending(m => m.Key.Length))
        {
            if (RootedTree.KindOf(path) == NodeKind.Directory)
            {
                File.SetUnixFileMode(path, mode);
            }
        }
    }

    private async Task ApplyAsync(TarEntry entry, string what, CancellationToken ct)
    {
        if (entry.EntryType is TarEntryType.GlobalExtendedAttributes)
        {
            return;
        }
        var parts = RootedTree.Split(entry.Name, what);
        if (parts.Length == 0)
        {
            return;
        }
        var parent = _tree.ParentOf(parts, what);
        if (parts[^1].StartsWith(WhiteoutPrefix, StringComparison.Ordinal))
        {
            Whiteout(parent, parts[^1], what);
            return;
        }
        var path = Path.Combine(parent, parts[^1]);
        await PlaceAsync(entry, parent, path, what, ct);
        for (var p = path; p.Length > _tree.Root.Length && _thisLayer.Add(p); p = Path.GetDirectoryName(p)!)
        {
        }
    }

    private async Task PlaceAsync(TarEntry entry, string parent, string path, string what, CancellationToken ct)
    {
        switch (entry.EntryType)
        {
            case TarEntryType.Directory:
                PlaceDirectory(entry, path);
                break;
            case TarEntryType.RegularFile or TarEntryType.V7RegularFile or TarEntryType.ContiguousFile:
                RootedTree.Delete(path);
                await PlaceFileAsync(entry, path, what, ct);
                break;
            case TarEntryType.SymbolicLink:
                var target = _tree.LinkTarget(parent, entry.LinkName, what);
                RootedTree.Delete(path);
                File.CreateSymbolicLink(path, target);
                break;
            case TarEntryType.HardLink:
                PlaceHardLink(entry, path, what);
                break;
            case TarEntryType.CharacterDevice or TarEntryType.BlockDevice or TarEntryType.Fifo:
                RootedTree.Delete(path); // device nodes need privileges and mean nothing to a process on this machine
                break;
            default:
                throw new ImageException(
                    ImageError.Unsupported, $"{what}: entry \"{entry.Name}\" has the tar type {entry.EntryType}, which Serval does not unpack; rebuild the layer");
        }
    }

    private void PlaceDirectory(TarEntry entry, string path)
    {
        if (RootedTree.KindOf(path) != NodeKind.Directory)
        {
            RootedTree.Delete(path);
            Directory.CreateDirectory(path);
        }
        Ownership.Give(path, entry.Uid, entry.Gid);
        _directoryModes[path] = entry.Mode & Permissions;
    }

    private async Task PlaceFileAsync(TarEntry entry, string path, string what, CancellationToken ct)
    {
        _bytes += entry.Length;
        if (_bytes > limits.MaxUnpackedBytes)
        {
            throw new ImageException(ImageError.TooLarge, $"{what}: the image unpacks to more than {limits.MaxUnpackedBytes} bytes; make it smaller");
        }
        await using (var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0))
        {
            if (entry.DataStream is { } data)
            {
                await data.CopyToAsync(file, ct);
            }
            if (file.Length != entry.Length)
            {
                throw ImageException.Corrupt(what, $"entry \"{entry.Name}\" is cut off");
            }
        }
        Ownership.Give(path, entry.Uid, entry.Gid);
        if (!OperatingSystem.IsWindows())
        {
            // No set-user-id bits: the tree lies in the host's file system, where they would hand out the host's rights.
            File.SetUnixFileMode(path, entry.Mode & Permissions);
        }
    }

    private void PlaceHardLink(TarEntry entry, string path, string what)
    {
        var parts = RootedTree.Split(entry.LinkName, what);
        var existing = parts.Length == 0 ? _tree.Root : Path.Combine(_tree.ParentOf(parts, what), parts[^1]);
        var kind = RootedTree.KindOf(existing);
        if (kind is NodeKind.Missing or NodeKind.Directory)
        {
            throw new ImageException(
                ImageError.Unsafe, $"{what}: entry \"{entry.Name}\" is a hard link to \"{entry.LinkName}\", which is not a file of the image; rebuild the layer");
        }
        if (existing == path)
        {
            return;
        }
        RootedTree.Delete(path);
        if (kind == NodeKind.Link)
        {
            // Made again for its new place: a relative target means something else there.
            var target = new FileInfo(existing).LinkTarget ?? "";
            var resolved = Path.GetRelativePath(_tree.Root, Path.GetFullPath(Path.Combine(Path.GetDirectoryName(existing)!, target)));
            File.CreateSymbolicLink(path, _tree.LinkTarget(Path.GetDirectoryName(path)!, "/" + resolved, what));
            return;
        }
        HardLink.Create(existing, path);
    }

    private void Whiteout(string parent, string name, string what)
    {
        if (name == OpaqueMarker)
        {
            Clear(parent);
            return;
        }
        var hidden = name[WhiteoutPrefix.Length..];
        if (hidden.Length == 0 || hidden is "." or "..")
        {
            throw new ImageException(ImageError.Unsafe, $"{what}: \"{name}\" hides nothing that an image may hide; rebuild the layer");
        }
        var path = Path.Combine(parent, hidden);
        if (!_thisLayer.Contains(path))
        {
            RootedTree.Delete(path);
        }
        else if (RootedTree.KindOf(path) == NodeKind.Directory)
        {
            Clear(path);
        }
    }

    // What lower layers put here goes; what this layer put here before the marker stays.
    private void Clear(string directory)
    {
        foreach (var child in Directory.GetFileSystemEntries(directory))
        {
            if (!_thisLayer.Contains(child))
            {
                RootedTree.Delete(child);
            }
            else if (RootedTree.KindOf(child) == NodeKind.Directory)
            {
                Clear(child);
            }
        }
    }
}
