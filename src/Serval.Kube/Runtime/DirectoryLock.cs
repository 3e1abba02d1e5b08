using System.Globalization;

namespace Serval.Kube;

/// <summary>Holds a data directory for one process. The kernel drops the lock with the process, so a crash leaves nothing behind.</summary>
public sealed class DirectoryLock : IDisposable
{
    // What opening a file that another process holds says: the system's own number, or Windows' code.
    private const int WouldBlock = 11;
    private const int WouldBlockOnMac = 35;
    private const int SharingViolation = unchecked((int)0x80070020);

    private readonly FileStream _held;

    private DirectoryLock(FileStream held) => _held = held;

    /// <summary>Takes a data directory that exists, or a part of it.</summary>
    /// <exception cref="DirectoryInUseException">Another has it: which process.</exception>
    public static DirectoryLock Take(string directory, string part = "")
    {
        var place = Path.Combine(directory, part);
        var pidFile = Path.Combine(place, "serval.pid");
        FileStream held;
        try
        {
            held = new FileStream(Path.Combine(place, "serval.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e) when (e.HResult is WouldBlock or WouldBlockOnMac or SharingViolation)
        {
            throw new DirectoryInUseException(
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
