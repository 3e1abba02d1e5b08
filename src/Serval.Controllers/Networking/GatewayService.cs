using Serval.Api;
using Serval.Api.Serving;
using Serval.Controllers.Autoscaler;

namespace Serval.Controllers.Networking;

/// <summary>A port of a Service, and what stands behind it at a gateway.</summary>
internal sealed record GatewayServicePort(string Name, int Port, Func<GatewayDoors, GatewayAddress> Behind);

/// <summary>A Service without a selector by which programs find the gateways.</summary>
/// <param name="Name">Its name in the system namespace.</param>
/// <param name="Type">Its type.</param>
/// <param name="Ports">Its ports, all at one address of a gateway.</param>
internal sealed record GatewayService(string Name, string Type, params IReadOnlyList<GatewayServicePort> Ports)
{
    private static readonly GatewayServicePort s_inside = new("http2", 80, d => d.Inside);

    internal ObjectKey Key { get; } = new(KnativeNames.SystemNamespace, Name);

    /// <summary>Labels by which programs look for it.</summary>
    internal IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    /// <summary>
    /// The public gateway, as an ingress of Knative has one (knative.dev/pkg: test/ingress looks it up); the private one; and what Knative calls the
    /// activator, which here is the gateway (knative/serving: config/core/deployments/activator.yaml), without the ports of its metrics.
    /// </summary>
    internal static IReadOnlyList<GatewayService> All { get; } =
    [
        new("gateway", "LoadBalancer", new("http2", 80, d => d.Open), new("https", 443, d => d.Open with { Port = d.Secure })),
        new("gateway-private", "ClusterIP", s_inside, new("https", 443, d => d.Inside with { Port = d.SecureInside })),
        new("activator-service", "ClusterIP", s_inside with { Name = "http" }, s_inside with { Port = 81 })
        {
            Labels = new Dictionary<string, string>
            {
                ["app"] = "activator", ["app.kubernetes.io/component"] = "activator", ["app.kubernetes.io/name"] = "knative-serving",
            },
        },
    ];
}
