using System.Net;
using Microsoft.Extensions.Logging;
using Serval.Api;
using Serval.ApiServer.Certificates;
using Serval.Cli;
using Serval.Controllers.Autoscaler;
using Serval.Controllers.Networking;
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
    private readonly StartedParts _started = new();
    private volatile int _apiPort; // 0 until it is known

    private ServalHost(ServalOptions options, ForcedEnd? forcedEnd)
    {
        (Options, ForcedEnd) = (options, forcedEnd);
        _apiPort = options.ApiPort;
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
        var state = await StatePart.StartAsync(_started, Options, time, loggers, ct);
        var client = Client = state.Client;
        var authority = Task.Run(() => ClusterAuthority.Open(Options.DataDirectory, time), ct); // made meanwhile
        var services = PartServices.Create(_started, client, time, loggers);
        Events = services.Events;

        // Signals and the data plane.
        var capacity = new DirectCapacitySignal();
        var autoscaler = _started.Add(new AutoscalerHost(client, services.Config, time, loggers.CreateLogger<AutoscalerHost>()));
        NodeAgent? node = null;
        // Before all that sends it lines, so that it ends after them.
        var requestLogs = _started.Add(new RequestLogs(
            pod => node?.FindPod(pod), (pod, lines) => ValueTask.FromResult(node?.AppendRequestLog(pod.Metadata.Uid, lines) == true), loggers.CreateLogger<RequestLogs>()));
        var gateway = new GatewayPart(
            _started, services,
            new ProxyOptions
            {
                OpenInside = pod => node?.OpenSocket(pod), IsInside = address => node?.IsInside(address) == true,
                HttpAddress = Options.ListenAddress.ToString(), HttpPort = Options.HttpPort, HttpsPort = Options.HttpsPort,
            },
            new DemandJoint(autoscaler, "local"), capacity, requestLogs);
        await gateway.StartAsync(ct);

        // The node before the controllers: stopped after them, so that nobody takes the end of its processes for a failure of theirs.
        node = await NodePart.StartAsync(_started, services, NodeSettings(gateway.Proxy), capacity, Images, gateway.Drain, ForcedEnd, ct);
        gateway.Proxy.ListenInside(node.PodGateway ?? GatewayPart.SharedInside);
        var doors = gateway.Doors(ClientAddress(Options.ListenAddress));
        await ControllerPart.StartAsync(
            _started, services,
            new ControllerSignals
            {
                Autoscaler = autoscaler, Images = new ImageJoint(Images), Routes = gateway.Routes, Usage = node, Gateways = new StillGateways(doors),
                RootCa = await authority,
            },
            ct);

        // The door, last: who gets in finds everything there.
        var api = await state.OpenDoorAsync(node.Streams, node.PodGateway, node.IsInside, ct);
        _apiPort = api.InsidePort;
        await ApiService.EnsureAsync(client, ApiFor(node.PodGateway ?? IPAddress.Loopback)!, node.RoutesServices, ct);
        ApiUri = api.Address;
        KubeconfigPath = api.KubeconfigPath;
        GatewayUri = Uri(doors.Open);
        SecureGatewayUri = Uri(doors.Open with { Port = doors.Secure }, "https");
        PrivateGatewayUri = Uri(doors.Inside);

        static Uri Uri(GatewayAddress gateway, string scheme = "http") => new UriBuilder(scheme, gateway.Ip, gateway.Port).Uri;
    }

    /// <summary>The node keeps the name it was born with: its pods are bound to that, also after a restore on another machine.</summary>
    private NodeOptions NodeSettings(ProxyServer proxy)
    {
        var settings = new NodeOptions
        {
            DataDirectory = Options.DataDirectory, PodNetwork = Options.PodNetwork, IsServed = proxy.Serves,
            Tokens = ServiceAccountKey.Open(Options.DataDirectory, TimeProvider.System), Api = machine => ApiFor(IPAddress.Parse(machine)),
        };
        return Client.Cache(Kinds.Node).List() is [var known] ? settings with { NodeName = known.Metadata.Name } : settings;
    }

    /// <summary>Where pods reach the API that reach this machine there; null as long as its port is not known.</summary>
    private DnsEndPoint? ApiFor(IPAddress machine) => _apiPort == 0
        ? null
        : new DnsEndPoint((IPAddress.IsLoopback(machine) ? ClientAddress(Options.ListenAddress) : machine).ToString(), _apiPort);

    /// <summary>Where a program of this machine reaches what listens there.</summary>
    internal static IPAddress ClientAddress(IPAddress listen) => listen.Equals(IPAddress.Any) || listen.Equals(IPAddress.IPv6Any) ? IPAddress.Loopback : listen;
}
