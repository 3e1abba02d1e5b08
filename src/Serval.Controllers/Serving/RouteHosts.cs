using System.Collections.Frozen;
using System.Globalization;
using Serval.Api;
using Serval.Api.Config;
using Serval.Api.Serving;
using Serval.Kube;

namespace Serval.Controllers.Serving;

/// <summary>Names under which a Route answers (serving: reconciler/route/domains). Pure.</summary>
/// <param name="Route">Whose names.</param>
/// <param name="Config">The cluster's settings.</param>
/// <param name="Ports">Ports of the gateway, shown in URLs unless they are 80.</param>
/// <param name="LocalServices">Placeholder Services that the user labelled cluster-local.</param>
internal sealed record RouteHosts(KubeObject Route, ServingConfig Config, GatewayPorts Ports, IReadOnlySet<string> LocalServices)
{
    internal static RouteHosts Of(IKubeClient client, KubeObject route, ServingConfig config, GatewayPorts ports) => new(
        route, config, ports,
        client.Cache(Kinds.Service).OwnedBy(route.Metadata.Uid).Where(IsLocal).Select(s => s.Metadata.Name).ToHashSet(StringComparer.Ordinal));

    /// <summary>
    /// Whether the tag's host ("" is the route's own) is visible inside the cluster only: the lower visibility of the route's and that of the tag's
    /// placeholder Service (serving: reconciler/route/visibility).
    /// </summary>
    internal bool IsClusterLocal(string tag) => IsLocal(Route) || Domain == DomainConfig.ClusterLocalDomain || LocalServices.Contains(ServiceName(tag));

    /// <summary>Hosts that are reached with TLS.</summary>
    internal IReadOnlySet<string> Secure { get; init; } = FrozenSet<string>.Empty;

    /// <summary>What its public hosts are below.</summary>
    internal string Domain => Config.Domain.DomainFor(Route.Metadata.Labels);

    /// <summary>Name of the placeholder Service: the route's, or the tag template's.</summary>
    internal string ServiceName(string tag) => Config.Network.TagName(tag, Route.Metadata.Name);

    /// <summary><c>hello.default.localhost</c>.</summary>
    internal string External(string tag) => Config.Network.HostFor(
        ServiceName(tag), Route.Metadata.Namespace, Domain, Route.Metadata.Labels, Route.Metadata.Annotations);

    /// <summary><c>hello.default.svc.cluster.local</c>.</summary>
    internal string Internal(string tag) => KnativeNames.ServiceHost(ServiceName(tag), Route.Metadata.Namespace);

    /// <summary>The internal name and its shorter forms.</summary>
    internal IReadOnlyList<string> InternalForms(string tag) =>
    [
        $"{ServiceName(tag)}.{Route.Metadata.Namespace}",
        $"{ServiceName(tag)}.{Route.Metadata.Namespace}.svc",
        Internal(tag),
    ];

    /// <summary>What users are shown.</summary>
    internal string Url(string tag) =>
        IsClusterLocal(tag) ? InternalUrl(tag) : PublicUrl(External(tag), Config, Ports, Secure.Contains(External(tag)));

    /// <summary>How a host is reached from outside.</summary>
    internal static string PublicUrl(string host, ServingConfig config, GatewayPorts ports, bool secure = false) =>
        secure ? $"https://{host}{Suffix(ports.Secure, 443)}" : $"{config.Network.DefaultExternalScheme}://{host}{Suffix(ports.Public)}";

    /// <summary>What programs inside the cluster use.</summary>
    internal string InternalUrl(string tag) =>
        Secure.Contains(Internal(tag)) ? $"https://{Internal(tag)}{Suffix(Ports.PrivateSecure, 443)}" : $"http://{Internal(tag)}{Suffix(Ports.Private)}";

    private static bool IsLocal(KubeObject obj) => obj.Metadata.Label(KnativeNames.VisibilityLabel) == KnativeNames.VisibilityClusterLocal;

    private static string Suffix(int port, int usual = 80) => port == usual || port == 0 ? "" : ":" + port.ToString(CultureInfo.InvariantCulture);
}
