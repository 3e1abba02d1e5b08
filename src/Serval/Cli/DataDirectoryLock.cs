namespace Serval.Cli;

/// <summary>One server a data directory. The lock ends with the process, however it ends.</summary>
internal sealed class DataDirectoryLock : IDisposable
{
    private readonly FileStream _file;

    private DataDirectoryLock(FileStream file) => _file = file;

    public static DataDirectoryLock Take(string dataDirectory)
    {
        CreatePrivate(dataDirectory);
        var path = Path.Combine(dataDirectory, "up.lock");
        try
        {
            return new DataDirectoryLock(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException e) when (File.Exists(path))
        {
            var who = RunState.Read(dataDirectory) is { } state ? $"process {state.ProcessId} at {state.Gateway}" : "another process";
            throw new CliException(
                ExitCodes.Failed, $"the data directory {dataDirectory} is in use by {who}; stop that server, or name another directory with --data-dir (and --http-port 0 --api-port 0)", e);
        }
    }

    public void Dispose() => _file.Dispose();

    // Keys of the server lie in it.
    private static void CreatePrivate(string path)
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
