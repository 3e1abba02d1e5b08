using Microsoft.Extensions.Logging;
using Serval.Api;
using Serval.Kube;

namespace Serval.Signals;

/// <summary>
/// A node's gate: an instance is idle when it is at every gateway that answers, whatever it answers. One that cannot be heard for <see cref="LineStream.Silence"/> has nothing in
/// flight any more; one that does not renew its Lease either, when it is not reached twice in a row.
/// </summary>
/// <param name="node">The node's name.</param>
/// <param name="told">What the node tells gateways; they must know it when they answer.</param>
/// <param name="peers">The gateways.</param>
/// <param name="client">Asks them.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">Hears of refusals.</param>
public sealed partial class RemoteDrainGate(
    string node, CapacityFeed told, PeerDirectory peers, SignalClient client, TimeProvider time, ILogger<RemoteDrainGate> logger) : IDrainGate
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
        return Task.WhenAll(peers.Known(PeerRole.Gateway).Select(gateway => AskAsync(gateway, path, ct)));
    }

    private async Task AskAsync(Peer gateway, string path, CancellationToken ct)
    {
        var heard = time.GetTimestamp();
        var failures = 0; // in a row
        var refused = false;
        while (true)
        {
            var answers = false;
            try
            {
                await foreach (var line in client.LinesAsync(gateway, path, ct))
                {
                    (heard, answers) = (time.GetTimestamp(), true);
                    if (line.Length > 0)
                    {
                        return;
                    }
                }
            }
            catch (ApiException e)
            {
                (heard, answers) = (time.GetTimestamp(), true); // it lives, and may answer yet
                Log.Refused(logger, refused || e.Code is 429 or >= 500 ? LogLevel.Debug : LogLevel.Warning, gateway, e.Message);
                refused = true;
            }
            catch (Exception e) when (SignalClient.IsFailure(e))
            {
                // Asked again below, unless it has been out of reach for long.
            }
            failures = answers ? 0 : failures + 1;
            var live = peers.Find(PeerRole.Gateway, gateway.Id);
            if (!answers && ((live is null && failures > 1) || time.GetElapsedTime(heard) >= LineStream.Silence))
            {
                return;
            }
            gateway = live ?? gateway;
            await Task.Delay(s_pause, time, ct);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 4031, Message = "{Gateway} does not say whether it has requests at an instance, which may have to wait for its grace period: {Why}")]
        internal static partial void Refused(ILogger logger, LogLevel level, Peer gateway, string why);
    }
}
