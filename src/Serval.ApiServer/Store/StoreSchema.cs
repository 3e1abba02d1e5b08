namespace Serval.ApiServer.Store;

/// <summary>
/// Tables of the database and the steps from one layout to the next. An object's bytes lie once: in the row of <c>changes</c> that <c>objects</c> points
/// to (docs/decisions/0020-bytes-once.md).
/// </summary>
internal static class StoreSchema
{
    /// <summary>The layout this program writes. A step is added for each new one; none is ever changed.</summary>
    public const int Current = 4;

    private const int BytesOnce = 2; // the step that reads each object's version
    private const int WithoutEmpties = 3; // the step that reads each object

    private static readonly string[] s_steps =
    [
        """
        CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE kinds(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
        CREATE TABLE objects(kind INTEGER NOT NULL, ns TEXT NOT NULL, name TEXT NOT NULL, body BLOB NOT NULL, UNIQUE(kind, ns, name));
        CREATE TABLE changes(rv INTEGER PRIMARY KEY, prev INTEGER NOT NULL, kind INTEGER NOT NULL, type INTEGER NOT NULL, at INTEGER NOT NULL, body BLOB NOT NULL);
        CREATE TABLE gaps(after INTEGER PRIMARY KEY, before INTEGER NOT NULL);
        INSERT INTO meta VALUES('last', 1), ('high', 1), ('clean', 1), ('compacted', 1);
        """,
        "PRAGMA application_id = 0x53727631", // "Srv1": the file says whose it is (SQLite, database file format)
        """
        CREATE TABLE heads(kind INTEGER NOT NULL, ns TEXT NOT NULL, name TEXT NOT NULL, rv INTEGER NOT NULL, PRIMARY KEY(kind, ns, name)) WITHOUT ROWID;
        INSERT INTO heads SELECT kind, ns, name, CAST(json_extract(CAST(body AS TEXT), '$.metadata.resourceVersion') AS INTEGER) FROM objects;
        INSERT OR IGNORE INTO changes(rv, prev, kind, type, at, body) SELECT h.rv, 0, kind, 0, 0, o.body FROM objects o JOIN heads h USING(kind, ns, name);
        DROP TABLE objects;
        ALTER TABLE heads RENAME TO objects;
        """,
        "", // docs/decisions/0025-empty-values.md
    ];

    /// <summary>The layout of a database, 0 when it is empty; refuses one that a newer program has written.</summary>
    public static int Layout(SqliteDatabase database, string where)
    {
        var found = (int)(database.Scalar("PRAGMA user_version") ?? 0);
        return found <= Current ? found : throw new StoreException(
            $"the database in {where} was written by a newer Serval (layout {found}, this one knows {Current}): start that version, or restore a backup made before the upgrade (`serval restore`)");
    }

    /// <summary>Brings a database from a layout to <see cref="Current"/>. Each step is there whole or not at all. Throws <see cref="StoreException"/> for an object without a version.</summary>
    public static void Migrate(SqliteDatabase database, int from, string where)
    {
        for (var step = from; step < Current; step++)
        {
            if (step == BytesOnce)
            {
                RequireVersions(database, where);
            }
            database.Execute("BEGIN IMMEDIATE");
            database.Execute(s_steps[step]);
            if (step == WithoutEmpties)
            {
                StoredEmpties.Remove(database);
            }
            database.Execute($"PRAGMA user_version={step + 1}");
            database.Execute("COMMIT");
        }
    }

    private static void RequireVersions(SqliteDatabase database, string where)
    {
        using var damaged = database.Prepare("""
            SELECT k.name, o.ns, o.name FROM objects o JOIN kinds k ON k.id = o.kind WHERE CASE WHEN json_valid(CAST(o.body AS TEXT))
              THEN coalesce(CAST(json_extract(CAST(o.body AS TEXT), '$.metadata.resourceVersion') AS INTEGER), 0) <= 0 ELSE 1 END LIMIT 1
            """);
        if (damaged.Next())
        {
            throw StoreException.Damaged(where, damaged.Text(0), $"{damaged.Text(1)}/{damaged.Text(2)}");
        }
    }

    /// <summary>Gives a kind a number, if it has none.</summary>
    public static long AddKind(SqliteDatabase database, string name)
    {
        using var insert = database.Prepare("INSERT OR IGNORE INTO kinds(name) VALUES(?1)");
        insert.Bind(1, name).Run();
        using var query = database.Prepare("SELECT id FROM kinds WHERE name = ?1");
        query.Bind(1, name).Next();
        return query.Number(0);
    }

    /// <summary>The number of each kind in this database, by its resource name; those of <paramref name="names"/> that it has not seen get one.</summary>
    public static Dictionary<string, long> ReadKinds(SqliteDatabase database, IEnumerable<string> names)
    {
        var known = ReadKinds(database);
        var unseen = names.Where(n => !known.ContainsKey(n)).ToList();
        if (unseen.Count == 0)
        {
            return known;
        }
        using var insert = database.Prepare("INSERT INTO kinds(name) VALUES(?1)");
        database.Execute("BEGIN IMMEDIATE"); // one sync for all
        unseen.ForEach(name => insert.Bind(1, name).Run());
        database.Execute("COMMIT");
        return ReadKinds(database);
    }

    private static Dictionary<string, long> ReadKinds(SqliteDatabase database)
    {
        var result = new Dictionary<string, long>(StringComparer.Ordinal);
        using var query = database.Prepare("SELECT id, name FROM kinds");
        while (query.Next())
        {
            result.Add(query.Text(1), query.Number(0));
        }
        return result;
    }
}
