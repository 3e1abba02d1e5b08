using Microsoft.Extensions.Logging;
using Serval.Api;
using Serval.Api.Core;
using Serval.Controllers.Networking;
using Serval.Kube;
using Serval.Proxy;
using Serval.Signals;

namespace Serval.Composition;

/// <summary>
/// A gateway in a process of its own. It tells the leading controller of demand and of how far routes are, hears of instances from every node, and tells nodes
/// when their instances are idle.
/// </summary>
internal static class GatewayRole
{
    public static async Task<(string Name, GatewayDoors Doors)> StartAsync(
        StartedParts started, ClusterPart cluster, RoleOptions options, TimeProvider time, ILoggerFactory loggers, CancellationToken ct)
    {
        var client = cluster.Client;
        var services = PartServices.Create(started, client, time, loggers);
        var peers = await PeerPart.StartAsync(started, client, "gateway", time, ct);
        await client.Cache(Kinds.ConfigMap).WaitForSyncAsync(ct); // settings come before what they decide

        var capacity = new DirectCapacitySignal();
        var demand = new DemandFeed(time);
        var lines = new RequestLogSender(peers.Directory, peers.Client);
        var (pods, networks) = (started.Own(new PodsByUid(client.Cache(Kinds.Pod))), started.Own(new PodNetworks(peers.Directory)));
        var logs = started.Add(new RequestLogs(Find, (pod, text) => lines.AppendAsync(pod, text, CancellationToken.None), loggers.CreateLogger<RequestLogs>()));
        var gateway = new GatewayPart(
            started, services,
            new ProxyOptions
            {
                IsInside = networks.IsInside,
                HttpAddress = options.Listen.ToString(), HttpPort = options.HttpPort, HttpsPort = options.HttpsPort,
            },
            new DemandJoint(demand, ""), capacity, logs);
        var routes = new RoutesFeed(gateway.Routes, client, time);
        await gateway.StartAsync(ct); // hears of instances from now on: none is told in vain
        var instances = started.Add(new CapacityReader(peers.Directory, peers.Client, capacity, client.Cache(Kinds.Pod), time, new Random(), loggers.CreateLogger<CapacityReader>()));
        var inside = started.Own(new InsideDoors(gateway.Proxy, peers.Directory, loggers.CreateLogger<InsideDoors>()));

        var doors = gateway.Doors(options.Reached);
        var name = options.Name.Length > 0 ? options.Name : $"{Environment.MachineName.ToLowerInvariant()}-{doors.Open.Port}";
        await PeerName.RequireFreeAsync(client, PeerRole.Gateway, name, time, ct);
        var server = started.Add(await SignalServer.StartAsync(
            options.Signals(client, time, loggers), [demand, routes, new IdleEndpoint(gateway.Drain, instances, time)], ct));
        var lease = started.Add(PeerLease.Keep(client, PeerRole.Gateway, name, server, PeerGateways.Facts(doors), time, loggers.CreateLogger<PeerLease>()));
        inside.Changed = () => lease.Tell(PeerGateways.Facts(gateway.Doors(options.Reached)));
        inside.Changed(); // it may have begun to listen elsewhere since
        started.Own(peers.Directory.Subscribe(ShareSlots));
        ShareSlots();
        started.Add(new GatewayEnd(inside, lease, gateway.Proxy));
        await lease.WhenFoundAsync(ct);
        return (name, doors);

        void ShareSlots()
        {
            var (rank, count) = PeerGateways.Share(peers.Directory, name);
            gateway.Proxy.ShareSlots(rank, count);
        }

        (Pod Pod, string Address)? Find(string uid) => pods.Find(uid)?.As<Pod>() is { } pod ? (pod, pod.Status.PodIP) : null;
    }
}
