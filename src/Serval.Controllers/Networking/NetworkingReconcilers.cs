using Serval.Kube;

namespace Serval.Controllers.Networking;

/// <summary>The reconcilers around the route feed, for the composition root.</summary>
public static class NetworkingReconcilers
{
    /// <summary>Adds the Ingress reconciler and the one of the gateway's Services. Start the feed too: it publishes the routes whose state the reconciler reports.</summary>
    /// <param name="controllers">Where it runs.</param>
    /// <param name="client">The waist.</param>
    /// <param name="feed">Publishes the routes.</param>
    /// <param name="gateways">Where they are reached.</param>
    /// <param name="time">The clock.</param>
    public static ControllerHost AddNetworking(
        this ControllerHost controllers, IKubeClient client, RouteFeed feed, IGateways gateways, TimeProvider time) => controllers
        .Add(new IngressReconciler(client, feed, time))
        .Add(new GatewayServiceReconciler(client, gateways));
}
