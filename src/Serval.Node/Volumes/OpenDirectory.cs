namespace Serval.Node.Volumes;

/// <summary>Directories that a container's user can enter, whatever this process' umask.</summary>
internal static class OpenDirectory
{
    /// <summary>rwxr-xr-x.</summary>
    public const UnixFileMode Mode = (UnixFileMode)0x1ED;

    /// <summary>Makes a directory and those above it that do not exist; those that do keep their modes.</summary>
    public static void Create(string path, UnixFileMode mode = Mode)
    {
        if (Directory.Exists(path))
        {
            return;
        }
        if (Path.GetDirectoryName(path) is { Length: > 0 } parent)
        {
            Create(parent, mode);
        }
        Directory.CreateDirectory(path);
        File.SetUnixFileMode(path, mode | (File.GetUnixFileMode(path) & UnixFileMode.SetGroup)); // handed down from the directory above
    }
}
