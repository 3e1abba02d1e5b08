using Serval.Kube;

namespace Serval.Controllers.Networking;

/// <summary>The reconcilers of routes, for the composition root.</summary>
public static class NetworkingReconcilers
{
    /// <summary>Adds the Ingress reconciler and the one of the gateway's Services.</summary>
    /// <param name="controllers">Where it runs.</param>
    /// <param name="client">The waist.</param>
    /// <param name="states">How far the data plane is with Ingresses.</param>
    /// <param name="gateways">Where they are reached.</param>
    /// <param name="time">The clock.</param>
    /// <param name="amongOthers">Whether the cluster is another's, whose node ports and load balancers are not these gateways'.</param>
    public static ControllerHost AddNetworking(
        this ControllerHost controllers, IKubeClient client, IIngressStates states, IGateways gateways, TimeProvider time, bool amongOthers = false) => controllers
        .Add(new IngressReconciler(client, states, time))
        .Add(new GatewayServiceReconciler(client, gateways, amongOthers));
}
