namespace Serval.Cli;

/// <summary>The directory everything is kept in.</summary>
internal static class DataDirectory
{
    /// <summary>Makes it when it is missing, for its owner only: keys of the server lie in it.</summary>
    public static void CreatePrivate(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path);
        }
        else
        {
            Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }
}
