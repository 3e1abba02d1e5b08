using System.Net;
using Microsoft.Extensions.Logging;
using Serval.Kube;
using Serval.Signals;

namespace Serval.Composition;

/// <summary>What a gateway or a node in a process of its own is told.</summary>
internal sealed record RoleOptions
{
    /// <summary>Its name among those of its role; a gateway without one takes the machine's and its port.</summary>
    public string Name { get; init; } = "";

    /// <summary>Where it listens.</summary>
    public IPAddress Listen { get; init; } = IPAddress.Loopback;

    /// <summary>Where others reach it; null: where it listens.</summary>
    public IPAddress? Advertise { get; init; }

    public int SignalsPort { get; init; }

    /// <summary>Of a node on another's API server: where that one reaches its pods.</summary>
    public int KubeletPort { get; init; }

    /// <summary>A node's pods and images are here.</summary>
    public string DataDirectory { get; init; } = "";

    public bool PodNetwork { get; init; } = true;

    public int HttpPort { get; init; }

    public int HttpsPort { get; init; }

    /// <summary>Where others reach it.</summary>
    public IPAddress Reached => Advertise ?? ServalHost.ClientAddress(Listen);

    public SignalServerOptions Signals(IKubeClient client, TimeProvider time, ILoggerFactory loggers) =>
        new() { Listen = Listen, Port = SignalsPort, Advertise = Reached, Client = client, Time = time, Loggers = loggers };
}
