using System.Formats.Tar;
using System.Globalization;

namespace Serval.Images;

/// <summary>
/// A tar archive, spread once into numbered temporary files: members come in any order, and names in it never become paths.
/// </summary>
internal sealed class TarSource : ImageSource
{
    private const int MaxMembers = 100_000;
    private readonly string _directory;
    private readonly Dictionary<string, string> _members = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _links = new(StringComparer.Ordinal);
    private int _entries;

    private TarSource(string name, string directory)
    {
        Name = name;
        _directory = directory;
    }

    public override string Name { get; }

    public static async Task<TarSource> ReadAsync(string file, string temporary, ImageLimits limits, CancellationToken ct)
    {
        var source = new TarSource(file, Path.Combine(temporary, Path.GetRandomFileName()));
        try
        {
            Directory.CreateDirectory(source._directory);
            await source.FillAsync(file, limits, ct);
            return source;
        }
        catch
        {
            source.Dispose();
            throw;
        }
    }

    public override FileStream? Open(string member)
    {
        var name = Normal(member);
        for (var hops = 0; hops < 8 && _links.TryGetValue(name, out var target); hops++)
        {
            name = target;
        }
        return _members.TryGetValue(name, out var path) ? new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16) : null;
    }

    protected override void Dispose(bool disposing)
    {
        RootedTree.Delete(_directory);
        base.Dispose(disposing);
    }

    private static string Normal(string name) => string.Join('/', name.Split('/').Where(p => p.Length > 0 && p != "."));

    private async Task FillAsync(string file, ImageLimits limits, CancellationToken ct)
    {
        await using var raw = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
        await using var content = Compression.Decompress(raw, file);
        await using var reader = new TarReader(content, leaveOpen: true);
        try
        {
            while (await TarEntries.NextAsync(reader, ct) is { } entry)
            {
                await TakeAsync(entry, limits, ct);
            }
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException or FormatException)
        {
            throw new ImageException(ImageError.Corrupt, $"{file} is cut off or not a tar archive ({e.Message}); save the image again", e);
        }
        if (_members.Count == 0)
        {
            throw new ImageException(ImageError.Corrupt, $"{file} holds no files; it is cut off or not an image archive: save the image again");
        }
    }

    private async Task TakeAsync(TarEntry entry, ImageLimits limits, CancellationToken ct)
    {
        if (++_entries > MaxMembers)
        {
            throw new ImageException(ImageError.TooLarge, $"{Name} has more than {MaxMembers} members; save fewer images at once");
        }
        if (entry.EntryType is TarEntryType.SymbolicLink or TarEntryType.HardLink)
        {
            // `docker save` of old links equal layers to one another: "../<id>/layer.tar".
            var from = entry.EntryType == TarEntryType.HardLink ? "/" : "/" + Path.GetDirectoryName(Normal(entry.Name));
            _links[Normal(entry.Name)] = Path.GetFullPath(Path.Combine(from, entry.LinkName)).TrimStart('/');
            return;
        }
        if (entry.EntryType is not (TarEntryType.RegularFile or TarEntryType.V7RegularFile))
        {
            return;
        }
        if (entry.Length > limits.MaxBlobBytes)
        {
            throw new ImageException(ImageError.TooLarge, $"{Name}: member \"{entry.Name}\" has more than {limits.MaxBlobBytes} bytes; save a smaller image");
        }
        await WriteAsync(entry, ct);
    }

    private async Task WriteAsync(TarEntry entry, CancellationToken ct)
    {
        var path = Path.Combine(_directory, _entries.ToString(CultureInfo.InvariantCulture));
        await using var target = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 16);
        if (entry.DataStream is { } data)
        {
            await data.CopyToAsync(target, ct);
        }
        if (target.Length != entry.Length)
        {
            throw new EndOfStreamException($"member \"{entry.Name}\" is cut off");
        }
        _members[Normal(entry.Name)] = path;
    }
}
