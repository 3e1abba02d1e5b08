namespace Serval.Cli;

/// <summary>The directory everything is kept in.</summary>
internal static class DataDirectory
{
    /// <summary>Makes it when it is missing, for its owner only: keys of the server lie in it.</summary>
    public static void CreatePrivate(string path)
    {
        try
        {
            Create(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CliException(
                ExitCodes.Failed, $"the data directory {path} cannot be created: {e.Message.TrimEnd('.')}; name another one with --data-dir or SERVAL_DATA_DIR", e);
        }
    }

    private static void Create(string path)
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
