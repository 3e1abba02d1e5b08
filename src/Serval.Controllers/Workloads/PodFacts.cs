using System.Text.Json;
using Serval.Api.Core;

namespace Serval.Controllers.Workloads;

/// <summary>What workload controllers read from a pod.</summary>
internal static class PodFacts
{
    /// <summary>Container port → port to connect to, written by the node agent of the process runtime: <c>{"8080":20017}</c>.</summary>
    internal const string PortsAnnotation = "serval.dev/ports";

    /// <summary>Why a pod is not ready whose node is not heard of; an agent that comes back says again what is (Serval.Node).</summary>
    internal const string NodeLost = "NodeLost";

    internal static bool IsReady(Pod pod) => pod.Status.Conditions.Any(c => c is { Type: "Ready", Status: "True" });

    internal static bool IsFinished(Pod pod) => pod.Status.Phase is "Succeeded" or "Failed";

    /// <summary>Counts towards its replica set: neither finished nor being deleted.</summary>
    internal static bool IsActive(Pod pod) => !IsFinished(pod) && !pod.Metadata.IsDeleting;

    /// <summary>Ready for at least <paramref name="minReadySeconds"/>; after the clock went back (ready since a time to come) no pod loses what it had.</summary>
    internal static bool IsAvailable(Pod pod, int minReadySeconds, DateTimeOffset now) =>
        IsReady(pod) && (minReadySeconds == 0 || ReadySince(pod, now) > now || ReadySince(pod, now) + TimeSpan.FromSeconds(minReadySeconds) <= now);

    /// <summary>Since when a ready pod has been ready; <paramref name="now"/> when it does not say.</summary>
    internal static DateTimeOffset ReadySince(Pod pod, DateTimeOffset now) =>
        pod.Status.Conditions.First(c => c is { Type: "Ready", Status: "True" }).LastTransitionTime ?? now;

    /// <summary>The port to connect to for a container port of this pod.</summary>
    internal static int MapPort(Pod pod, int containerPort)
    {
        if (pod.Metadata.Annotation(PortsAnnotation) is { } text)
        {
            try
            {
                using var ports = JsonDocument.Parse(text);
                if (ports.RootElement.TryGetProperty(containerPort.ToString(), out var mapped) && mapped.TryGetInt32(out var port))
                {
                    return port;
                }
            }
            catch (JsonException)
            {
                // Somebody edited the annotation; the container's own port is the best answer left.
            }
        }
        return containerPort;
    }

    /// <summary>The container port a Service's targetPort means for this pod, or null when the pod has no such named port.</summary>
    internal static int? ResolveTargetPort(Pod pod, ServicePort port)
    {
        if (port.TargetPort is not { } target)
        {
            return port.Port;
        }
        if (target.ValueKind == JsonValueKind.Number)
        {
            return target.GetInt32() is var number and not 0 ? number : port.Port;
        }
        var name = target.GetString() ?? "";
        if (int.TryParse(name, out var parsed))
        {
            return parsed;
        }
        return pod.Spec.Containers.SelectMany(c => c.Ports).FirstOrDefault(p => p.Name == name)?.Number;
    }
}
