using Serval.ApiServer.Certificates;
using Serval.ApiServer.Store;
using Serval.Cli;
using Serval.Kube;

namespace Serval.Backup;

/// <summary>
/// Puts a backup into a data directory nobody uses. It is unpacked and compared inside of the directory first, on the same disk, so what remains is to rename;
/// the database comes last.
/// </summary>
internal static class Restoration
{
    private const string Draft = ".serval-restoring";
    private const string Replaced = ".serval-replaced-";

    /// <summary>What taking the directory leaves in it, and an attempt that was cut short.</summary>
    private static readonly string[] s_nothing = ["serval.lock", "serval.pid", Draft];

    /// <summary>Gives the manifest, and where what was there lies now, if something was.</summary>
    /// <param name="backup">The file.</param>
    /// <param name="data">A directory that exists.</param>
    /// <param name="force">Moves what is there aside instead of refusing.</param>
    /// <param name="now">Names the place it is moved to.</param>
    /// <param name="ct">Ends it before anything is replaced.</param>
    public static async Task<(BackupManifest Manifest, string? Aside)> RunAsync(string backup, string data, bool force, DateTimeOffset now, CancellationToken ct)
    {
        if (!File.Exists(Path.Combine(data, "serval.lock")))
        {
            RequireEmpty(data, force); // somebody else's directory stays as it is
        }
        using var held = DirectoryLock.Take(data);
        RequireEmpty(data, force);
        var draft = Path.Combine(data, Draft);
        Discard(draft); // of an attempt that was cut short
        try
        {
            var manifest = await BackupReader.UnpackAsync(backup, draft, ct);
            StoreCopy.Adopt(Path.Combine(draft, StoreCopy.FileName), backup);
            string[] parts = ["certificates", .. manifest.Images ? (string[])["images"] : [], StoreCopy.FileName];
            var aside = Path.Combine(data, $"{Replaced}{now:yyyyMMdd'T'HHmmss'Z'}");
            foreach (var old in (string[])[.. parts, StoreCopy.FileName + "-wal", StoreCopy.FileName + "-shm"])
            {
                Move(data, aside, old);
            }
            foreach (var part in parts)
            {
                Move(draft, data, part);
            }
            return (manifest, Directory.Exists(aside) ? aside : null);
        }
        finally
        {
            Discard(draft);
        }
    }

    private static void RequireEmpty(string data, bool force)
    {
        if (!force && Directory.EnumerateFileSystemEntries(data).Any(e => !s_nothing.Contains(Path.GetFileName(e))))
        {
            throw new CliException(ExitCodes.Failed, $"the data directory {data} is not empty: name a new one with --data-dir, or let what is there be moved aside with --force");
        }
    }

    private static void Move(string from, string to, string name)
    {
        var path = Path.Combine(from, name);
        if (Path.Exists(path))
        {
            PrivateFile.CreateDirectory(to);
            Directory.Move(path, Path.Combine(to, name)); // a file as well
        }
    }

    private static void Discard(string draft)
    {
        if (Directory.Exists(draft))
        {
            Directory.Delete(draft, recursive: true);
        }
    }
}
