using SQLitePCL;

namespace Serval.ApiServer.Store;

/// <summary>A call into SQLite that failed.</summary>
internal sealed class SqliteFailure(int code, string message, string during) : Exception($"{message} (SQLite {code}, {FirstWord(during)})")
{
    /// <summary>Primary result code, for example <c>SQLITE_FULL</c>.</summary>
    public int Code { get; } = code & 0xFF;

    /// <summary>The cause in words, and what helps.</summary>
    public string Advice => Code switch
    {
        raw.SQLITE_FULL => "the disk (or the quota) is full: free some space and try again",
        raw.SQLITE_IOERR => "the disk reported an error: check its space and health, then try again",
        raw.SQLITE_READONLY or raw.SQLITE_PERM or raw.SQLITE_CANTOPEN or raw.SQLITE_AUTH =>
            "the directory cannot be written: check its owner, its mode and whether the file system is mounted read-only",
        raw.SQLITE_ERROR => "the file is a database, but not Serval's, or it is damaged: restore a backup, or move the directory away to start empty",
        raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB => "the database file is damaged: restore a backup, or move the directory away to start empty",
        raw.SQLITE_BUSY or raw.SQLITE_LOCKED => "another program has the database open: close it",
        _ => "see the message of SQLite",
    };

    /// <summary>The whole statement, for whoever debugs; people who read messages need no SQL.</summary>
    public string During { get; } = during;

    private static string FirstWord(string sql) => sql.IndexOf(' ', StringComparison.Ordinal) is var end and > 0 ? sql[..end] : sql;
}
