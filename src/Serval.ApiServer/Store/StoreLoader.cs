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

    /// <summary>Puts each object into its table; returns the rows of kinds that have none: of custom resources nobody has defined yet, or of another version.</summary>
    public Dictionary<long, List<KeptRow>> LoadObjects(Dictionary<long, KindTable> tables)
    {
        var others = new Dictionary<long, List<KeptRow>>();
        var query = database.Prepare("SELECT o.kind, ns, name, body FROM objects o LEFT JOIN changes USING(rv)");
        while (query.Next())
        {
            var row = new KeptRow(query.Text(1), query.Text(2), query.Blob(3));
            if (tables.TryGetValue(query.Number(0), out var table))
            {
                row.LoadInto(table, where);
                continue;
            }
            if (!others.TryGetValue(query.Number(0), out var rows))
            {
                others.Add(query.Number(0), rows = []);
            }
            rows.Add(row);
        }
        return others;
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

/// <summary>An object as the database has it.</summary>
internal readonly record struct KeptRow(string Namespace, string Name, byte[] Body)
{
    public void LoadInto(KindTable table, string where)
    {
        try
        {
            table.Load(KubeObject.FromCanonical(Body));
        }
        catch (JsonException e)
        {
            throw StoreException.Damaged(where, table.Kind.ResourceName, $"{Namespace}/{Name}", e);
        }
    }
}
