using Microsoft.Extensions.Logging;
using Serval.Api;
using Serval.Cli;
using Serval.Controllers.Autoscaler;
using Serval.Kube;
using Serval.Signals;

namespace Serval.Composition;

/// <summary>
/// The controllers in a process of their own. Of several such processes one leads; the others keep what they have read current and write nothing. One that
/// loses the lease puts everything away and stands by again.
/// </summary>
internal sealed class ControllerRole : IAsyncDisposable
{
    private readonly ClusterPart _cluster;
    private readonly PeerPart _peers;
    private readonly bool _workloads;
    private readonly TimeProvider _time;
    private readonly ILoggerFactory _loggers;
    private readonly Action<string> _tell;
    private readonly CancellationTokenSource _stop = new();

    private ControllerRole(ClusterPart cluster, PeerPart peers, bool workloads, TimeProvider time, ILoggerFactory loggers, Action<string> tell)
    {
        (_cluster, _peers, _workloads, _time, _loggers, _tell) = (cluster, peers, workloads, time, loggers, tell);
        foreach (var kind in workloads ? cluster.Client.ServedKinds.Resources : [])
        {
            _ = cluster.Client.Cache(kind); // current by the time it leads
        }
        var key = new ObjectKey("kube-system", "serval-controller"); // where no other role may write
        Running = new LeaderLease(cluster.Client, key, Identity, time, new Random(), loggers.CreateLogger<LeaderLease>()).RunAsync(LeadAsync, _stop.Token);
    }

    /// <summary>Who holds the lease when this process leads.</summary>
    public string Identity { get; } = $"{Environment.MachineName}_{Guid.NewGuid():N}";

    /// <summary>Ends when the role does; fails when it cannot go on.</summary>
    public Task Running { get; }

    /// <param name="started">Owns what is started.</param>
    /// <param name="cluster">The API server.</param>
    /// <param name="workloads">Whether pods, their owners, definitions and garbage are these controllers' matter.</param>
    /// <param name="tell">Hears when it leads and when it stands by.</param>
    /// <param name="time">The clock.</param>
    /// <param name="loggers">Where logs go.</param>
    /// <param name="ct">Gives up.</param>
    public static async Task<ControllerRole> StartAsync(
        StartedParts started, ClusterPart cluster, bool workloads, Action<string> tell, TimeProvider time, ILoggerFactory loggers, CancellationToken ct)
    {
        if (!cluster.IsServal)
        {
            await cluster.Client.Cache(Kinds.ConfigMap).WaitForSyncAsync(ct); // settings decide what is refused
            var config = started.Own(new ServingConfigSource(cluster.Client, loggers.CreateLogger<ServingConfigSource>()));
            cluster.Client.Rules = new KnativeRules(() => config.Current);
        }
        return started.Add(new ControllerRole(cluster, await PeerPart.StartAsync(started, cluster.Client, "controller", time, ct), workloads, time, loggers, tell));
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // whoever waits for it has seen why
        _stop.Dispose();
    }

    private async Task LeadAsync(CancellationToken ct)
    {
        _tell("leading: the controllers of this process run");
        await using (var started = new StartedParts())
        {
            var services = PartServices.Create(started, _cluster.Client, _time, _loggers);
            await _cluster.Client.Cache(Kinds.ConfigMap).WaitForSyncAsync(ct); // settings come before what they decide
            var autoscaler = started.Add(new AutoscalerHost(_cluster.Client, services.Config, _time, _loggers.CreateLogger<AutoscalerHost>()));
            var states = started.Add(new RemoteIngressStates(_peers.Directory, _peers.Client, _time, new Random(), _loggers.CreateLogger<RemoteIngressStates>()));
            var usage = started.Add(new RemotePodUsage(_peers.Directory, _peers.Client, _time, _loggers.CreateLogger<RemotePodUsage>()));
            await ControllerPart.StartAsync(
                started, services,
                new ControllerSignals
                {
                    Autoscaler = autoscaler, Images = new RemoteImageResolver(_peers.Directory, _peers.Client), Usage = usage,
                    Routes = states, Gateways = new PeerGateways(_peers.Directory), Workloads = _workloads, Rules = _cluster.Client.Rules, RootCa = _cluster.Access.ReadAuthorityPem(),
                },
                ct);
            started.Add(new DemandReader(_peers.Directory, _peers.Client, autoscaler, _time, new Random(), _loggers.CreateLogger<DemandReader>()));
            started.Add(new LeaseSweeper(_peers.Directory, _cluster.Client, _time, _loggers.CreateLogger<LeaseSweeper>()));
            await CancellationSignal.WaitAsync(ct);
        }
        if (!_stop.IsCancellationRequested)
        {
            _tell("standing by: the controllers of this process no longer lead");
        }
    }
}
