namespace Serval.StoreConformance;

/// <summary>A directory of one test.</summary>
internal sealed class ScratchDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("serval-store-").FullName;

    /// <summary>A copy of the database files as they are now, as a crash would leave them.</summary>
    public ScratchDirectory CopyDatabase(long? logLength = null)
    {
        var copy = new ScratchDirectory();
        foreach (var file in new[] { "serval.db", "serval.db-wal" })
        {
            var source = System.IO.Path.Combine(Path, file);
            if (File.Exists(source))
            {
                File.Copy(source, System.IO.Path.Combine(copy.Path, file));
            }
        }
        if (logLength is { } cut)
        {
            using var log = File.OpenWrite(copy.Log);
            log.SetLength(cut);
        }
        return copy;
    }

    public string Log => System.IO.Path.Combine(Path, "serval.db-wal");

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
