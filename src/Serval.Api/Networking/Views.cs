using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Serval.Api.Autoscaling;

namespace Serval.Api.Networking;

/// <summary>networking.internal.knative.dev/v1alpha1 Ingress.</summary>
public sealed record KIngress : IKubeView<KIngress>
{
    public static JsonTypeInfo<KIngress> JsonType => ViewJson.Default.KIngress;
    public ObjectMeta Metadata { get; init; } = new();
    public KIngressSpec Spec { get; init; } = new();
    public KIngressStatus Status { get; init; } = new();
}

public sealed record KIngressSpec
{
    public IReadOnlyList<KIngressTls> Tls { get; init; } = [];
    public IReadOnlyList<KIngressRule> Rules { get; init; } = [];

    /// <summary><c>Enabled</c> or <c>Redirected</c>.</summary>
    public string HttpOption { get; init; } = "";
}

public sealed record KIngressTls
{
    public IReadOnlyList<string> Hosts { get; init; } = [];
    public string SecretName { get; init; } = "";
    public string SecretNamespace { get; init; } = "";
}

public sealed record KIngressRule
{
    public IReadOnlyList<string> Hosts { get; init; } = [];

    /// <summary><c>ExternalIP</c> (default) or <c>ClusterLocal</c>.</summary>
    public string Visibility { get; init; } = "";
    public KIngressHttp? Http { get; init; }
}

public sealed record KIngressHttp
{
    public IReadOnlyList<KIngressPath> Paths { get; init; } = [];
}

public sealed record KIngressPath
{
    /// <summary>A path prefix; empty is everything.</summary>
    public string Path { get; init; } = "";
    public string RewriteHost { get; init; } = "";
    public IReadOnlyDictionary<string, KIngressHeaderMatch> Headers { get; init; } = FrozenDictionary<string, KIngressHeaderMatch>.Empty;
    public IReadOnlyList<KIngressSplit> Splits { get; init; } = [];
    public IReadOnlyDictionary<string, string> AppendHeaders { get; init; } = FrozenDictionary<string, string>.Empty;
}

public sealed record KIngressHeaderMatch(string Exact = "");

public sealed record KIngressSplit
{
    public string ServiceNamespace { get; init; } = "";
    public string ServiceName { get; init; } = "";
    public JsonElement? ServicePort { get; init; }
    public int Percent { get; init; }
    public IReadOnlyDictionary<string, string> AppendHeaders { get; init; } = FrozenDictionary<string, string>.Empty;
}

public sealed record KIngressStatus
{
    public long ObservedGeneration { get; init; }
    public LoadBalancerStatus? PublicLoadBalancer { get; init; }
    public LoadBalancerStatus? PrivateLoadBalancer { get; init; }
    public IReadOnlyList<Condition> Conditions { get; init; } = [];
}

public sealed record LoadBalancerStatus
{
    public IReadOnlyList<LoadBalancerIngress> Ingress { get; init; } = [];
}

public sealed record LoadBalancerIngress
{
    public string Ip { get; init; } = "";
    public string Domain { get; init; } = "";
    public string DomainInternal { get; init; } = "";
}

/// <summary>networking.internal.knative.dev/v1alpha1 ServerlessService.</summary>
public sealed record ServerlessService : IKubeView<ServerlessService>
{
    public static JsonTypeInfo<ServerlessService> JsonType => ViewJson.Default.ServerlessService;
    public ObjectMeta Metadata { get; init; } = new();
    public ServerlessServiceSpec Spec { get; init; } = new();
    public ServerlessServiceStatus Status { get; init; } = new();
}

public sealed record ServerlessServiceSpec
{
    /// <summary><c>Serve</c> or <c>Proxy</c>; Serval always writes <c>Proxy</c>.</summary>
    public string Mode { get; init; } = "";
    public ObjectReference ObjectRef { get; init; } = new();
    public string ProtocolType { get; init; } = "";
    public int NumActivators { get; init; }
}

public sealed record ServerlessServiceStatus
{
    public long ObservedGeneration { get; init; }
    public string ServiceName { get; init; } = "";
    public string PrivateServiceName { get; init; } = "";
    public IReadOnlyList<Condition> Conditions { get; init; } = [];
}

/// <summary>discovery.k8s.io/v1 EndpointSlice.</summary>
public sealed record EndpointSlice : IKubeView<EndpointSlice>
{
    public static JsonTypeInfo<EndpointSlice> JsonType => ViewJson.Default.EndpointSlice;
    public ObjectMeta Metadata { get; init; } = new();
    public string AddressType { get; init; } = "IPv4";
    public IReadOnlyList<EndpointPort> Ports { get; init; } = [];
    public IReadOnlyList<Endpoint> Endpoints { get; init; } = [];
}

public sealed record EndpointPort
{
    public string Name { get; init; } = "";
    public int? Port { get; init; }
    public string Protocol { get; init; } = "TCP";
    public string AppProtocol { get; init; } = "";
}

public sealed record Endpoint
{
    public IReadOnlyList<string> Addresses { get; init; } = [];
    public EndpointConditions Conditions { get; init; } = new();
    public ObjectReference? TargetRef { get; init; }
    public string NodeName { get; init; } = "";
}

public sealed record EndpointConditions
{
    public bool? Ready { get; init; }
    public bool? Serving { get; init; }
    public bool? Terminating { get; init; }
}
