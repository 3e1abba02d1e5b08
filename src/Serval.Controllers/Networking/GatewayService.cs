using Serval.Api;
using Serval.Api.Serving;
using Serval.Controllers.Autoscaler;

namespace Serval.Controllers.Networking;

/// <summary>A Service without a selector by which programs find the gateway.</summary>
/// <param name="Name">Its name in the system namespace.</param>
/// <param name="Type">Its type.</param>
/// <param name="Address">Where the gateway listens.</param>
/// <param name="Ports">Its ports by name, and the gateway's that stands behind each.</param>
internal sealed record GatewayService(string Name, string Type, GatewayAddress Address, params IReadOnlyList<(string Name, int Port, int Behind)> Ports)
{
    internal ObjectKey Key { get; } = new(KnativeNames.SystemNamespace, Name);

    /// <summary>Labels by which programs look for it.</summary>
    internal IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    /// <summary>
    /// The public gateway, as an ingress of Knative has one (knative.dev/pkg: test/ingress looks it up); the private one; and what Knative calls the
    /// activator, which here is the gateway (knative/serving: config/core/deployments/activator.yaml), without the ports of its metrics.
    /// </summary>
    internal static IReadOnlyList<GatewayService> All(GatewayAddress open, int secure, GatewayAddress inside, int secureInside) =>
    [
        new("gateway", "LoadBalancer", open, ("http2", 80, open.Port), ("https", 443, secure)),
        new("gateway-private", "ClusterIP", inside, ("http2", 80, inside.Port), ("https", 443, secureInside)),
        new("activator-service", "ClusterIP", inside, ("http", 80, inside.Port), ("http2", 81, inside.Port))
        {
            Labels = new Dictionary<string, string>
            {
                ["app"] = "activator", ["app.kubernetes.io/component"] = "activator", ["app.kubernetes.io/name"] = "knative-serving",
            },
        },
    ];
}
