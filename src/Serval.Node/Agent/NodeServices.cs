using System.Net;
using Microsoft.Extensions.Logging;
using Serval.Api;
using Serval.Api.Core;
using Serval.Kube;
using Serval.Kube.Tokens;
using Serval.Node.Containers;
using Serval.Node.Logs;
using Serval.Node.Network;
using Serval.Node.Ports;
using Serval.Node.Processes;
using Serval.Node.Resources;
using Serval.Node.Sockets;
using Serval.Node.Volumes;

namespace Serval.Node.Agent;

/// <summary>What every pod of the node uses.</summary>
internal sealed record NodeServices
{
    public const string Loopback = "127.0.0.1";
    public const string FieldManager = "serval-node";
    public const string PortsAnnotation = "serval.dev/ports";
    public const string RevisionLabel = "serving.knative.dev/revision";

    public required string NodeName { get; init; }
    public required NodePaths Paths { get; init; }
    public required IKubeClient Client { get; init; }
    public required ICapacitySignal Capacity { get; init; }
    public required IImageRoots Images { get; init; }
    public required IDrainGate Drain { get; init; }
    public required EventReporter Events { get; init; }
    public required TimeProvider Time { get; init; }
    public required ProcessRuntime Runtime { get; init; }
    public required ListenProber Prober { get; init; }
    public required PortAllocator Ports { get; init; }
    public required LogIndexer Logs { get; init; }

    /// <summary>Gives each pod a network of its own; null when pods share the machine's.</summary>
    public required PodNetwork? Network { get; init; }

    /// <summary>Whether who asks pods cannot come into their networks.</summary>
    public required bool RelaysLoopback { get; init; }

    /// <summary>Who resolves names for pods; null when they use the machine's resolvers.</summary>
    public required IPAddress? NameServer { get; init; }

    /// <summary>Addresses of Services that pods reach; null when they reach none.</summary>
    public required IPNetwork? ServiceRange { get; init; }

    /// <summary>Limits what containers use; null where Serval may not.</summary>
    public required ControlGroups? Groups { get; init; }

    /// <summary>Gives service accounts' tokens; null where nobody does.</summary>
    public required IPodTokens? Tokens { get; init; }
    /// <summary>What pods find of their accounts; null where they find nothing.</summary>
    public required AccountFiles? Accounts { get; init; }
    public required bool MountsAllowed { get; init; }

    /// <summary>Whether a container can have a user of its own.</summary>
    public required bool UsersAllowed { get; init; }
    public required ILogger Logger { get; init; }

    /// <summary>Where pods reach the API server, given <see cref="Address"/>; null while that is not known.</summary>
    public required Func<string, DnsEndPoint?> Api { get; init; }

    /// <summary>Called on the pod's own turn when nothing of it is left here.</summary>
    public required Action<string> Finished { get; init; }

    /// <summary>This machine, as pods reach it.</summary>
    public string Address => Network?.Gateway.ToString() ?? Loopback;

    /// <summary>What pods of a namespace refer to; <paramref name="used"/> hears of every look-up.</summary>
    public IReferences References(string ns, Action<ResourceKind, string> used) => new CachedReferences(Client, ns, ServiceRange, used);

    private static readonly ObjectKey s_api = new("default", "kubernetes");

    private sealed class CachedReferences(IKubeClient client, string ns, IPNetwork? range, Action<ResourceKind, string> used) : IReferences
    {
        public ConfigMap? ConfigMap(string name) => Find(Kinds.ConfigMap, name)?.As<ConfigMap>();

        public Secret? Secret(string name) => Find(Kinds.Secret, name)?.As<Secret>();

        public ObjectMeta? ServiceAccount(string name) => Find(Kinds.ServiceAccount, name)?.Metadata;

        public IEnumerable<(string Name, ServiceSpec Spec)> Services() => range is not { } routed ? [] : client.Cache(Kinds.Service).List(ns)
            .Where(s => s.Key != s_api)
            .Select(s => (s.Key.Name, s.As<Service>().Spec))
            .Where(s => IPAddress.TryParse(s.Spec.ClusterIP, out var address) && routed.Contains(address));

        private KubeObject? Find(ResourceKind kind, string name)
        {
            used(kind, name);
            return client.Cache(kind).Get(new ObjectKey(ns, name));
        }
    }
}
