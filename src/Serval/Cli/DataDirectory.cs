using System.Diagnostics;

namespace Serval.Cli;

/// <summary>The directory everything is kept in.</summary>
internal static class DataDirectory
{
    /// <summary>What a start writes, and a little more: with less, a server would only begin and fail.</summary>
    private const long LeastFreeBytes = 1 << 20;

    private const string AnotherOne = $"name another directory with --data-dir or {SharedOptions.DataDirectoryVariable}";

    private const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode Others = (UnixFileMode)0b_111_111;

    /// <summary>What Serval itself puts there, beside everything that begins with one of <see cref="s_prefixes"/>.</summary>
    private static readonly string[] s_own = ["certificates", "images", "node", "pods", "work", "kubeconfig", "kubeconfig-controller", "kubeconfig-gateway", "kubeconfig-node"];

    private static readonly string[] s_prefixes = ["serval.", ".serval-", "audit.log"];

    /// <summary>
    /// Makes it when it is missing, for its owner only (keys of the server lie in it), and tries whether it can be written. Throws
    /// <see cref="CliException"/> with the cause and what to do. One that others may look into is closed to them, which <paramref name="warn"/>
    /// is told; one that holds other things too is left as it is, for who else may need it.
    /// </summary>
    public static void Prepare(string path, Action<string> warn)
    {
        try
        {
            Create(path);
            using (new FileStream(Path.Combine(path, ".serval-writable"), FileMode.Create, FileAccess.Write, FileShare.ReadWrite, 1, FileOptions.DeleteOnClose))
            {
                // that it could be made is the answer
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unusable(path, FileFailure.Advice(e) ?? e.Message.TrimEnd('.'), e); // the path is that of the directory, or of nothing anybody knows
        }
        if (Free(path) is < LeastFreeBytes and var left)
        {
            throw Unusable(path, $"its disk is full ({left >> 10} KB left): free some space");
        }
        try
        {
            if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & Others) != 0)
            {
                Tighten(path, warn); // only where a start is possible: a refusal is one line
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A directory of another user that we may write to, a volume for example: it works, as open as it is.
            warn($"other users may look into the data directory {path}, and its mode cannot be changed: {FileFailure.Explain(e)}");
        }
    }

    /// <summary>A failed read or write below the directory, for people.</summary>
    public static CliException Unusable(string path, Exception e) =>
        Unusable(path, $"{e.Message.TrimEnd('.')}; {FileFailure.Advice(e) ?? "look at what is there"}", e);

    private static CliException Unusable(string path, string why, Exception? e = null) => new(
        ExitCodes.Failed, $"the data directory {path} cannot be used: {why}, or {AnotherOne}", e);

    private static long? Free(string path)
    {
        try
        {
            var disk = new DriveInfo(path);
            return disk.TotalSize > 0 ? disk.AvailableFreeSpace : null; // some file systems do not count
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null; // whoever writes will see
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
            Directory.CreateDirectory(path, Owner);
        }
    }

    private static void Tighten(string path, Action<string> warn)
    {
        Debug.Assert(!OperatingSystem.IsWindows(), "there are no such modes");
        var stranger = Directory.EnumerateFileSystemEntries(path).Select(e => Path.GetFileName(e)).FirstOrDefault(name =>
            !s_prefixes.Any(p => name.StartsWith(p, StringComparison.Ordinal)) && !s_own.Contains(name));
        if (stranger is not null)
        {
            warn($"other users may look into the data directory {path}; its mode stays as it is because {stranger} is not Serval's: give Serval a directory of its own with --data-dir");
            return;
        }
        File.SetUnixFileMode(path, Owner);
        warn($"other users could look into the data directory {path}; now only its owner can");
    }
}
