using Serval.Kube;

namespace Serval.StoreConformance;

/// <summary>Reads a watch one event at a time. The guard only turns a hang into a failure; no fact depends on its length.</summary>
internal sealed class WatchReader : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new(TimeSpan.FromMinutes(2));
    private readonly IAsyncEnumerator<WatchEvent> _events;

    public WatchReader(Func<CancellationToken, IAsyncEnumerable<WatchEvent>> watch) => _events = watch(_stop.Token).GetAsyncEnumerator(_stop.Token);

    public async Task<WatchEvent> NextAsync()
    {
        Assert.True(await _events.MoveNextAsync(), "the watch ended");
        return _events.Current;
    }

    /// <summary>Whether nothing comes before the watch ends.</summary>
    public async Task<bool> EndsAsync() => !await _events.MoveNextAsync();

    /// <summary>The next events as <c>Type name</c>.</summary>
    public async Task<IReadOnlyList<string>> TakeAsync(int count)
    {
        var result = new List<string>(count);
        for (var i = 0; i < count; i++)
        {
            var next = await NextAsync();
            result.Add($"{next.Type} {next.Object.Metadata.Name}");
        }
        return result;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _events.DisposeAsync();
        _stop.Dispose();
    }
}
