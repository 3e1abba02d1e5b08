using Microsoft.Extensions.Logging;
using Serval.Api;
using Serval.Cli;
using Serval.Images;
using Serval.Kube;
using Serval.Kube.Tokens;
using Serval.Node;
using Serval.Signals;

namespace Serval.Composition;

/// <summary>A node in a process of its own: it tells gateways of its instances, and asks them before it ends one.</summary>
internal static class NodeRole
{
    public static async Task<NodeAgent> StartAsync(
        StartedParts started, ClusterPart cluster, RoleOptions options, ForcedEnd? forcedEnd, TimeProvider time, ILoggerFactory loggers, CancellationToken ct)
    {
        var client = cluster.Client;
        client.Select(Kinds.Pod, $"spec.nodeName={options.Name}");
        var services = PartServices.Create(started, client, time, loggers);
        var peers = await PeerPart.StartAsync(started, client, "node", time, ct);
        await PeerName.RequireFreeAsync(client, PeerRole.Node, options.Name, time, ct);
        var images = new ImageStore(options.DataDirectory);
        var capacity = new DirectCapacitySignal();
        var told = started.Own(new CapacityFeed(capacity, time));
        var hosts = started.Own(new ServedHosts(client));
        var node = await NodePart.StartAsync(
            started, services,
            new NodeOptions
            {
                DataDirectory = options.DataDirectory, NodeName = options.Name, PodNetwork = options.PodNetwork, RelaysLoopback = true,
                RoutesServices = cluster.IsServal, KeepsReady = !cluster.IsServal,
                IsServed = hosts.Contains, Tokens = new RequestedTokens(client, time), Api = cluster.ForPods,
            },
            capacity, images, new RemoteDrainGate(options.Name, told, peers.Directory, peers.Client, time, loggers.CreateLogger<RemoteDrainGate>()), forcedEnd, ct);
        var server = started.Add(await SignalServer.StartAsync(
            options.Signals(client, time, loggers),
            [
                told, new ImageEndpoint(new ImageJoint(images)), new UsageEndpoint(node), new PodStreamsEndpoint(options.Name, node.Streams, time),
                new RequestLogEndpoint((pod, lines) => node.AppendRequestLog(pod, lines.Span)),
            ],
            ct));
        var facts = new Dictionary<string, string> { [PeerFacts.PodGateway] = node.PodGateway?.ToString() ?? "", [PeerFacts.PodCidr] = node.PodCidr };
        var lease = started.Add(PeerLease.Keep(client, PeerRole.Node, options.Name, server, facts, time, loggers.CreateLogger<PeerLease>()));
        if (!cluster.IsServal)
        {
            var door = started.Add(await KubeletServer.StartAsync(options.Signals(client, time, loggers) with { Port = options.KubeletPort }, options.Name, node.Streams, ct));
            await node.TellDoorAsync(options.Reached, door.Address.Port, ct);
        }
        started.Add(node); // ends first: its pods drain while gateways hear of it and its Lease keeps others from taking them for lost
        await lease.WhenFoundAsync(ct);
        return node;
    }
}
