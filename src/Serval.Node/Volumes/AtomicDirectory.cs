using Serval.Node.Processes;

namespace Serval.Node.Volumes;

/// <summary>A file of a volume.</summary>
/// <param name="Data">What is in it.</param>
/// <param name="Mode">Its mode.</param>
/// <param name="User">Whose it is; -1 is Serval's.</param>
internal readonly record struct VolumeFile(byte[] Data, int Mode, int User = -1);

/// <summary>
/// A directory of files that changes all at once, laid out as kubelet does: each name is a link into <c>..data</c>, which is a link to the
/// directory of the present version and is swapped by one rename.
/// </summary>
internal static class AtomicDirectory
{
    private const string Data = "..data";
    private const int GroupReads = 0x120; // r--r-----: kubelet's of volumes that are read-only (pkg/volume, SetVolumeOwnership)

    /// <summary>
    /// Makes the directory hold exactly these files. Nothing is written when it does already. A <paramref name="group"/> that is not -1 owns them
    /// and may read them.
    /// </summary>
    public static void Write(string directory, IReadOnlyDictionary<string, VolumeFile> files, int group = -1)
    {
        if (group >= 0)
        {
            files = files.ToDictionary(f => f.Key, f => f.Value with { Mode = f.Value.Mode | GroupReads }, StringComparer.Ordinal);
        }
        OpenDirectory.Create(directory);
        var current = new FileInfo(Path.Combine(directory, Data)).LinkTarget;
        if (current is not null && Holds(Path.Combine(directory, current), files))
        {
            return;
        }
        var version = NextVersion(directory);
        try
        {
            WriteVersion(Path.Combine(directory, version), files, group);
        }
        catch
        {
            Directory.Delete(Path.Combine(directory, version), recursive: true);
            throw;
        }
        var fresh = Path.Combine(directory, Data + "_tmp");
        File.Delete(fresh);
        File.CreateSymbolicLink(fresh, version);
        if (Libc.rename(fresh, Path.Combine(directory, Data)) != 0)
        {
            throw new IOException($"cannot put the new version of volume {directory} in place: {Libc.LastErrorText()}");
        }
        LinkNames(directory, files.Keys.Select(f => f.Split('/')[0]).ToHashSet(StringComparer.Ordinal));
        if (current is not null)
        {
            Directory.Delete(Path.Combine(directory, current), recursive: true);
        }
    }

    private static bool Holds(string version, IReadOnlyDictionary<string, VolumeFile> files)
    {
        if (!Directory.Exists(version) || Directory.GetFiles(version, "*", SearchOption.AllDirectories).Length != files.Count)
        {
            return false;
        }
        return files.All(f => Path.Combine(version, f.Key) is var path && File.Exists(path)
            && (int)File.GetUnixFileMode(path) == f.Value.Mode && File.ReadAllBytes(path).AsSpan().SequenceEqual(f.Value.Data));
    }

    private static string NextVersion(string directory)
    {
        for (var n = 1; ; n++)
        {
            var name = $"..v{n}";
            if (!Path.Exists(Path.Combine(directory, name)))
            {
                return name;
            }
        }
    }

    private static void WriteVersion(string version, IReadOnlyDictionary<string, VolumeFile> files, int group)
    {
        OpenDirectory.Create(version);
        foreach (var (name, file) in files)
        {
            var path = Path.Combine(version, name);
            OpenDirectory.Create(Path.GetDirectoryName(path)!);
            File.WriteAllBytes(path, file.Data);
            _ = Libc.chown(path, file.User, group);
            File.SetUnixFileMode(path, (UnixFileMode)file.Mode);
        }
    }

    private static void LinkNames(string directory, HashSet<string> names)
    {
        foreach (var entry in Directory.GetFileSystemEntries(directory).Select(e => Path.GetFileName(e)!))
        {
            if (!entry.StartsWith("..", StringComparison.Ordinal) && !names.Remove(entry))
            {
                File.Delete(Path.Combine(directory, entry));
            }
        }
        foreach (var name in names)
        {
            File.CreateSymbolicLink(Path.Combine(directory, name), $"{Data}/{name}");
        }
    }
}
