using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.ApiServer.Selectors;
using Serval.Kube;

namespace Serval.ApiServer.Store;

/// <summary>One watch from its first event to its end: what was before, from memory or from disk, then what comes.</summary>
internal sealed class WatchSession(SqliteStore store, ResourceKind kind, ObjectFilter filter, bool bookmarks)
{
    private readonly KindTable _table = store.Table(kind);
    private readonly IStoredForm? _form = kind.Form;
    private readonly StoreWatcher _watcher = new(filter, store.Options.WatchBuffer);

    public async IAsyncEnumerable<WatchEvent> RunAsync(WatchStart start, CancellationToken closing, [EnumeratorCancellation] CancellationToken ct)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct, closing);
        if (start.After is { } early)
        {
            store.CheckResumable(early);
        }
        var (started, present) = _table.Attach(_watcher, start.WithPresent);
        try
        {
            if (!ReferenceEquals(kind.Form, _form))
            {
                yield break; // its definition changed before anybody could end this watch
            }
            var before = present is not null ? Present(present) : ResumeAsync(start.After ?? started, started);
            await foreach (var shown in before.WithCancellation(stop.Token))
            {
                yield return shown;
            }
            if (bookmarks && present is not null)
            {
                yield return Bookmark(started);
            }
            await foreach (var shown in LiveAsync(stop.Token))
            {
                yield return shown;
            }
            ct.ThrowIfCancellationRequested();
        }
        finally
        {
            _table.Detach(_watcher);
        }
    }

    private async IAsyncEnumerable<WatchEvent> Present(List<KubeObject> objects)
    {
        KindTable.Sort(objects);
        foreach (var kept in objects)
        {
            var obj = _form is null ? kept : _form.Read(kept);
            if (!filter.Selects || filter.Matches(obj))
            {
                yield return new WatchEvent(WatchEventType.Added, obj);
            }
        }
        await Task.CompletedTask;
    }

    private async IAsyncEnumerable<WatchEvent> ResumeAsync(long after, long upTo)
    {
        var recent = new List<StoreChange>();
        if (!store.TryCopyRecent(_table, after, upTo, recent))
        {
            await foreach (var shown in ReadLogAsync(after, upTo))
            {
                yield return shown;
            }
            yield break;
        }
        foreach (var change in recent)
        {
            if (filter.InScope(change.New) && Show(change) is { } shown)
            {
                yield return shown;
            }
        }
    }

    private async IAsyncEnumerable<WatchEvent> ReadLogAsync(long after, long upTo)
    {
        var states = new Dictionary<long, KubeObject>(); // by version, so that a selector can compare with the state before
        while (true)
        {
            var rows = await store.ReadChangesAsync(_table, after, upTo);
            store.CheckResumable(after); // rows may have been dropped while we read
            foreach (var row in rows)
            {
                after = row.Version;
                if (!filter.InScope(row.Object))
                {
                    continue;
                }
                var old = filter.Selects && row.Previous > 0 ? await StateAsync(states, row.Previous) : null;
                if (filter.Selects)
                {
                    states.Remove(row.Previous);
                    states[row.Version] = row.Object;
                }
                if (Show(new StoreChange(row.Version, _table, row.Type, row.Object, old)) is { } shown)
                {
                    yield return shown;
                }
            }
            if (rows.Count == 0)
            {
                yield break;
            }
        }
    }

    /// <summary>Whether an object was selected before the resume point must be known exactly; when its state is gone, the reader lists anew.</summary>
    private async Task<KubeObject> StateAsync(Dictionary<long, KubeObject> states, long version)
    {
        if (states.TryGetValue(version, out var known))
        {
            return known;
        }
        var body = await store.ReadStateAsync(_table, version)
            ?? throw ApiException.Expired("too old resource version for a watch with a selector; list again and watch from there");
        return KubeObject.FromCanonical(body);
    }

    private async IAsyncEnumerable<WatchEvent> LiveAsync([EnumeratorCancellation] CancellationToken ct)
    {
        using var timer = bookmarks ? new PeriodicTimer(store.Options.BookmarkInterval, store.Options.TimeProvider) : null;
        Task<bool>? tick = null;
        Task<bool>? arrival = null;
        while (true)
        {
            var published = store.Version; // read before the buffer: all up to here has been offered
            while (_watcher.Reader.TryRead(out var change))
            {
                if (Show(change) is { } shown)
                {
                    yield return shown;
                }
                published = store.Version;
            }
            if (tick is { IsCompleted: true })
            {
                tick = null;
                // A change that found the buffer full closed it before its version was published: then "published" may lie above what was shown.
                if (!_watcher.Reader.Completion.IsCompleted)
                {
                    yield return Bookmark(published);
                }
            }
            arrival ??= WaitAsync(ct);
            if (timer is not null)
            {
                tick ??= TickAsync(timer, ct);
                await Task.WhenAny(arrival, tick);
                if (!arrival.IsCompleted)
                {
                    continue;
                }
            }
            if (!await arrival)
            {
                yield break;
            }
            arrival = null;
        }
    }

    /// <summary>False at the end; cancellation is an end too.</summary>
    private async Task<bool> WaitAsync(CancellationToken ct)
    {
        try
        {
            return await _watcher.Reader.WaitToReadAsync(ct);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private static async Task<bool> TickAsync(PeriodicTimer timer, CancellationToken ct)
    {
        try
        {
            return await timer.WaitForNextTickAsync(ct);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private WatchEvent? Show(in StoreChange change) => StoreWatcher.Show(filter, _form is null
        ? change
        : change with { New = _form.Read(change.New), Old = change.Old is { } old ? _form.Read(old) : null });

    private WatchEvent Bookmark(long version) => new(WatchEventType.Bookmark, KubeObject.From(new JsonObject
    {
        ["apiVersion"] = kind.ApiVersion,
        ["kind"] = kind.Kind,
        ["metadata"] = new JsonObject { ["resourceVersion"] = version.ToString() },
    }));
}
