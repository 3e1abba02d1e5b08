using Microsoft.Extensions.Logging;
using Serval.Kube;

namespace Serval.Node.Agent;

/// <summary>
/// Says again that the node is ready when a controller has taken it for lost: Kubernetes' own, which sees the Lease renewed, leaves that to the kubelet
/// (kubernetes pkg/controller/nodelifecycle, pkg/kubelet/kubelet_node_status.go).
/// </summary>
internal sealed partial class NodeHeartbeat : IAsyncDisposable
{
    /// <summary>As often as a kubelet looks (nodeStatusUpdateFrequency).</summary>
    public static readonly TimeSpan Period = TimeSpan.FromSeconds(10);

    private readonly CancellationTokenSource _stop = new();
    private readonly Task _run;

    /// <param name="client">The API server.</param>
    /// <param name="name">The node.</param>
    /// <param name="conditions">What it said of itself when it was registered.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Hears of failures.</param>
    public NodeHeartbeat(IKubeClient client, string name, IReadOnlyList<NodeCondition> conditions, TimeProvider time, ILogger logger) =>
        _run = RunAsync(client, name, conditions, time, logger);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _run.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private async Task RunAsync(IKubeClient client, string name, IReadOnlyList<NodeCondition> conditions, TimeProvider time, ILogger logger)
    {
        using var timer = new PeriodicTimer(Period, time);
        var failed = false;
        while (await timer.WaitForNextTickAsync(_stop.Token))
        {
            try
            {
                if (await NodeRegistration.RestoreAsync(client, name, conditions, time, _stop.Token))
                {
                    Log.Restored(logger, name);
                }
                if (failed)
                {
                    Log.Recovered(logger, name);
                    failed = false;
                }
            }
            catch (Exception e) when (!_stop.IsCancellationRequested)
            {
                // The API server is away, or forbids it: the next look is soon. Of a row of failures the first is told.
                Log.Failed(logger, failed ? LogLevel.Debug : LogLevel.Warning, name, e.Message);
                failed = true;
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(37, LogLevel.Information, "Node {Name} was taken for lost and says again that it is ready")]
        public static partial void Restored(ILogger logger, string name);

        [LoggerMessage(EventId = 38, Message = "Whether node {Name} is taken for lost cannot be told: {Why}; it is asked again every few seconds")]
        public static partial void Failed(ILogger logger, LogLevel level, string name, string why);

        [LoggerMessage(62, LogLevel.Information, "Whether node {Name} is taken for lost can be told again")]
        public static partial void Recovered(ILogger logger, string name);
    }
}
