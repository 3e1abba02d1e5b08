using System.Formats.Tar;
using System.Security.Cryptography;
using System.Text;
using Serval.ApiServer.Store;
using Serval.Images;

namespace Serval.Backup;

/// <summary>Writes what a data directory holds as one tar file, whether a server uses it meanwhile or not.</summary>
internal sealed class BackupWriter : IAsyncDisposable
{
    private readonly TarWriter _tar;
    private readonly DateTimeOffset _now;
    private readonly SortedDictionary<string, string> _files = new(StringComparer.Ordinal);

    private BackupWriter(Stream target, DateTimeOffset now) => (_tar, _now) = (new TarWriter(target, TarEntryFormat.Gnu, leaveOpen: true), now);

    public ValueTask DisposeAsync() => _tar.DisposeAsync();

    /// <summary>
    /// The database first: whatever images it names are there, as nobody can remove one meanwhile. Everything else of the directory is made from these
    /// (kubeconfig, unpacked images) or is of this run only (pods, logs).
    /// </summary>
    public static async Task<BackupManifest> WriteAsync(string data, Stream target, bool withImages, string version, DateTimeOffset now, CancellationToken ct)
    {
        var images = withImages && Directory.Exists(Path.Combine(data, "images")) ? new ImageStore(data) : null;
        using var held = images is null ? null : await images.HoldAsync(ct);
        var work = Directory.CreateTempSubdirectory("serval-backup-"); // its owner's only
        try
        {
            var database = Path.Combine(work.FullName, StoreCopy.FileName);
            var layout = await StoreCopy.WriteAsync(data, database, ct);
            await using var writer = new BackupWriter(target, now);
            await writer.AddAsync(StoreCopy.FileName, database, ct);
            foreach (var file in Certificates(data).Concat(images?.Files() ?? []))
            {
                await writer.AddAsync(Path.GetRelativePath(data, file).Replace('\\', '/'), file, ct);
            }
            var manifest = new BackupManifest(layout, version, now, withImages, writer._files);
            using var content = new MemoryStream(Encoding.UTF8.GetBytes(manifest.ToJson().ToJsonString()));
            await writer.AddAsync(BackupManifest.FileName, content, ct);
            return manifest;
        }
        finally
        {
            work.Delete(recursive: true);
        }
    }

    private static IEnumerable<string> Certificates(string data) => Path.Combine(data, "certificates") is var folder && Directory.Exists(folder)
        ? Directory.GetFiles(folder).Where(f => !f.EndsWith(".new", StringComparison.Ordinal)).Order(StringComparer.Ordinal) // a draft of a renewal
        : [];

    private async Task AddAsync(string member, string path, CancellationToken ct)
    {
        await using var content = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1 << 16);
        _files.Add(member, Convert.ToHexStringLower(await SHA256.HashDataAsync(content, ct)));
        content.Position = 0;
        await AddAsync(member, content, ct);
    }

    private Task AddAsync(string member, Stream content, CancellationToken ct) => _tar.WriteEntryAsync(
        new GnuTarEntry(TarEntryType.RegularFile, member) { ModificationTime = _now, Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite, DataStream = content }, ct);
}
