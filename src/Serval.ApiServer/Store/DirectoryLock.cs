using System.Globalization;

namespace Serval.ApiServer.Store;

/// <summary>Holds a data directory for one process. The kernel drops the lock with the process, so a crash leaves nothing behind.</summary>
public sealed class DirectoryLock : IDisposable
{
    // What opening a file that another process holds says: the system's own number, or Windows' code.
    private const int WouldBlock = 11;
    private const int WouldBlockOnMac = 35;
    private const int SharingViolation = unchecked((int)0x80070020);

    private readonly FileStream _held;

    private DirectoryLock(FileStream held) => _held = held;

    /// <summary>Takes a directory that exists. Throws <see cref="StoreException"/> with the process that has it.</summary>
    public static DirectoryLock Take(string directory)
    {
        var pidFile = Path.Combine(directory, "serval.pid");
        FileStream held;
        try
        {
            held = new FileStream(Path.Combine(directory, "serval.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e) when (e.HResult is WouldBlock or WouldBlockOnMac or SharingViolation)
        {
            throw new StoreException(
                $"the data directory {directory} is in use by the process {HolderOf(pidFile)}: stop that one, or give this one another --data-dir", e);
        }
        File.WriteAllText(pidFile, Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
        return new DirectoryLock(held);
    }

    public void Dispose() => _held.Dispose();

    private static string HolderOf(string pidFile)
    {
        try
        {
            return File.ReadAllText(pidFile).Trim();
        }
        catch (IOException)
        {
            return "(unknown)";
        }
    }
}
