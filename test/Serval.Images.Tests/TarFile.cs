using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Serval.Images.Tests;

/// <summary>Builds tar files and <c>docker save</c> archives, hostile ones included.</summary>
public sealed class TarFile
{
    private readonly List<TarEntry> _entries = [];

    public TarFile File(string name, string text = "x", int mode = 0x1A4)
    {
        _entries.Add(new PaxTarEntry(TarEntryType.RegularFile, name) { ModificationTime = DateTimeOffset.UnixEpoch, DataStream = new MemoryStream(Encoding.UTF8.GetBytes(text)), Mode = (UnixFileMode)mode });
        return this;
    }

    public TarFile Folder(string name, int mode = 0x1ED) => Add(new PaxTarEntry(TarEntryType.Directory, name) { Mode = (UnixFileMode)mode });

    public TarFile Link(string name, string target) => Add(new PaxTarEntry(TarEntryType.SymbolicLink, name) { LinkName = target });

    public TarFile HardLink(string name, string target) => Add(new PaxTarEntry(TarEntryType.HardLink, name) { LinkName = target });

    public TarFile Device(string name) => Add(new PaxTarEntry(TarEntryType.CharacterDevice, name) { DeviceMajor = 1, DeviceMinor = 3 });

    public TarFile Pipe(string name) => Add(new PaxTarEntry(TarEntryType.Fifo, name));

    /// <summary>Gives what was added last to a user and a group.</summary>
    public TarFile Of(int uid, int gid)
    {
        (_entries[^1].Uid, _entries[^1].Gid) = (uid, gid);
        return this;
    }

    public byte[] Bytes()
    {
        using var buffer = new MemoryStream();
        using (var writer = new TarWriter(buffer, TarEntryFormat.Pax, leaveOpen: true))
        {
            foreach (var entry in _entries)
            {
                writer.WriteEntry(entry);
            }
        }
        return buffer.ToArray();
    }

    /// <summary>A <c>docker save</c> archive with these layers.</summary>
    public static byte[] DockerArchive(string tag, params byte[][] layers) => DockerArchive(tag, repeated: null, layers);

    /// <summary>The same with a member's name given to rubbish at the beginning, too.</summary>
    public static byte[] DockerArchive(string tag, string? repeated, params byte[][] layers)
    {
        var config = new JsonObject
        {
            ["architecture"] = ImagePlatform.Architecture,
            ["os"] = "linux",
            ["config"] = new JsonObject { ["Cmd"] = new JsonArray("/run") },
            ["rootfs"] = new JsonObject { ["type"] = "layers", ["diff_ids"] = new JsonArray([.. layers.Select(l => (JsonNode)Digest(l))]) },
        };
        var archive = new TarFile();
        if (repeated is not null)
        {
            archive.File(repeated, "rubbish");
        }
        var names = new JsonArray();
        for (var i = 0; i < layers.Length; i++)
        {
            archive._entries.Add(new PaxTarEntry(TarEntryType.RegularFile, $"{i}/layer.tar") { ModificationTime = DateTimeOffset.UnixEpoch, DataStream = new MemoryStream(layers[i]) });
            names.Add($"{i}/layer.tar");
        }
        var manifest = new JsonArray(new JsonObject { ["Config"] = "config.json", ["RepoTags"] = new JsonArray(tag), ["Layers"] = names });
        return archive.File("config.json", config.ToJsonString()).File("manifest.json", manifest.ToJsonString()).Bytes();
    }

    public static byte[] Gzip(byte[] bytes)
    {
        using var buffer = new MemoryStream();
        using (var gzip = new GZipStream(buffer, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(bytes);
        }
        return buffer.ToArray();
    }

    private static string Digest(byte[] bytes) => "sha256:" + Convert.ToHexStringLower(SHA256.HashData(bytes));

    private TarFile Add(TarEntry entry)
    {
        entry.ModificationTime = DateTimeOffset.UnixEpoch; // equal bytes in every run
        _entries.Add(entry);
        return this;
    }
}
