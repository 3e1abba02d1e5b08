using Serval.Api.Networking;
using Serval.Autoscaling;

namespace Serval.Controllers.Autoscaler;

/// <summary>
/// What a ServerlessService says of the activator in its path (knative/serving: reconciler/autoscaling/kpa). Pure. Here the gateway is in every
/// path whatever it says, and holds requests when it must.
/// </summary>
internal static class ServerlessMode
{
    internal const string Proxy = "Proxy";
    internal const string Serve = "Serve";

    /// <summary>With a HorizontalPodAutoscaler, which never scales to zero (knative/serving: reconciler/autoscaling/hpa).</summary>
    internal static ServerlessServiceSpec ByUse { get; } = new() { Mode = Serve };

    /// <summary>Before anything is known of the revision.</summary>
    /// <param name="spec">What its scaling obeys.</param>
    /// <param name="capacity">Load one activator takes.</param>
    internal static ServerlessServiceSpec AtFirst(ScalingSpec spec, double capacity) => Of(spec, want: 0, ready: 0, excess: -1, capacity);

    /// <summary>
    /// In the path unless instances are wanted that can take the burst. At zero it is as many activators as the first instance will want, so that a
    /// wake to one changes nothing.
    /// </summary>
    /// <param name="spec">What the revision's scaling obeys.</param>
    /// <param name="want">Instances wanted; -1 when that is not known.</param>
    /// <param name="ready">Instances ready.</param>
    /// <param name="excess">What those can take beyond the wanted burst.</param>
    /// <param name="capacity">Load one activator takes.</param>
    internal static ServerlessServiceSpec Of(ScalingSpec spec, int want, int ready, int excess, double capacity) =>
        new() { Mode = want > 0 && excess >= 0 ? Serve : Proxy, NumActivators = spec.Activators(Math.Max(ready, 1), capacity) };
}
