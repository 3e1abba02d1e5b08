using System.Net;
using Microsoft.Extensions.Logging;
using Serval.Controllers.Autoscaler;
using Serval.Controllers.Networking;
using Serval.Kube;
using Serval.Proxy;

namespace Serval.Composition;

/// <summary>The data plane: a gateway and the feed of its routes.</summary>
internal sealed class GatewayPart
{
    /// <summary>Where the private gateway is while pods share the machine's network: this machine as well, but not where its browsers look.</summary>
    public static readonly IPAddress SharedInside = new([127, 1, 0, 80]);

    private readonly ServingConfigSource _config;
    private readonly RequestLogs _logs;

    /// <param name="started">Owns what is started.</param>
    /// <param name="services">What every part works with.</param>
    /// <param name="settings">Where to listen, and the pods of this machine.</param>
    /// <param name="demand">Hears of requests.</param>
    /// <param name="capacity">Tells of instances.</param>
    /// <param name="logs">Takes the lines of request logs; made before this part, as it ends after it.</param>
    public GatewayPart(
        StartedParts started, PartServices services, ProxyOptions settings, IDemandSink demand, ICapacitySignal capacity, RequestLogs logs)
    {
        (var client, _config, _, var time, var loggers) = services;
        _logs = logs;
        Proxy = started.Add(new ProxyServer(settings with
        {
            DemandSink = demand, WhyNotReady = new RevisionJoint(client).WhyNotReady, TimeProvider = time, LoggerFactory = loggers,
        }));
        Routes = started.Add(new RouteFeed(client, _config, Proxy, Proxy, capacity, time, loggers.CreateLogger<RouteFeed>()));
        Drain = new DrainJoint(Proxy);
    }

    public ProxyServer Proxy { get; }

    public RouteFeed Routes { get; }

    public IDrainGate Drain { get; }

    /// <summary>Takes requests.</summary>
    public async Task StartAsync(CancellationToken ct)
    {
        await Routes.StartAsync(ct); // before the gateway listens: its first request finds every route
        await Proxy.StartAsync(ct);
        _config.Follow(c => Proxy.RequestLog = _logs.For(c.Observability));
    }

    /// <summary>Where it is reached, once it listens inside.</summary>
    /// <param name="address">The address clients use.</param>
    public GatewayDoors Doors(IPAddress address)
    {
        var inside = Proxy.PrivateEndPoint!;
        return new GatewayDoors(
            new GatewayAddress(address.ToString(), Proxy.HttpPort), Proxy.HttpsPort, new GatewayAddress(inside.Address.ToString(), inside.Port), Proxy.PrivateHttpsPort);
    }
}
