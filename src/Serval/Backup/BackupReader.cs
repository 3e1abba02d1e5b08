using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using Serval.ApiServer.Certificates;
using Serval.ApiServer.Store;
using Serval.Cli;
using Serval.Images;

namespace Serval.Backup;

/// <summary>Unpacks a backup nobody vouches for, and compares it with its manifest.</summary>
internal static class BackupReader
{
    /// <summary>Fills a new directory. Throws <see cref="CliException"/> when the file is not a whole backup; then the directory is worth nothing.</summary>
    public static async Task<BackupManifest> UnpackAsync(string backup, string target, CancellationToken ct)
    {
        PrivateFile.CreateDirectory(target);
        Dictionary<string, string> found;
        try
        {
            found = await UnpackMembersAsync(backup, target, ct);
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException)
        {
            throw BackupManifest.Damaged(backup, e.Message, e);
        }
        if (!found.Remove(BackupManifest.FileName))
        {
            throw found.Count == 0 ? NoBackup(backup, "holds nothing") : BackupManifest.Damaged(backup, $"it is cut short, it has no {BackupManifest.FileName}");
        }
        var manifest = BackupManifest.Read(await File.ReadAllTextAsync(Path.Combine(target, BackupManifest.FileName), ct), backup);
        Compare(manifest, found, backup);
        return manifest;
    }

    private static async Task<Dictionary<string, string>> UnpackMembersAsync(string backup, string target, CancellationToken ct)
    {
        var found = new Dictionary<string, string>(StringComparer.Ordinal);
        await using var file = new FileStream(backup, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
        await using var plain = IsGzip(file) ? new GZipStream(file, CompressionMode.Decompress, leaveOpen: true) : (Stream)file;
        await using var tar = new TarReader(plain, leaveOpen: true);
        while (await TarEntries.NextAsync(tar, ct) is { } entry)
        {
            if (entry.EntryType is not (TarEntryType.RegularFile or TarEntryType.V7RegularFile) || !BackupManifest.Allows(entry.Name) || found.ContainsKey(entry.Name))
            {
                throw NoBackup(backup, $"holds \"{Printable(entry.Name)}\", which no backup does");
            }
            found.Add(entry.Name, await UnpackAsync(entry, Path.Combine(target, entry.Name), ct));
        }
        return found;
    }

    /// <summary>Gives the hash of what is on the disk now.</summary>
    private static async Task<string> UnpackAsync(TarEntry entry, string path, CancellationToken ct)
    {
        PrivateFile.CreateDirectory(Path.GetDirectoryName(path)!);
        await using var file = PrivateFile.Create(path);
        await (entry.DataStream?.CopyToAsync(file, ct) ?? Task.CompletedTask);
        file.Flush(flushToDisk: true);
        file.Position = 0;
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(file, ct));
    }

    private static void Compare(BackupManifest manifest, Dictionary<string, string> found, string backup)
    {
        if (!found.ContainsKey(StoreCopy.FileName))
        {
            throw BackupManifest.Damaged(backup, $"it has no {StoreCopy.FileName}");
        }
        foreach (var member in manifest.Files.Keys.Union(found.Keys))
        {
            var (expected, actual) = (manifest.Files.GetValueOrDefault(member), found.GetValueOrDefault(member));
            if (expected != actual)
            {
                var why = actual is null ? "is missing" : expected is null ? $"is not in its {BackupManifest.FileName}" : "is not what was backed up";
                throw BackupManifest.Damaged(backup, $"{Printable(member)} {why}");
            }
        }
    }

    private static bool IsGzip(FileStream file)
    {
        var gzip = file.ReadByte() == 0x1f && file.ReadByte() == 0x8b; // RFC 1952
        file.Position = 0;
        return gzip;
    }

    private static CliException NoBackup(string backup, string why) =>
        new(ExitCodes.Usage, $"{backup} {why}: give a file that `serval backup` wrote");

    private static string Printable(string name) => string.Concat(name.Select(c => char.IsControl(c) ? '?' : c));
}
