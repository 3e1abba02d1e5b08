using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Serval.Images;

/// <summary>Names of the store, one file each, replaced by rename: readers and writers of any process see whole records.</summary>
internal sealed class TagIndex(string directory, string temporary)
{
    private readonly string _tags = Path.Combine(directory, "tags");
    private readonly string _manifests = Path.Combine(directory, "manifests");

    public async Task SetAsync(TagRecord record, CancellationToken ct)
    {
        // The manifest is remembered on its own: revisions run by digest after the tag has moved on.
        await WriteAsync(Path.Combine(_manifests, ImageDigest.Hex(record.Digest)), record, ct);
        await WriteAsync(PathOf(record.Reference), record, ct);
    }

    public TagRecord? Get(string tagged) => Read(PathOf(tagged));

    public bool HasManifest(string digest) => File.Exists(Path.Combine(_manifests, ImageDigest.Hex(digest)));

    public IReadOnlyList<TagRecord> Tags() => All(_tags);

    public IReadOnlyList<TagRecord> Manifests() => All(_manifests);

    public void DeleteTag(string tagged) => File.Delete(PathOf(tagged));

    public void DeleteManifest(string digest) => File.Delete(Path.Combine(_manifests, ImageDigest.Hex(digest)));

    private static List<TagRecord> All(string folder) =>
        Directory.Exists(folder)
            ? [.. Directory.EnumerateFiles(folder).Select(Read).OfType<TagRecord>().OrderBy(r => r.Reference, StringComparer.Ordinal)]
            : [];

    private static TagRecord? Read(string path)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(path), OciJson.Default.TagRecord) is { } record && ImageDigest.IsValid(record.Digest)
                ? record
                : throw ImageException.Corrupt($"index file {path}", "it holds no digest");
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (JsonException e)
        {
            throw ImageException.Corrupt($"index file {path}", e.Message);
        }
    }

    // References hold characters and lengths that file names do not.
    private string PathOf(string tagged) =>
        Path.Combine(_tags, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(tagged)).AsSpan(0, 16)) + ".json");

    private async Task WriteAsync(string path, TagRecord record, CancellationToken ct)
    {
        Directory.CreateDirectory(temporary);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var temp = Path.Combine(temporary, Path.GetRandomFileName());
        await using (var file = new FileStream(temp, FileMode.CreateNew, FileAccess.Write, FileShare.None))
        {
            await JsonSerializer.SerializeAsync(file, record, OciJson.Default.TagRecord, ct);
            file.Flush(flushToDisk: true);
        }
        File.Move(temp, path, overwrite: true);
    }
}
