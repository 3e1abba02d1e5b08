using Serval.Api.Config;
using Serval.Api.Core;
using Serval.Api.Networking;
using Serval.Api.Serving;

namespace Serval.Routing.Knative;

/// <summary>A revision's gate and timeouts, from its spec.</summary>
public static class RevisionPolicies
{
    /// <summary>Knative's default container port.</summary>
    public const int DefaultPort = 8080;

    /// <summary>Name and protocol type of HTTP/2 without TLS.</summary>
    public const string H2c = "h2c";

    /// <summary>The policy of a revision; without one, what its ServerlessService says.</summary>
    public static RevisionPolicy From(Revision? revision, ServerlessService? serverless, AutoscalerConfig cluster)
    {
        if (revision is null)
        {
            return RevisionPolicy.Default with { Protocol = Protocol(serverless?.Spec.ProtocolType) };
        }
        var spec = revision.Spec;
        var port = ServingPort(spec);
        var timeout = Seconds(spec.TimeoutSeconds, RevisionPolicy.Default.Timeout);
        return new RevisionPolicy
        {
            ContainerConcurrency = (int)Math.Clamp(spec.ContainerConcurrency ?? 0, 0, int.MaxValue),
            QueuesAtInstances = new AutoscalingAnnotations(revision.Metadata.Annotations, cluster).TargetBurstCapacity == 0,
            Timeout = timeout,
            ResponseStartTimeout = Seconds(spec.ResponseStartTimeoutSeconds, timeout),
            IdleTimeout = Seconds(spec.IdleTimeoutSeconds, TimeSpan.Zero),
            Protocol = Protocol(port?.Name ?? serverless?.Spec.ProtocolType),
            ContainerPort = port?.Number ?? DefaultPort,
            PortName = PortName(Protocol(port?.Name ?? serverless?.Spec.ProtocolType)),
        };
    }

    /// <summary>The port of the container that serves: the first one declared.</summary>
    public static ContainerPort? ServingPort(PodSpec spec)
    {
        foreach (var container in spec.Containers)
        {
            if (container.Ports.Count > 0)
            {
                return container.Ports[0];
            }
        }
        return null;
    }

    /// <summary>Name of a revision's serving port on its Services.</summary>
    public static string PortName(BackendProtocol protocol) => protocol == BackendProtocol.H2c ? "http2" : "http";

    private static BackendProtocol Protocol(string? name) => name is H2c or "http2" ? BackendProtocol.H2c : BackendProtocol.Http1;

    private static TimeSpan Seconds(long? seconds, TimeSpan otherwise) => seconds is { } s and > 0 ? TimeSpan.FromSeconds(s) : otherwise;
}
