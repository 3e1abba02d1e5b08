using System.Collections.Concurrent;
using Serval.Testing;

namespace Serval.Bench;

/// <summary>When each pod began to end, as a watch of the API tells it.</summary>
internal sealed class PodLives : IAsyncDisposable
{
    private static readonly TimeSpan s_late = TimeSpan.FromSeconds(1); // how late a busy watch may tell it

    private readonly ConcurrentDictionary<string, long> _ending = new();
    private readonly CancellationTokenSource _stop = new();
    private Task _watch = Task.CompletedTask;

    internal static async Task<PodLives> FollowAsync(ServalProcess serval, CancellationToken ct)
    {
        const string Path = "/api/v1/namespaces/default/pods";
        var lives = new PodLives();
        var version = (string)(await serval.Api.GetAsync(Path))["metadata"]!["resourceVersion"]!;
        var stop = CancellationTokenSource.CreateLinkedTokenSource(ct, lives._stop.Token);
        lives._watch = serval.Api.WatchUntilAsync($"{Path}?resourceVersion={version}", (type, pod) =>
        {
            if (type == "DELETED" || pod["metadata"]!["deletionTimestamp"] is not null)
            {
                lives._ending.TryAdd((string)pod["metadata"]!["name"]!, TimeProvider.System.GetTimestamp());
            }
            return false;
        }, stop.Token);
        return lives;
    }

    /// <summary>Whether the pod was on its way out at a moment (<see cref="TimeProvider.GetTimestamp"/>).</summary>
    internal bool WasEnding(string pod, long moment) =>
        _ending.TryGetValue(pod, out var since) && TimeProvider.System.GetElapsedTime(moment, since) < s_late;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        try
        {
            await _watch;
        }
        catch (OperationCanceledException)
        {
            // that is how it ends
        }
        _stop.Dispose();
    }
}
