using Serval.Kube;

namespace Serval.Controllers.Autoscaler;

/// <summary>The reconcilers around the autoscaler, for the composition root.</summary>
public static class AutoscalerReconcilers
{
    /// <summary>Adds the reconcilers of PodAutoscalers, HorizontalPodAutoscalers and ServerlessServices.</summary>
    /// <param name="controllers">Where they run.</param>
    /// <param name="client">The waist.</param>
    /// <param name="host">Decides and writes scales; also the demand signal.</param>
    /// <param name="config">The cluster's settings.</param>
    /// <param name="gateways">Where the gateways listen: the endpoints of every public Service.</param>
    /// <param name="usage">What pods use, for HorizontalPodAutoscalers; null where these are the cluster's own matter.</param>
    /// <param name="events">Hears what happens.</param>
    /// <param name="time">The clock.</param>
    public static ControllerHost AddAutoscaler(
        this ControllerHost controllers, IKubeClient client, AutoscalerHost host, ServingConfigSource config, Func<IReadOnlyList<GatewayAddress>> gateways,
        IPodUsage? usage, IEventRecorder events, TimeProvider time)
    {
        controllers.Add(new PodAutoscalerReconciler(client, host, config, events, time)).Add(new ServerlessServiceReconciler(client, gateways, events, time));
        return usage is null ? controllers : controllers.Add(new HpaReconciler(client, usage, events, time));
    }
}

/// <summary>Where a gateway listens for plain HTTP.</summary>
public sealed record GatewayAddress(string Ip, int Port);
