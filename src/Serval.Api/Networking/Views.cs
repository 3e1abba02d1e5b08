using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Serval.Api.Autoscaling;

namespace Serval.Api.Networking;

/// <summary>networking.internal.knative.dev/v1alpha1 Ingress.</summary>
public sealed record KIngress : IKubeView<KIngress>
{
    public static JsonTypeInfo<KIngress> JsonType => ViewJson.Default.KIngress;
    public ObjectMeta Metadata { get; init => field = value ?? field; } = new();
    public KIngressSpec Spec { get; init => field = value ?? field; } = new();
    public KIngressStatus Status { get; init => field = value ?? field; } = new();
}

public sealed record KIngressSpec
{
    public IReadOnlyList<KIngressTls> Tls { get; init => field = value ?? field; } = [];
    public IReadOnlyList<KIngressRule> Rules { get; init => field = value ?? field; } = [];

    /// <summary><c>Enabled</c> or <c>Redirected</c>.</summary>
    public string HttpOption { get; init => field = value ?? field; } = "";
}

public sealed record KIngressTls
{
    public IReadOnlyList<string> Hosts { get; init => field = value ?? field; } = [];
    public string SecretName { get; init => field = value ?? field; } = "";
    public string SecretNamespace { get; init => field = value ?? field; } = "";
}

public sealed record KIngressRule
{
    public IReadOnlyList<string> Hosts { get; init => field = value ?? field; } = [];

    /// <summary><c>ExternalIP</c> (default) or <c>ClusterLocal</c>.</summary>
    public string Visibility { get; init => field = value ?? field; } = "";
    public KIngressHttp? Http { get; init; }
}

public sealed record KIngressHttp
{
    public IReadOnlyList<KIngressPath> Paths { get; init => field = value ?? field; } = [];
}

public sealed record KIngressPath
{
    /// <summary>A path prefix; empty is everything.</summary>
    public string Path { get; init => field = value ?? field; } = "";
    public string RewriteHost { get; init => field = value ?? field; } = "";
    public IReadOnlyDictionary<string, KIngressHeaderMatch> Headers { get; init => field = value ?? field; } = FrozenDictionary<string, KIngressHeaderMatch>.Empty;
    public IReadOnlyList<KIngressSplit> Splits { get; init => field = value ?? field; } = [];
    public IReadOnlyDictionary<string, string> AppendHeaders { get; init => field = value ?? field; } = FrozenDictionary<string, string>.Empty;
}

public sealed record KIngressHeaderMatch(string Exact = "");

public sealed record KIngressSplit
{
    public string ServiceNamespace { get; init => field = value ?? field; } = "";
    public string ServiceName { get; init => field = value ?? field; } = "";
    public JsonElement? ServicePort { get; init; }
    public int Percent { get; init; }
    public IReadOnlyDictionary<string, string> AppendHeaders { get; init => field = value ?? field; } = FrozenDictionary<string, string>.Empty;
}

public sealed record KIngressStatus
{
    public long ObservedGeneration { get; init; }
    public LoadBalancerStatus? PublicLoadBalancer { get; init; }
    public LoadBalancerStatus? PrivateLoadBalancer { get; init; }
    public IReadOnlyList<Condition> Conditions { get; init => field = value ?? field; } = [];
}

public sealed record LoadBalancerStatus
{
    public IReadOnlyList<LoadBalancerIngress> Ingress { get; init => field = value ?? field; } = [];
}

public sealed record LoadBalancerIngress
{
    public string Ip { get; init => field = value ?? field; } = "";
    public string Domain { get; init => field = value ?? field; } = "";
    public string DomainInternal { get; init => field = value ?? field; } = "";
}

/// <summary>networking.internal.knative.dev/v1alpha1 ServerlessService.</summary>
public sealed record ServerlessService : IKubeView<ServerlessService>
{
    public static JsonTypeInfo<ServerlessService> JsonType => ViewJson.Default.ServerlessService;
    public ObjectMeta Metadata { get; init => field = value ?? field; } = new();
    public ServerlessServiceSpec Spec { get; init => field = value ?? field; } = new();
    public ServerlessServiceStatus Status { get; init => field = value ?? field; } = new();
}

public sealed record ServerlessServiceSpec
{
    /// <summary><c>Serve</c> or <c>Proxy</c>: whether Knative would have its activator in the path. Shown only.</summary>
    public string Mode { get; init => field = value ?? field; } = "";
    public ObjectReference ObjectRef { get; init => field = value ?? field; } = new();
    public string ProtocolType { get; init => field = value ?? field; } = "";
    public int NumActivators { get; init; }
}

public sealed record ServerlessServiceStatus
{
    public long ObservedGeneration { get; init; }
    public string ServiceName { get; init => field = value ?? field; } = "";
    public string PrivateServiceName { get; init => field = value ?? field; } = "";
    public IReadOnlyList<Condition> Conditions { get; init => field = value ?? field; } = [];
}

/// <summary>networking.internal.knative.dev/v1alpha1 Certificate.</summary>
public sealed record Certificate : IKubeView<Certificate>
{
    public static JsonTypeInfo<Certificate> JsonType => ViewJson.Default.Certificate;
    public ObjectMeta Metadata { get; init => field = value ?? field; } = new();
    public CertificateSpec Spec { get; init => field = value ?? field; } = new();
    public CertificateStatus Status { get; init => field = value ?? field; } = new();
}

public sealed record CertificateSpec
{
    public IReadOnlyList<string> DnsNames { get; init => field = value ?? field; } = [];

    /// <summary>The domain that the names are below, or empty.</summary>
    public string Domain { get; init => field = value ?? field; } = "";
    public string SecretName { get; init => field = value ?? field; } = "";
}

public sealed record CertificateStatus
{
    public long ObservedGeneration { get; init; }
    public DateTimeOffset? NotAfter { get; init; }
    public IReadOnlyList<Http01Challenge> Http01Challenges { get; init => field = value ?? field; } = [];
    public IReadOnlyList<Condition> Conditions { get; init => field = value ?? field; } = [];
}

/// <summary>Where an ACME server looks for the answer that proves whose a host is.</summary>
public sealed record Http01Challenge
{
    public string Url { get; init => field = value ?? field; } = "";
    public string ServiceName { get; init => field = value ?? field; } = "";
    public string ServiceNamespace { get; init => field = value ?? field; } = "";
    public JsonElement? ServicePort { get; init; }
}

/// <summary>networking.internal.knative.dev/v1alpha1 ClusterDomainClaim.</summary>
public sealed record ClusterDomainClaim : IKubeView<ClusterDomainClaim>
{
    public static JsonTypeInfo<ClusterDomainClaim> JsonType => ViewJson.Default.ClusterDomainClaim;
    public ObjectMeta Metadata { get; init => field = value ?? field; } = new();
    public ClusterDomainClaimSpec Spec { get; init => field = value ?? field; } = new();
}

/// <param name="Namespace">Whose DomainMapping of the claim's name counts.</param>
public sealed record ClusterDomainClaimSpec(string Namespace = "");

/// <summary>discovery.k8s.io/v1 EndpointSlice.</summary>
public sealed record EndpointSlice : IKubeView<EndpointSlice>
{
    public static JsonTypeInfo<EndpointSlice> JsonType => ViewJson.Default.EndpointSlice;
    public ObjectMeta Metadata { get; init => field = value ?? field; } = new();
    public string AddressType { get; init => field = value ?? field; } = "IPv4";
    public IReadOnlyList<EndpointPort> Ports { get; init => field = value ?? field; } = [];
    public IReadOnlyList<Endpoint> Endpoints { get; init => field = value ?? field; } = [];
}

public sealed record EndpointPort
{
    public string Name { get; init => field = value ?? field; } = "";
    public int? Port { get; init; }
    public string Protocol { get; init => field = value ?? field; } = "TCP";
    public string AppProtocol { get; init => field = value ?? field; } = "";
}

public sealed record Endpoint
{
    public IReadOnlyList<string> Addresses { get; init => field = value ?? field; } = [];
    public EndpointConditions Conditions { get; init => field = value ?? field; } = new();
    public ObjectReference? TargetRef { get; init; }
    public string NodeName { get; init => field = value ?? field; } = "";
}

public sealed record EndpointConditions
{
    public bool? Ready { get; init; }
    public bool? Serving { get; init; }
    public bool? Terminating { get; init; }
}
