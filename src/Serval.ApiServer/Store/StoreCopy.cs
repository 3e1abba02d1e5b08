using Serval.Api;
using Serval.ApiServer.Certificates;

namespace Serval.ApiServer.Store;

/// <summary>Copies of a data directory's database: taken while it is in use or not, and made fit to take its place.</summary>
public static class StoreCopy
{
    /// <summary>The database's file in its directory.</summary>
    public const string FileName = "serval.db";

    /// <summary>
    /// Skipped by a restored database: more versions than anybody handed out between the copy and its return. Whoever saw one of those is told
    /// to list again (410), as after any other lost write.
    /// </summary>
    private const long SkippedVersions = 1_000_000_000;

    /// <summary>
    /// Writes a consistent copy of a directory's database to a new file, while everything goes on, in this process or another. Gives its layout.
    /// Throws <see cref="StoreException"/> with the cause and what to do, also for a database that is missing, empty or of a newer Serval.
    /// </summary>
    public static Task<int> WriteAsync(string directory, string path, CancellationToken ct = default) => Task.Run(
        () =>
        {
            var source = SqliteStore.DatabasePath(directory);
            if (!File.Exists(source))
            {
                throw new StoreException($"there is no database in {directory}: name the directory of a Serval with --data-dir");
            }
            return Open(source, database =>
            {
                var layout = StoreSchema.Layout(database, directory);
                if (layout == 0)
                {
                    throw new StoreException($"the database in {directory} is empty: there is nothing to copy");
                }
                Write(database, path);
                return layout;
            });
        },
        ct);

    /// <summary>
    /// Makes a copy fit to be opened in the place of its original: versions go on higher, and Leases go, as they tell who was there. Throws <see cref="StoreException"/> when it is of a newer Serval, or none.
    /// </summary>
    /// <param name="path">The copy.</param>
    /// <param name="where">Where it comes from, for messages.</param>
    public static void Adopt(string path, string where) => Open(path, database =>
    {
        var layout = StoreSchema.Layout(database, where);
        database.Execute("BEGIN IMMEDIATE");
        database.Execute($"UPDATE meta SET value = {SkippedVersions} + (SELECT max(value) FROM meta WHERE name IN ('last', 'high')) WHERE name = 'high'");
        database.Execute("UPDATE meta SET value = 0 WHERE name = 'clean'");
        database.Execute($"DELETE FROM objects WHERE kind IN (SELECT id FROM kinds WHERE name = '{Kinds.Lease.ResourceName}')");
        database.Execute("COMMIT");
        return layout;
    });

    /// <summary>Writes a copy to a file that may exist, a half one for example: it is replaced by the whole one.</summary>
    internal static void Replace(SqliteDatabase database, string path)
    {
        var draft = path + ".new";
        File.Delete(draft);
        Write(database, draft);
        File.Move(draft, path, overwrite: true);
    }

    private static T Open<T>(string path, Func<SqliteDatabase, T> work)
    {
        try
        {
            using var database = new SqliteDatabase(path);
            return work(database);
        }
        catch (SqliteFailure e)
        {
            throw new StoreException($"the database {path} cannot be read: {e.Message}; {e.Advice}", e);
        }
    }

    private static void Write(SqliteDatabase database, string path)
    {
        var begun = false;
        try
        {
            PrivateFile.CreateEmpty(path); // SQLite fills an empty file, and keeps its mode
            begun = true;
            database.Execute($"VACUUM INTO '{path.Replace("'", "''", StringComparison.Ordinal)}'");
            using var written = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite);
            RandomAccess.FlushToDisk(written); // SQLite does not
        }
        catch (Exception e) when (e is SqliteFailure or IOException or UnauthorizedAccessException)
        {
            var advice = !begun && File.Exists(path) ? "the file already exists: choose a new name" : (e as SqliteFailure)?.Advice ?? "check the directory's space, owner and mode";
            if (begun)
            {
                File.Delete(path);
            }
            throw new StoreException($"the copy of the database to {path} failed: {e.Message.TrimEnd('.')}; {advice}", e);
        }
    }
}
