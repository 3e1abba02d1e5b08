namespace Serval.Images;

/// <summary>A directory for its owner alone: what lies below may keep modes that allow more, an unpacked image's for example.</summary>
public static class PrivateDirectory
{
    private const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>Makes it, or closes one that is there. One whose mode cannot be changed, as it is another user's, stays as open as it is.</summary>
    public static void Create(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path);
            return;
        }
        Directory.CreateDirectory(path, Owner);
        if (File.GetUnixFileMode(path) == Owner)
        {
            return;
        }
        try
        {
            File.SetUnixFileMode(path, Owner);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A volume, for example; whoever starts Serval is warned of a data directory that others can look into.
        }
    }
}
