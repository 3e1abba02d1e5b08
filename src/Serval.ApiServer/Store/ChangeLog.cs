using Serval.Api;
using Serval.Kube;

namespace Serval.ApiServer.Store;

/// <summary>
/// The <c>changes</c> table: appended in the transaction of each write, bounded by count, bytes and age. On the writer thread. What is above
/// <see cref="Compacted"/> is the log; below it lie the present states of objects that have not changed since, and former ones until the change
/// that took their place leaves the log too.
/// </summary>
internal sealed class ChangeLog
{
    private const int Chunk = 64;

    private readonly SqliteDatabase _database;
    private readonly StoreOptions _options;
    private readonly SqliteStatement _append;
    private readonly SqliteStatement _at;
    private readonly SqliteStatement _aged;
    private readonly SqliteStatement _oldest;
    private readonly SqliteStatement _sum;
    private readonly SqliteStatement _replaced;
    private readonly SqliteStatement _removed;
    private readonly SqliteStatement _mark;
    private readonly SqliteStatement _read;
    private readonly SqliteStatement _one;
    private long _count;
    private long _bytes;
    private long _compacted;
    private long _nextAgeCheck;

    public ChangeLog(SqliteDatabase database, StoreOptions options)
    {
        (_database, _options) = (database, options);
        _append = database.Prepare("INSERT INTO changes(rv, prev, kind, type, at, body) VALUES(?1, ?2, ?3, ?4, ?5, ?6)");
        _at = database.Prepare("SELECT rv FROM changes WHERE rv > ?1 ORDER BY rv LIMIT 1 OFFSET ?2");
        _aged = database.Prepare("SELECT max(rv) FROM (SELECT rv, at FROM changes WHERE rv > ?1 ORDER BY rv LIMIT ?2) WHERE at < ?3");
        _oldest = database.Prepare("SELECT rv, length(body) FROM changes WHERE rv > ?1 ORDER BY rv LIMIT ?2");
        _sum = database.Prepare("SELECT total(length(body)), count(*) FROM changes WHERE rv > ?1 AND rv <= ?2");
        _replaced = database.Prepare("DELETE FROM changes WHERE rv IN (SELECT prev FROM changes WHERE rv > ?1 AND rv <= ?2)");
        _removed = database.Prepare($"DELETE FROM changes WHERE rv > ?1 AND rv <= ?2 AND type = {(int)WatchEventType.Deleted}");
        _mark = database.Prepare("UPDATE meta SET value = ?1 WHERE name = 'compacted'");
        _read = database.Prepare("SELECT rv, prev, type, body FROM changes WHERE rv > ?1 AND rv <= ?2 AND kind = ?3 ORDER BY rv LIMIT ?4");
        _one = database.Prepare("SELECT body FROM changes WHERE rv = ?1 AND kind = ?2");
        Reload();
    }

    /// <summary>A watch can resume from this version or a later one. Read by any thread.</summary>
    public long Compacted => Volatile.Read(ref _compacted);

    /// <summary>Reads the bounds again, at start and after a rollback.</summary>
    public void Reload()
    {
        Volatile.Write(ref _compacted, _database.Scalar("SELECT value FROM meta WHERE name = 'compacted'") ?? 1);
        (_bytes, _count) = Sum(long.MaxValue);
    }

    public void Append(in StoreChange change, long at)
    {
        _append.Bind(1, change.Version).Bind(2, change.Old?.Version ?? 0).Bind(3, change.Table.Id).Bind(4, (long)change.Type).Bind(5, at)
            .Bind(6, change.New.Json.Span).Run();
        _count++;
        _bytes += change.New.Json.Length;
    }

    /// <summary>Drops a bounded number of the oldest rows when there are too many, they are too large or too old: no write ever pays for all of them.</summary>
    public void Trim(long now, int appended)
    {
        if (_count > _options.MaxChanges + Chunk)
        {
            Drop(First(_at.Bind(1, _compacted).Bind(2, Math.Min(_count - _options.MaxChanges, Chunk + (2 * appended)) - 1)));
        }
        if (_bytes > _options.MaxChangeBytes)
        {
            Drop(LastOf(_bytes - _options.MaxChangeBytes));
        }
        if (now >= _nextAgeCheck)
        {
            var old = First(_aged.Bind(1, _compacted).Bind(2, Chunk * 4).Bind(3, now - (long)_options.MaxChangeAge.TotalMilliseconds));
            Drop(old);
            _nextAgeCheck = old > 0 ? now : now + (long)(_options.MaxChangeAge.TotalMilliseconds / 60);
        }
    }

    /// <summary>The next rows of a kind after a version: at most a chunk, in order.</summary>
    public List<LoggedChange> Read(KindTable table, long after, long upTo)
    {
        var result = new List<LoggedChange>();
        _read.Bind(1, after).Bind(2, upTo).Bind(3, table.Id).Bind(4, Chunk);
        while (_read.Next())
        {
            result.Add(new LoggedChange(_read.Number(0), _read.Number(1), (WatchEventType)_read.Number(2), _read.Blob(3)));
        }
        return result;
    }

    /// <summary>The state a kind's object had from this version on, or null when it is no longer kept.</summary>
    public byte[]? ReadState(KindTable table, long version)
    {
        _one.Bind(1, version).Bind(2, table.Id);
        if (!_one.Next())
        {
            return null;
        }
        var body = _one.Blob(0);
        _one.Reset();
        return body;
    }

    private static long First(SqliteStatement query)
    {
        var found = query.Next() ? query.Number(0) : 0;
        query.Reset();
        return found;
    }

    /// <summary>The last of the oldest rows that hold so many bytes together, but never the newest row.</summary>
    private long LastOf(long bytes)
    {
        var last = 0L;
        _oldest.Bind(1, _compacted).Bind(2, Math.Min(Chunk, _count - 1));
        while (bytes > 0 && _oldest.Next())
        {
            last = _oldest.Number(0);
            bytes -= _oldest.Number(1);
        }
        _oldest.Reset();
        return last;
    }

    private void Drop(long upTo)
    {
        if (upTo <= 0)
        {
            return;
        }
        var (bytes, count) = Sum(upTo);
        _bytes -= bytes;
        _count -= count;
        _replaced.Bind(1, _compacted).Bind(2, upTo).Run();
        _removed.Bind(1, _compacted).Bind(2, upTo).Run();
        _mark.Bind(1, upTo).Run();
        Volatile.Write(ref _compacted, upTo);
    }

    private (long Bytes, long Count) Sum(long upTo)
    {
        _sum.Bind(1, _compacted).Bind(2, upTo).Next();
        var sum = (_sum.Number(0), _sum.Number(1));
        _sum.Reset();
        return sum;
    }
}

/// <summary>A row of the <c>changes</c> table.</summary>
internal sealed record LoggedChange(long Version, long Previous, WatchEventType Type, byte[] Body)
{
    public KubeObject Object { get; } = KubeObject.FromCanonical(Body);
}
