using Serval.Controllers.Autoscaler;
using Serval.Kube;

namespace Serval.Controllers.Networking;

/// <summary>The reconcilers around the route feed, for the composition root.</summary>
public static class NetworkingReconcilers
{
    /// <summary>Adds the Ingress reconciler and the one of the gateway's Services. Start the feed too: it publishes the routes whose state the reconciler reports.</summary>
    /// <param name="controllers">Where it runs.</param>
    /// <param name="client">The waist.</param>
    /// <param name="feed">Publishes the routes.</param>
    /// <param name="open">Where clients reach the gateway.</param>
    /// <param name="secure">The port there for TLS.</param>
    /// <param name="inside">Where programs inside the cluster reach it.</param>
    /// <param name="secureInside">The port there for TLS.</param>
    /// <param name="time">The clock.</param>
    public static ControllerHost AddNetworking(
        this ControllerHost controllers, IKubeClient client, RouteFeed feed, GatewayAddress open, int secure, GatewayAddress inside,
        int secureInside, TimeProvider time) => controllers
        .Add(new IngressReconciler(client, feed, time))
        .Add(new GatewayServiceReconciler(client, GatewayService.All(open, secure, inside, secureInside)));
}
