using SQLitePCL;

namespace Serval.Bench;

/// <summary>Reads what a server's store recorded, from its database, while it runs.</summary>
internal sealed class ChangeLogReader : IDisposable
{
    private readonly sqlite3 _database;

    public ChangeLogReader(string dataDirectory)
    {
        Batteries_V2.Init();
        Check(raw.sqlite3_open_v2(Path.Combine(dataDirectory, "serval.db"), out _database, raw.SQLITE_OPEN_READONLY, null));
    }

    /// <summary>The versions written after one version, with the kind's resource name and the time in milliseconds since 1970.</summary>
    public List<(long Version, string Kind, long At)> After(long version)
    {
        var rows = new List<(long, string, long)>();
        Check(raw.sqlite3_prepare_v2(_database, "SELECT c.rv, k.name, c.at FROM changes c JOIN kinds k ON k.id = c.kind WHERE c.rv > ?1 ORDER BY c.rv", out var statement));
        using (statement)
        {
            Check(raw.sqlite3_bind_int64(statement, 1, version));
            while (raw.sqlite3_step(statement) == raw.SQLITE_ROW)
            {
                rows.Add((raw.sqlite3_column_int64(statement, 0), raw.sqlite3_column_text(statement, 1).utf8_to_string(), raw.sqlite3_column_int64(statement, 2)));
            }
        }
        return rows;
    }

    public void Dispose() => _database.Dispose();

    private void Check(int code)
    {
        if (code != raw.SQLITE_OK)
        {
            throw new InvalidOperationException($"the store's change log cannot be read: {raw.sqlite3_errmsg(_database).utf8_to_string()}");
        }
    }
}
