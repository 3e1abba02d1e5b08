using System.Text.Json;
using System.Text.Json.Nodes;
using Serval.ApiServer.Store;
using Serval.Cli;

namespace Serval.Backup;

/// <summary>The last member of a backup: what it was made of. A backup without one was cut short.</summary>
/// <param name="Layout">That of the database.</param>
/// <param name="Version">The Serval that wrote it.</param>
/// <param name="Created">When it was begun.</param>
/// <param name="Images">Whether the images are in it.</param>
/// <param name="Files">SHA-256, in hexadecimal digits, of every other member by its path below the data directory.</param>
internal sealed record BackupManifest(int Layout, string Version, DateTimeOffset Created, bool Images, IReadOnlyDictionary<string, string> Files)
{
    public const string FileName = "manifest.json";

    /// <summary>Of the archive as a whole. A reader refuses a higher one.</summary>
    private const int Format = 1;

    private static readonly string[] s_folders = ["certificates", "images/tags", "images/manifests", "images/blobs/sha256"];

    /// <summary>Names of members: nothing else is ever written below a data directory, so no name leads out of it.</summary>
    public static bool Allows(string member) => member is StoreCopy.FileName or FileName
        || (member.LastIndexOf('/') is var slash and > 0 && s_folders.Contains(member[..slash]) && IsPlain(member[(slash + 1)..]));

    public JsonObject ToJson() => new()
    {
        ["format"] = Format,
        ["layout"] = Layout,
        ["version"] = Version,
        ["createdAt"] = Api.KubeTime.Text(Created),
        ["images"] = Images,
        ["files"] = new JsonObject(Files.Select(f => KeyValuePair.Create<string, JsonNode?>(f.Key, f.Value))),
    };

    /// <summary>Reads the one of an unpacked backup. Throws <see cref="CliException"/> when it is damaged or of a newer format.</summary>
    public static BackupManifest Read(string json, string backup)
    {
        try
        {
            var read = JsonNode.Parse(json)!;
            if ((int)read["format"]! is var format && format > Format)
            {
                throw new CliException(ExitCodes.Failed, $"{backup} was written by a newer Serval ({(string?)read["version"]}, format {format}; this one knows {Format}): restore it with that version");
            }
            return new BackupManifest(
                (int)read["layout"]!,
                (string)read["version"]!,
                (DateTimeOffset)read["createdAt"]!,
                (bool)read["images"]!,
                read["files"]!.AsObject().ToDictionary(f => f.Key, f => (string)f.Value!, StringComparer.Ordinal));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or NullReferenceException or ArgumentException or FormatException)
        {
            throw Damaged(backup, $"its {FileName} is not readable", e);
        }
    }

    public static CliException Damaged(string backup, string why, Exception? inner = null) =>
        new(ExitCodes.Usage, $"the backup {backup} is damaged: {why.TrimEnd('.')}; use another one", inner);

    private static bool IsPlain(string name) => name.Length > 0 && name[0] != '.' && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_');
}
