using System.Globalization;
using Serval.Api;
using Serval.Api.Config;
using Serval.Api.Serving;

namespace Serval.Controllers.Serving;

/// <summary>Names under which a Route answers (serving: reconciler/route/domains). Pure.</summary>
/// <param name="HttpPort">Port of the gateway, shown in URLs unless it is 80.</param>
internal sealed record RouteHosts(KubeObject Route, ServingConfig Config, int HttpPort)
{
    /// <summary>Whether the route is visible inside the cluster only.</summary>
    internal bool IsClusterLocal => Route.Metadata.Label(KnativeNames.VisibilityLabel) == KnativeNames.VisibilityClusterLocal
        || Domain == DomainConfig.ClusterLocalDomain;

    private string Domain => Config.Domain.DomainFor(Route.Metadata.Labels);

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
    internal string Url(string tag) => IsClusterLocal ? $"http://{Internal(tag)}" : Config.Network.DefaultExternalScheme + "://" + External(tag) + Port;

    private string Port => HttpPort is 80 or 0 ? "" : ":" + HttpPort.ToString(CultureInfo.InvariantCulture);
}
