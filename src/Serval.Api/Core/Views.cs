using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Serval.Api.Core;

// Read-only views of the core/v1 kinds. A view holds what Serval's code reads; every other field stays in the object's JSON.

/// <summary>core/v1 Pod.</summary>
public sealed record Pod : IKubeView<Pod>
{
    public static JsonTypeInfo<Pod> JsonType => ViewJson.Default.Pod;
    public ObjectMeta Metadata { get; init => field = value ?? field; } = new();
    public PodSpec Spec { get; init => field = value ?? field; } = new();
    public PodStatus Status { get; init => field = value ?? field; } = new();
}

/// <summary>core/v1 PodSpec; also Knative's RevisionSpec, whose own fields are <see cref="ContainerConcurrency"/> and the timeouts.</summary>
public sealed record PodSpec
{
    public IReadOnlyList<Container> Containers { get; init => field = value ?? field; } = [];
    public IReadOnlyList<Container> InitContainers { get; init => field = value ?? field; } = [];
    /// <summary>Added to a running pod by <c>pods/NAME/ephemeralcontainers</c>.</summary>
    public IReadOnlyList<Container> EphemeralContainers { get; init => field = value ?? field; } = [];
    public IReadOnlyList<Volume> Volumes { get; init => field = value ?? field; } = [];
    public string NodeName { get; init => field = value ?? field; } = "";
    public IReadOnlyDictionary<string, string> NodeSelector { get; init => field = value ?? field; } = FrozenDictionary<string, string>.Empty;
    public Affinity? Affinity { get; init; }

    /// <summary>While there are any the pod is given no node.</summary>
    public IReadOnlyList<LocalObjectReference> SchedulingGates { get; init => field = value ?? field; } = [];
    public IReadOnlyList<Toleration> Tolerations { get; init => field = value ?? field; } = [];
    public PodSecurityContext SecurityContext { get; init => field = value ?? field; } = new();
    public string RestartPolicy { get; init => field = value ?? field; } = "Always";
    public string DnsPolicy { get; init => field = value ?? field; } = "ClusterFirst";
    public PodDnsConfig? DnsConfig { get; init; }
    public string Hostname { get; init => field = value ?? field; } = "";
    public IReadOnlyList<HostAlias> HostAliases { get; init => field = value ?? field; } = [];
    public string ServiceAccountName { get; init => field = value ?? field; } = "";
    public IReadOnlyList<LocalObjectReference> ImagePullSecrets { get; init => field = value ?? field; } = [];

    /// <summary>Seconds; Kubernetes' default is 30.</summary>
    public long? TerminationGracePeriodSeconds { get; init; }

    /// <summary>Seconds from the pod's start until it is ended and has failed; null is no limit.</summary>
    public long? ActiveDeadlineSeconds { get; init; }
    public bool? EnableServiceLinks { get; init; }
    public bool? AutomountServiceAccountToken { get; init; }

    /// <summary>RevisionSpec only: the most requests one instance takes at a time; 0 is no limit.</summary>
    public long? ContainerConcurrency { get; init; }

    /// <summary>RevisionSpec only: seconds for the whole response.</summary>
    public long? TimeoutSeconds { get; init; }

    /// <summary>RevisionSpec only: seconds to the first byte of the response.</summary>
    public long? ResponseStartTimeoutSeconds { get; init; }

    /// <summary>RevisionSpec only: seconds of silence.</summary>
    public long? IdleTimeoutSeconds { get; init; }
}

public sealed record LocalObjectReference(string Name = "");

/// <summary>core/v1 PodDNSConfig: lines of the pod's <c>resolv.conf</c> beside those of its policy.</summary>
public sealed record PodDnsConfig
{
    public IReadOnlyList<string> Nameservers { get; init => field = value ?? field; } = [];
    public IReadOnlyList<string> Searches { get; init => field = value ?? field; } = [];
    public IReadOnlyList<PodDnsConfigOption> Options { get; init => field = value ?? field; } = [];
}

/// <summary>core/v1 PodDNSConfigOption.</summary>
public sealed record PodDnsConfigOption
{
    public string Name { get; init => field = value ?? field; } = "";
    public string? Value { get; init; }
}

/// <summary>core/v1 PodSecurityContext: of all containers of a pod.</summary>
public sealed record PodSecurityContext
{
    public long? RunAsUser { get; init; }
    public long? RunAsGroup { get; init; }
    public bool? RunAsNonRoot { get; init; }
    public long? FsGroup { get; init; }
    public IReadOnlyList<long> SupplementalGroups { get; init => field = value ?? field; } = [];
    public IReadOnlyList<Sysctl> Sysctls { get; init => field = value ?? field; } = [];
}

/// <summary>core/v1 Sysctl: a parameter of the kernel, of the pod's own namespaces; segments of the name end in dots or slashes.</summary>
public sealed record Sysctl
{
    public string Name { get; init => field = value ?? field; } = "";
    public string Value { get; init => field = value ?? field; } = "";
}

/// <summary>core/v1 SecurityContext: of one container, before the pod's.</summary>
public sealed record SecurityContext
{
    public long? RunAsUser { get; init; }
    public long? RunAsGroup { get; init; }
    public bool? RunAsNonRoot { get; init; }
    public bool? AllowPrivilegeEscalation { get; init; }
    public bool? ReadOnlyRootFilesystem { get; init; }
    public bool? Privileged { get; init; }
    public CapabilityChanges Capabilities { get; init => field = value ?? field; } = new();
}

/// <summary>core/v1 HostAlias.</summary>
public sealed record HostAlias
{
    public string Ip { get; init => field = value ?? field; } = "";
    public IReadOnlyList<string> Hostnames { get; init => field = value ?? field; } = [];
}

/// <summary>core/v1 Capabilities.</summary>
public sealed record CapabilityChanges
{
    public IReadOnlyList<string> Add { get; init => field = value ?? field; } = [];
    public IReadOnlyList<string> Drop { get; init => field = value ?? field; } = [];
}

/// <summary>core/v1 Container.</summary>
public sealed record Container
{
    public string Name { get; init => field = value ?? field; } = "";
    public string Image { get; init => field = value ?? field; } = "";
    public string ImagePullPolicy { get; init => field = value ?? field; } = "";
    public IReadOnlyList<string> Command { get; init => field = value ?? field; } = [];
    public IReadOnlyList<string> Args { get; init => field = value ?? field; } = [];
    public string WorkingDir { get; init => field = value ?? field; } = "";
    public IReadOnlyList<ContainerPort> Ports { get; init => field = value ?? field; } = [];
    public IReadOnlyList<EnvVar> Env { get; init => field = value ?? field; } = [];
    public IReadOnlyList<EnvFromSource> EnvFrom { get; init => field = value ?? field; } = [];
    public IReadOnlyList<VolumeMount> VolumeMounts { get; init => field = value ?? field; } = [];
    public Probe? LivenessProbe { get; init; }
    public Probe? ReadinessProbe { get; init; }
    public Probe? StartupProbe { get; init; }
    public ResourceRequirements Resources { get; init => field = value ?? field; } = new();
    public string TerminationMessagePath { get; init => field = value ?? field; } = "";
    public string TerminationMessagePolicy { get; init => field = value ?? field; } = "";
    public Lifecycle? Lifecycle { get; init; }
    public SecurityContext SecurityContext { get; init => field = value ?? field; } = new();
    public bool Stdin { get; init; }

    /// <summary>The first who attaches to the input ends it with his own.</summary>
    public bool StdinOnce { get; init; }
    public bool Tty { get; init; }

    /// <summary><c>Always</c> on an init container makes it a sidecar; empty otherwise.</summary>
    public string RestartPolicy { get; init => field = value ?? field; } = "";
}

/// <summary>core/v1 Lifecycle: what is done at both ends of a container's run.</summary>
public sealed record Lifecycle
{
    public LifecycleHandler? PostStart { get; init; }
    public LifecycleHandler? PreStop { get; init; }

    /// <summary>Signal that asks the program to end; empty means the image's.</summary>
    public string StopSignal { get; init => field = value ?? field; } = "";
}

/// <summary>core/v1 LifecycleHandler; one of them is set.</summary>
public sealed record LifecycleHandler
{
    public ExecAction? Exec { get; init; }
    public HttpGetAction? HttpGet { get; init; }
    public SleepAction? Sleep { get; init; }
}

public sealed record SleepAction(long Seconds = 0);

public sealed record ResourceRequirements
{
    public IReadOnlyDictionary<string, JsonElement> Requests { get; init => field = value ?? field; } = FrozenDictionary<string, JsonElement>.Empty;
    public IReadOnlyDictionary<string, JsonElement> Limits { get; init => field = value ?? field; } = FrozenDictionary<string, JsonElement>.Empty;
}

public sealed record ContainerPort
{
    public string Name { get; init => field = value ?? field; } = "";
    [System.Text.Json.Serialization.JsonPropertyName("containerPort")]
    public int Number { get; init; }
    public string Protocol { get; init => field = value ?? field; } = "TCP";
}

public sealed record EnvVar
{
    public string Name { get; init => field = value ?? field; } = "";
    public string? Value { get; init; }
    public EnvVarSource? ValueFrom { get; init; }
}

public sealed record EnvVarSource
{
    public KeySelector? ConfigMapKeyRef { get; init; }
    public KeySelector? SecretKeyRef { get; init; }
    public FieldSelector? FieldRef { get; init; }
    public ResourceFieldSelector? ResourceFieldRef { get; init; }
}

public sealed record KeySelector
{
    public string Name { get; init => field = value ?? field; } = "";
    public string Key { get; init => field = value ?? field; } = "";
    public bool? Optional { get; init; }
}

public sealed record FieldSelector
{
    public string ApiVersion { get; init => field = value ?? field; } = "v1";
    public string FieldPath { get; init => field = value ?? field; } = "";
}

public sealed record ResourceFieldSelector
{
    public string ContainerName { get; init => field = value ?? field; } = "";
    public string Resource { get; init => field = value ?? field; } = "";
    public JsonElement? Divisor { get; init; }
}

public sealed record EnvFromSource
{
    public string Prefix { get; init => field = value ?? field; } = "";
    public OptionalReference? ConfigMapRef { get; init; }
    public OptionalReference? SecretRef { get; init; }
}

public sealed record OptionalReference
{
    public string Name { get; init => field = value ?? field; } = "";
    public bool? Optional { get; init; }
}

public sealed record VolumeMount
{
    public string Name { get; init => field = value ?? field; } = "";
    public string MountPath { get; init => field = value ?? field; } = "";
    public bool ReadOnly { get; init; }
    public string SubPath { get; init => field = value ?? field; } = "";

    /// <summary>The same with references to the container's variables; not both.</summary>
    public string SubPathExpr { get; init => field = value ?? field; } = "";
}

public sealed record Volume
{
    public string Name { get; init => field = value ?? field; } = "";
    public ConfigMapVolume? ConfigMap { get; init; }
    public SecretVolume? Secret { get; init; }
    public EmptyDirVolume? EmptyDir { get; init; }
    public HostPathVolume? HostPath { get; init; }
    public ImageVolume? Image { get; init; }
    public ProjectedVolume? Projected { get; init; }

    [System.Text.Json.Serialization.JsonPropertyName("downwardAPI")]
    public DownwardApiVolume? DownwardApi { get; init; }

    /// <summary>Source fields this version does not mount (csi, nfs …), kept so that the refusal can name them; settable for the JSON reader only.</summary>
    [System.Text.Json.Serialization.JsonExtensionData]
    public IDictionary<string, JsonElement>? Other { get; set; }
}

public sealed record ConfigMapVolume
{
    public string Name { get; init => field = value ?? field; } = "";
    public IReadOnlyList<KeyToPath> Items { get; init => field = value ?? field; } = [];
    public int? DefaultMode { get; init; }
    public bool? Optional { get; init; }
}

public sealed record SecretVolume
{
    public string SecretName { get; init => field = value ?? field; } = "";
    public IReadOnlyList<KeyToPath> Items { get; init => field = value ?? field; } = [];
    public int? DefaultMode { get; init; }
    public bool? Optional { get; init; }
}

public sealed record KeyToPath
{
    public string Key { get; init => field = value ?? field; } = "";
    public string Path { get; init => field = value ?? field; } = "";
    public int? Mode { get; init; }
}

public sealed record ImageVolume
{
    public string Reference { get; init => field = value ?? field; } = "";
}

public sealed record HostPathVolume
{
    public string Path { get; init => field = value ?? field; } = "";
    public string Type { get; init => field = value ?? field; } = "";
}

public sealed record EmptyDirVolume
{
    public string Medium { get; init => field = value ?? field; } = "";
    public JsonElement? SizeLimit { get; init; }
}

public sealed record ProjectedVolume
{
    public IReadOnlyList<ProjectedSource> Sources { get; init => field = value ?? field; } = [];
    public int? DefaultMode { get; init; }
}

public sealed record ProjectedSource
{
    public ProjectedReference? ConfigMap { get; init; }
    public ProjectedReference? Secret { get; init; }

    [System.Text.Json.Serialization.JsonPropertyName("downwardAPI")]
    public DownwardApiProjection? DownwardApi { get; init; }

    public ServiceAccountTokenProjection? ServiceAccountToken { get; init; }

    /// <summary>Sources this version does not mount (clusterTrustBundle …); settable for the JSON reader only.</summary>
    [System.Text.Json.Serialization.JsonExtensionData]
    public IDictionary<string, JsonElement>? Other { get; set; }
}

public sealed record ServiceAccountTokenProjection
{
    /// <summary>Empty is the API server.</summary>
    public string Audience { get; init => field = value ?? field; } = "";

    public long? ExpirationSeconds { get; init; }

    public string Path { get; init => field = value ?? field; } = "";
}

/// <summary>Fields of the pod as files, as one source of several.</summary>
public sealed record DownwardApiProjection
{
    public IReadOnlyList<DownwardApiFile> Items { get; init => field = value ?? field; } = [];
}

/// <summary>Fields of the pod as files.</summary>
public sealed record DownwardApiVolume
{
    public IReadOnlyList<DownwardApiFile> Items { get; init => field = value ?? field; } = [];
    public int? DefaultMode { get; init; }
}

public sealed record DownwardApiFile
{
    public string Path { get; init => field = value ?? field; } = "";
    public FieldSelector? FieldRef { get; init; }
    public ResourceFieldSelector? ResourceFieldRef { get; init; }
    public int? Mode { get; init; }
}

public sealed record ProjectedReference
{
    public string Name { get; init => field = value ?? field; } = "";
    public IReadOnlyList<KeyToPath> Items { get; init => field = value ?? field; } = [];
    public bool? Optional { get; init; }
}

/// <summary>core/v1 Probe. Numbers are seconds or counts; Kubernetes' defaults: timeout 1, period 10, success 1, failure 3.</summary>
public sealed record Probe
{
    public HttpGetAction? HttpGet { get; init; }
    public TcpSocketAction? TcpSocket { get; init; }
    public ExecAction? Exec { get; init; }
    public GrpcAction? Grpc { get; init; }
    public int InitialDelaySeconds { get; init; }
    public int? TimeoutSeconds { get; init; }
    public int? PeriodSeconds { get; init; }
    public int? SuccessThreshold { get; init; }
    public int? FailureThreshold { get; init; }

    /// <summary>Seconds a container that failed this probe gets to end; absent means the pod's.</summary>
    public long? TerminationGracePeriodSeconds { get; init; }
}

public sealed record HttpGetAction
{
    public string Path { get; init => field = value ?? field; } = "";

    /// <summary>A number or a port's name; absent or 0 means the serving port (Knative).</summary>
    public JsonElement? Port { get; init; }
    public string Host { get; init => field = value ?? field; } = "";
    public string Scheme { get; init => field = value ?? field; } = "HTTP";
    public IReadOnlyList<HttpHeader> HttpHeaders { get; init => field = value ?? field; } = [];
}

public sealed record HttpHeader(string Name = "", string Value = "");

public sealed record TcpSocketAction
{
    public JsonElement? Port { get; init; }
    public string Host { get; init => field = value ?? field; } = "";
}

public sealed record ExecAction
{
    public IReadOnlyList<string> Command { get; init => field = value ?? field; } = [];
}

public sealed record GrpcAction
{
    public int Port { get; init; }
    public string Service { get; init => field = value ?? field; } = "";
}

public sealed record PodStatus
{
    /// <summary><c>Pending</c>, <c>Running</c>, <c>Succeeded</c>, <c>Failed</c>.</summary>
    public string Phase { get; init => field = value ?? field; } = "";
    public string Reason { get; init => field = value ?? field; } = "";
    public string Message { get; init => field = value ?? field; } = "";
    public string HostIP { get; init => field = value ?? field; } = "";
    public string PodIP { get; init => field = value ?? field; } = "";
    public DateTimeOffset? StartTime { get; init; }

    /// <summary>The <c>metadata.generation</c> that it is about; 0 where nobody has said.</summary>
    public long ObservedGeneration { get; init; }
    public IReadOnlyList<Condition> Conditions { get; init => field = value ?? field; } = [];
    public IReadOnlyList<ContainerStatus> ContainerStatuses { get; init => field = value ?? field; } = [];
    public IReadOnlyList<ContainerStatus> InitContainerStatuses { get; init => field = value ?? field; } = [];
    public IReadOnlyList<ContainerStatus> EphemeralContainerStatuses { get; init => field = value ?? field; } = [];
}

public sealed record ContainerStatus
{
    public string Name { get; init => field = value ?? field; } = "";
    public bool Ready { get; init; }
    public int RestartCount { get; init; }
    public string Image { get; init => field = value ?? field; } = "";
    public string ImageID { get; init => field = value ?? field; } = "";
    public ContainerState State { get; init => field = value ?? field; } = new();
    public ContainerState LastState { get; init => field = value ?? field; } = new();
}

public sealed record ContainerState
{
    public WaitingState? Waiting { get; init; }
    public RunningState? Running { get; init; }
    public TerminatedState? Terminated { get; init; }
}

public sealed record WaitingState
{
    public string Reason { get; init => field = value ?? field; } = "";
    public string Message { get; init => field = value ?? field; } = "";
}

public sealed record RunningState
{
    public DateTimeOffset? StartedAt { get; init; }
}

public sealed record TerminatedState
{
    public int ExitCode { get; init; }
    public int Signal { get; init; }
    public string Reason { get; init => field = value ?? field; } = "";
    public string Message { get; init => field = value ?? field; } = "";
    public DateTimeOffset? StartedAt { get; init; }
    public DateTimeOffset? FinishedAt { get; init; }
}

public sealed record PodTemplateSpec
{
    public ObjectMeta Metadata { get; init => field = value ?? field; } = new();
    public PodSpec Spec { get; init => field = value ?? field; } = new();
}

/// <summary>core/v1 Service.</summary>
public sealed record Service : IKubeView<Service>
{
    public static JsonTypeInfo<Service> JsonType => ViewJson.Default.Service;
    public ObjectMeta Metadata { get; init => field = value ?? field; } = new();
    public ServiceSpec Spec { get; init => field = value ?? field; } = new();
}

public sealed record ServiceSpec
{
    public string Type { get; init => field = value ?? field; } = "ClusterIP";
    public string ClusterIP { get; init => field = value ?? field; } = "";
    public string ExternalName { get; init => field = value ?? field; } = "";

    /// <summary>Pods that are not ready are addresses like the ready ones.</summary>
    public bool PublishNotReadyAddresses { get; init; }
    public IReadOnlyDictionary<string, string> Selector { get; init => field = value ?? field; } = FrozenDictionary<string, string>.Empty;
    public IReadOnlyList<ServicePort> Ports { get; init => field = value ?? field; } = [];
}

public sealed record ServicePort
{
    public string Name { get; init => field = value ?? field; } = "";
    public int Port { get; init; }

    /// <summary>A number or the name of a container port; absent means <see cref="Port"/>.</summary>
    public JsonElement? TargetPort { get; init; }
    public string Protocol { get; init => field = value ?? field; } = "TCP";
    public string AppProtocol { get; init => field = value ?? field; } = "";
}

/// <summary>core/v1 ConfigMap.</summary>
public sealed record ConfigMap : IKubeView<ConfigMap>
{
    public static JsonTypeInfo<ConfigMap> JsonType => ViewJson.Default.ConfigMap;
    public ObjectMeta Metadata { get; init => field = value ?? field; } = new();
    public IReadOnlyDictionary<string, string> Data { get; init => field = value ?? field; } = FrozenDictionary<string, string>.Empty;

    /// <summary>Base64.</summary>
    public IReadOnlyDictionary<string, string> BinaryData { get; init => field = value ?? field; } = FrozenDictionary<string, string>.Empty;
}

/// <summary>core/v1 Secret.</summary>
public sealed record Secret : IKubeView<Secret>
{
    public static JsonTypeInfo<Secret> JsonType => ViewJson.Default.Secret;
    public ObjectMeta Metadata { get; init => field = value ?? field; } = new();
    public string Type { get; init => field = value ?? field; } = "";

    /// <summary>Base64.</summary>
    public IReadOnlyDictionary<string, string> Data { get; init => field = value ?? field; } = FrozenDictionary<string, string>.Empty;
}

/// <summary>core/v1 Namespace.</summary>
public sealed record Namespace : IKubeView<Namespace>
{
    public static JsonTypeInfo<Namespace> JsonType => ViewJson.Default.Namespace;
    public ObjectMeta Metadata { get; init => field = value ?? field; } = new();
    public NamespaceSpec Spec { get; init => field = value ?? field; } = new();
    public NamespaceStatus Status { get; init => field = value ?? field; } = new();
}

public sealed record NamespaceSpec
{
    public IReadOnlyList<string> Finalizers { get; init => field = value ?? field; } = [];
}

public sealed record NamespaceStatus
{
    public string Phase { get; init => field = value ?? field; } = "";
}
