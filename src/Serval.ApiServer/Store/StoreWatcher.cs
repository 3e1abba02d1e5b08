using System.Threading.Channels;
using Serval.Api;
using Serval.ApiServer.Selectors;
using Serval.Kube;

namespace Serval.ApiServer.Store;

/// <summary>
/// The live end of one watch. The writer thread only puts a reference into a bounded buffer; selectors are evaluated by the reader.
/// A reader that lags behind a full buffer is cut off.
/// </summary>
internal sealed class StoreWatcher(ObjectFilter filter, int capacity)
{
    private readonly Channel<StoreChange> _buffer = Channel.CreateBounded<StoreChange>(
        new BoundedChannelOptions(capacity) { SingleReader = true, SingleWriter = true, FullMode = BoundedChannelFullMode.Wait });

    public string? Namespace => filter.Namespace;

    public ChannelReader<StoreChange> Reader => _buffer.Reader;

    public void Offer(in StoreChange change)
    {
        if (filter.InScope(change.New) && !_buffer.Writer.TryWrite(change))
        {
            _buffer.Writer.TryComplete(ApiException.Expired("the watch was too slow to follow the changes; list again and watch from there"));
        }
    }

    public void End() => _buffer.Writer.TryComplete();

    /// <summary>
    /// The change as this watch shows it, or null when it does not concern it: an object that enters the selector is Added, one that
    /// leaves it is Deleted with its last matching state.
    /// </summary>
    public static WatchEvent? Show(ObjectFilter filter, in StoreChange change)
    {
        if (!filter.Selects)
        {
            return new WatchEvent(change.Type, change.New);
        }
        var before = change.Old is not null && filter.Matches(change.Old);
        var after = change.Type != WatchEventType.Deleted && filter.Matches(change.New);
        return (before, after) switch
        {
            (true, true) => new WatchEvent(WatchEventType.Modified, change.New),
            (false, true) => new WatchEvent(WatchEventType.Added, change.New),
            (true, false) when change.Type == WatchEventType.Deleted => new WatchEvent(WatchEventType.Deleted, change.New),
            (true, false) => new WatchEvent(WatchEventType.Deleted, change.Old!.WithVersion(change.Version)),
            _ => null,
        };
    }
}
