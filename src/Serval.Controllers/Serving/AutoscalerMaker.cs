using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Serving;
using Serval.Kube;

namespace Serval.Controllers.Serving;

/// <summary>The PodAutoscaler of a Revision. Pure.</summary>
internal static class AutoscalerMaker
{
    internal static JsonObject Make(KubeObject stored, Revision revision, KubeObject deployment)
    {
        var annotations = DeploymentMaker.PassedOn(stored);
        var scaler = OwnedObjects.New(Kinds.PodAutoscaler, stored, stored.Metadata.Name, DeploymentMaker.RevisionLabels(stored), annotations);
        scaler["spec"] = new JsonObject
        {
            ["containerConcurrency"] = revision.Spec.ContainerConcurrency ?? 0,
            ["protocolType"] = Protocol(revision),
            ["reachability"] = stored.Metadata.Label(KnativeNames.RoutingStateLabel) switch
            {
                KnativeNames.RoutingActive => "Reachable",
                KnativeNames.RoutingReserve => "Unreachable",
                _ => "",
            },
            ["scaleTargetRef"] = new JsonObject { ["apiVersion"] = "apps/v1", ["kind"] = "Deployment", ["name"] = deployment.Metadata.Name },
        };
        if ((string)scaler["spec"]!["reachability"]! == "")
        {
            scaler["spec"]!.AsObject().Remove("reachability");
        }
        return scaler;
    }

    /// <summary>Annotations that admission fills in and nobody takes away.</summary>
    internal static bool IsDefaulted(string annotation) => annotation is AutoscalingAnnotations.ClassKey or AutoscalingAnnotations.MetricKey;

    /// <summary><c>h2c</c> when the serving port is named so, else <c>http1</c>.</summary>
    internal static string Protocol(Revision revision) =>
        revision.Spec.Containers.SelectMany(c => c.Ports).Any(p => p.Name is "h2c" or "http2") ? "h2c" : "http1";
}
