using Serval.Api;
using Serval.Kube;

namespace Serval.Signals;

/// <summary>A node's gate: an instance is idle when it is at every live gateway. One that cannot be heard for <see cref="LineStream.Silence"/> has nothing in flight any more.</summary>
/// <param name="node">The node's name.</param>
/// <param name="told">What the node tells gateways; they must know it when they answer.</param>
/// <param name="peers">The gateways.</param>
/// <param name="client">Asks them.</param>
/// <param name="time">The clock.</param>
public sealed class RemoteDrainGate(string node, CapacityFeed told, PeerDirectory peers, SignalClient client, TimeProvider time) : IDrainGate
{
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(500);

    public Task WhenIdleAsync(ObjectKey revision, string podUid, CancellationToken ct) => WhenAsync(revision, podUid, empty: false, ct);

    public Task WhenEmptyAsync(ObjectKey revision, string podUid, CancellationToken ct) => WhenAsync(revision, podUid, empty: true, ct);

    private Task WhenAsync(ObjectKey revision, string podUid, bool empty, CancellationToken ct)
    {
        if (revision.Name.Length == 0)
        {
            return Task.CompletedTask;
        }
        var path = IdleEndpoint.Of(revision, podUid, empty, node, told.Number);
        return Task.WhenAll(peers.Live(PeerRole.Gateway).Select(gateway => AskAsync(gateway.Id, path, ct)));
    }

    private async Task AskAsync(string id, string path, CancellationToken ct)
    {
        var heard = time.GetTimestamp();
        while (peers.Find(PeerRole.Gateway, id) is { } gateway)
        {
            try
            {
                await foreach (var line in client.LinesAsync(gateway, path, ct))
                {
                    heard = time.GetTimestamp();
                    if (line.Length > 0)
                    {
                        return;
                    }
                }
            }
            catch (ApiException e) when (e.Code is 429 or >= 500)
            {
                heard = time.GetTimestamp(); // it lives, and will answer
            }
            catch (Exception e) when (SignalClient.IsFailure(e))
            {
                // Asked again below, unless it has been out of reach for long.
            }
            if (time.GetElapsedTime(heard) >= LineStream.Silence)
            {
                return;
            }
            await Task.Delay(s_pause, time, ct);
        }
    }
}
