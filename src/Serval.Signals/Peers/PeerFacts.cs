namespace Serval.Signals;

/// <summary>What peers tell of themselves on their Leases beside where they serve signals.</summary>
public static class PeerFacts
{
    /// <summary>Where a gateway takes requests: <c>ip:port</c>.</summary>
    public const string GatewayHttp = "serval.dev/gateway-http";

    public const string GatewayHttps = "serval.dev/gateway-https";

    /// <summary>Where programs inside the cluster reach a gateway: <c>ip:port</c>.</summary>
    public const string GatewayInside = "serval.dev/gateway-inside";

    public const string GatewayInsideHttps = "serval.dev/gateway-inside-https";

    /// <summary>Told by one that is about to end and still answers requests: nobody should come to it any more.</summary>
    public const string Leaving = "serval.dev/leaving";

    /// <summary>The address at which the pods of a node look for a gateway.</summary>
    public const string PodGateway = "serval.dev/pod-gateway";

    /// <summary>The network of a node's pods.</summary>
    public const string PodCidr = "serval.dev/pod-cidr";
}
