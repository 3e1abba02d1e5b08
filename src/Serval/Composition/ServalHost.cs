using System.Net;
using Microsoft.Extensions.Logging;
using Serval.Api;
using Serval.ApiServer;
using Serval.ApiServer.Certificates;
using Serval.ApiServer.Pipeline;
using Serval.ApiServer.Store;
using Serval.Cli;
using Serval.Controllers;
using Serval.Controllers.Autoscaler;
using Serval.Controllers.Networking;
using Serval.Controllers.Workloads;
using Serval.Images;
using Serval.Kube;
using Serval.Node;
using Serval.Proxy;

namespace Serval.Composition;

/// <summary>
/// Every role in one process over the embedded client. Started from the store upwards; stopped the other way round: first nothing new comes in, then
/// what runs is stopped, the store last.
/// </summary>
internal sealed class ServalHost : IServalHost
{
    /// <summary>Where the private gateway is while pods share the machine's network: this machine as well, but not where its browsers look.</summary>
    private static readonly IPAddress s_privateAddress = new([127, 1, 0, 80]);

    private readonly StartedParts _started = new();

    private ServalHost(ServalOptions options, ForcedEnd? forcedEnd)
    {
        (Options, ForcedEnd) = (options, forcedEnd);
        Images = new ImageStore(options.DataDirectory);
    }

    public Uri GatewayUri { get; private set; } = new("http://127.0.0.1");

    public Uri SecureGatewayUri { get; private set; } = new("https://127.0.0.1");

    public Uri PrivateGatewayUri { get; private set; } = new("http://127.0.0.1");

    public Uri ApiUri { get; private set; } = new("https://127.0.0.1");

    public string KubeconfigPath { get; private set; } = "";

    public IKubeClient Client { get; private set; } = null!; // set by the first step of StartAsync, which nobody outside precedes

    public ImageStore Images { get; }

    internal EventRecorder Events { get; private set; } = null!; // as Client

    private ServalOptions Options { get; }

    private ForcedEnd? ForcedEnd { get; }

    internal static async Task<IServalHost> StartAsync(ServalOptions options, ForcedEnd? forcedEnd, CancellationToken ct)
    {
        var host = new ServalHost(options, forcedEnd);
        try
        {
            await host.ComposeAsync(ct);
            return host;
        }
        catch
        {
            // Why it did not start is what counts.
            await host.DisposeAsync().AsTask().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }
    }

    public ValueTask DisposeAsync() => _started.DisposeAsync();

    private async Task ComposeAsync(CancellationToken ct)
    {
        var time = TimeProvider.System;
        var loggers = _started.Add(new Loggers()).Factory;

        // State.
        var store = _started.Add(await SqliteStore.OpenAsync(
            new StoreOptions { Directory = Options.DataDirectory, TimeProvider = time, Logger = loggers.CreateLogger<SqliteStore>() }, ct));
        var client = new EmbeddedKubeClient(store, time, loggers);
        Client = client;
        await Seeds.PlantAsync(client, ct);

        var events = _started.Add(new EventRecorder(client, time, loggers.CreateLogger<EventRecorder>()));
        Events = events;

        // Signals and the data plane.
        var config = new ServingConfigSource(client, loggers.CreateLogger<ServingConfigSource>(), events);
        var capacity = new DirectCapacitySignal();
        var autoscaler = _started.Add(new AutoscalerHost(client, config, time, loggers.CreateLogger<AutoscalerHost>()));
        NodeAgent? node = null;
        // Before all that sends it lines, so that it ends after them.
        var requestLogs = _started.Add(new RequestLogs(
            pod => node?.FindPod(pod), (pod, lines) => node?.AppendRequestLog(pod, lines) == true, loggers.CreateLogger<RequestLogs>()));
        var proxy = _started.Add(new ProxyServer(new ProxyOptions
        {
            OpenInside = pod => node?.OpenSocket(pod),
            IsInside = client => node?.IsInside(client) == true,
            HttpAddress = Options.ListenAddress.ToString(), HttpPort = Options.HttpPort, HttpsPort = Options.HttpsPort, DemandSink = new DemandJoint(autoscaler),
            WhyNotReady = new RevisionJoint(client).WhyNotReady, TimeProvider = time, LoggerFactory = loggers,
        }));
        var feed = _started.Add(new RouteFeed(client, config, proxy, proxy, capacity, time, loggers.CreateLogger<RouteFeed>()));
        await feed.StartAsync(ct); // before the gateway listens: its first request finds every route
        await proxy.StartAsync(ct);

        // The node before the controllers: stopped after them, so that nobody takes the end of its processes for a failure of theirs.
        node = _started.Add(new NodeAgent(
            NodeSettings(client, proxy, loggers, time), client, capacity, new StoredImageRoots(Images), new DrainJoint(proxy), events));
        ForcedEnd?.Register(node.Kill);
        await node.StartAsync(ct);
        config.Follow(c => proxy.RequestLog = requestLogs.For(c.Observability));
        proxy.ListenInside(node.PodGateway ?? s_privateAddress);
        var open = new GatewayAddress(ClientAddress(Options.ListenAddress).ToString(), proxy.HttpPort);
        var inside = new GatewayAddress(proxy.PrivateEndPoint!.Address.ToString(), proxy.PrivateEndPoint.Port);
        var controllers = _started.Add(new ControllerHost(client, events, time, loggers.CreateLogger<ControllerHost>()));
        controllers.AddDefinitions(client, time)
            .AddWorkloads(client, events, time)
            .AddCertificates(client, config, events, time)
            .AddServing(client, new ImageJoint(Images), config, () => new GatewayPorts(open.Port, inside.Port, proxy.HttpsPort, proxy.PrivateHttpsPort), events, time)
            .AddAutoscaler(client, autoscaler, config, () => [inside], node, events, time)
            .AddNetworking(client, feed, open, proxy.HttpsPort, inside, proxy.PrivateHttpsPort, time);
        var collector = _started.Add(new GarbageCollector(client, time, loggers.CreateLogger<GarbageCollector>()));
        await controllers.StartAsync(ct);
        await collector.StartAsync(ct);
        var sweeper = _started.Add(new EventSweeper(client, time, loggers.CreateLogger<EventSweeper>()));
        await sweeper.StartAsync(ct);

        // The door, last: who gets in finds everything there.
        var api = _started.Add(await ApiServerHost.StartAsync(new ApiServerOptions
        {
            DataDirectory = Options.DataDirectory, Client = client, PodStreams = node.Streams, Address = Options.ListenAddress, Port = Options.ApiPort,
            Audit = Options.Audit, StoreTakesWrites = () => store.TakesWrites, TimeProvider = time, LoggerFactory = loggers,
        }, ct));
        ApiUri = api.Address;
        KubeconfigPath = api.KubeconfigPath;
        GatewayUri = Uri(open);
        SecureGatewayUri = Uri(open with { Port = proxy.HttpsPort }, "https");
        PrivateGatewayUri = Uri(inside);

        static Uri Uri(GatewayAddress gateway, string scheme = "http") => new UriBuilder(scheme, gateway.Ip, gateway.Port).Uri;
    }

    /// <summary>The node keeps the name it was born with: its pods are bound to that, also after a restore on another machine.</summary>
    private NodeOptions NodeSettings(IKubeClient client, ProxyServer proxy, ILoggerFactory loggers, TimeProvider time)
    {
        var settings = new NodeOptions
        {
            DataDirectory = Options.DataDirectory, PodNetwork = Options.PodNetwork, IsServed = proxy.Serves, Time = time, Loggers = loggers,
            Tokens = ServiceAccountKey.Open(Options.DataDirectory, time),
        };
        return client.Cache(Kinds.Node).List() is [var known] ? settings with { NodeName = known.Metadata.Name } : settings;
    }

    /// <summary>Where a program of this machine reaches what listens there.</summary>
    private static IPAddress ClientAddress(IPAddress listen) => listen.Equals(IPAddress.Any) || listen.Equals(IPAddress.IPv6Any) ? IPAddress.Loopback : listen;
}
