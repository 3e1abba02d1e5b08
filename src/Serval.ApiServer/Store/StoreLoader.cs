using System.Text.Json;
using Serval.Api;

namespace Serval.ApiServer.Store;

/// <summary>What a database held when it was opened.</summary>
internal sealed class StoreLoader(SqliteDatabase database, string where)
{
    /// <summary>The newest version that survived.</summary>
    public long Last { get; private set; }

    /// <summary>The mark below which versions may be handed out.</summary>
    public long High { get; private set; }

    /// <summary>Ranges (after, before) of versions that were promised but not kept: a watch cannot begin inside one.</summary>
    public List<(long After, long Before)> Gaps { get; } = [];

    public void LoadObjects(Dictionary<long, KindTable> tables)
    {
        var query = database.Prepare("SELECT kind, ns, name, body FROM objects");
        while (query.Next())
        {
            if (!tables.TryGetValue(query.Number(0), out var table))
            {
                continue; // a kind of another version: its rows are kept, not served
            }
            try
            {
                table.Load(KubeObject.FromCanonical(query.Blob(3)));
            }
            catch (JsonException e)
            {
                throw new StoreException(
                    $"the database in {where} is damaged: {table.Kind.ResourceName} {query.Text(1)}/{query.Text(2)} is not readable: restore a backup, or delete that row", e);
            }
        }
    }

    /// <summary>
    /// Finds where to go on. After an unclean stop versions up to the durable mark may have been handed out for writes that are lost,
    /// so the next block begins and the skipped range is remembered.
    /// </summary>
    public void LoadVersions(int block)
    {
        database.Execute("BEGIN IMMEDIATE");
        var clean = Meta("clean") == 1;
        var high = Meta("high");
        Last = Math.Max(Meta("last"), database.Scalar("SELECT max(rv) FROM changes") ?? 1);
        if (!clean && high > Last)
        {
            database.Execute($"INSERT OR REPLACE INTO gaps(after, before) VALUES({Last}, {high})");
            Last = high;
        }
        High = Last + block;
        database.Execute($"DELETE FROM gaps WHERE before <= {Meta("compacted")}");
        database.Execute($"UPDATE meta SET value = {Last} WHERE name = 'last'");
        database.Execute($"UPDATE meta SET value = {High} WHERE name = 'high'");
        database.Execute("UPDATE meta SET value = 0 WHERE name = 'clean'");
        database.Execute("COMMIT");
        var gaps = database.Prepare("SELECT after, before FROM gaps");
        while (gaps.Next())
        {
            Gaps.Add((gaps.Number(0), gaps.Number(1)));
        }
    }

    private long Meta(string name) => database.Scalar($"SELECT value FROM meta WHERE name = '{name}'") ?? 1;
}
