using Microsoft.Extensions.Logging;
using Serval.Api;
using Serval.Kube;

namespace Serval.Signals;

/// <summary>
/// Deletes the Leases of gateways that were killed: nobody else does. Judged by this process's own clock; a gateway that does live writes its Lease again.
/// A node's stay: it is the node's, which somebody has to delete.
/// </summary>
public sealed partial class LeaseSweeper : IAsyncDisposable
{
    /// <summary>How long a Lease is kept that nobody renews.</summary>
    internal static readonly TimeSpan Keep = TimeSpan.FromHours(1);

    internal static readonly TimeSpan Period = TimeSpan.FromMinutes(10);

    private readonly PeerDirectory _peers;
    private readonly IKubeClient _client;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _run;

    /// <param name="peers">Knows the Leases.</param>
    /// <param name="client">Where they are.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Hears of what cannot be deleted.</param>
    public LeaseSweeper(PeerDirectory peers, IKubeClient client, TimeProvider time, ILogger<LeaseSweeper> logger)
    {
        (_peers, _client, _time, _logger) = (peers, client, time, logger);
        _run = RunAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _run.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        while (true)
        {
            await Task.Delay(Period, _time, _stop.Token);
            foreach (var lease in _peers.Still(PeerRole.Gateway, Keep))
            {
                try
                {
                    await _client.DeleteAsync(Kinds.Lease, lease.Key, new DeleteOptions { ResourceVersion = lease.Metadata.ResourceVersion }, _stop.Token);
                }
                catch (ApiException e)
                {
                    Log.Failed(_logger, lease.Key, e.Message); // later
                }
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 4002, Level = LogLevel.Debug, Message = "The lease {Key} of a gateway that is gone cannot be deleted: {Why}")]
        internal static partial void Failed(ILogger logger, ObjectKey key, string why);
    }
}
