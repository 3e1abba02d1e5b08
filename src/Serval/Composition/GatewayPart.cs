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

    private GatewayPart(ProxyServer proxy, RouteFeed feed, DrainJoint drain) => (Proxy, Routes, Drain) = (proxy, feed, drain);

    public ProxyServer Proxy { get; }

    public RouteFeed Routes { get; }

    public IDrainGate Drain { get; }

    /// <param name="started">Owns what is started.</param>
    /// <param name="services">What every part works with.</param>
    /// <param name="settings">Where to listen, and the pods of this machine.</param>
    /// <param name="demand">Hears of requests.</param>
    /// <param name="capacity">Tells of instances.</param>
    /// <param name="logs">Takes the lines of request logs; started before this part, as it ends after it.</param>
    /// <param name="ct">Gives up.</param>
    public static async Task<GatewayPart> StartAsync(
        StartedParts started, PartServices services, ProxyOptions settings, IDemandSink demand, ICapacitySignal capacity, RequestLogs logs, CancellationToken ct)
    {
        var (client, config, _, time, loggers) = services;
        var proxy = started.Add(new ProxyServer(settings with
        {
            DemandSink = demand, WhyNotReady = new RevisionJoint(client).WhyNotReady, TimeProvider = time, LoggerFactory = loggers,
        }));
        var feed = started.Add(new RouteFeed(client, config, proxy, proxy, capacity, time, loggers.CreateLogger<RouteFeed>()));
        await feed.StartAsync(ct); // before the gateway listens: its first request finds every route
        await proxy.StartAsync(ct);
        config.Follow(c => proxy.RequestLog = logs.For(c.Observability));
        return new GatewayPart(proxy, feed, new DrainJoint(proxy));
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
