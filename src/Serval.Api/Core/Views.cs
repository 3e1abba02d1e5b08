using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Serval.Api.Core;

// Read-only views of the core/v1 kinds. A view holds what Serval's code reads; every other field stays in the object's JSON.

/// <summary>core/v1 Pod.</summary>
public sealed record Pod : IKubeView<Pod>
{
    public static JsonTypeInfo<Pod> JsonType => ViewJson.Default.Pod;
    public ObjectMeta Metadata { get; init; } = new();
    public PodSpec Spec { get; init; } = new();
    public PodStatus Status { get; init; } = new();
}

/// <summary>core/v1 PodSpec; also Knative's RevisionSpec, whose own fields are <see cref="ContainerConcurrency"/> and the timeouts.</summary>
public sealed record PodSpec
{
    public IReadOnlyList<Container> Containers { get; init; } = [];
    public IReadOnlyList<Container> InitContainers { get; init; } = [];
    public IReadOnlyList<Volume> Volumes { get; init; } = [];
    public string NodeName { get; init; } = "";
    public string RestartPolicy { get; init; } = "Always";
    public string ServiceAccountName { get; init; } = "";
    public IReadOnlyList<LocalObjectReference> ImagePullSecrets { get; init; } = [];

    /// <summary>Seconds; Kubernetes' default is 30.</summary>
    public long? TerminationGracePeriodSeconds { get; init; }
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

/// <summary>core/v1 Container.</summary>
public sealed record Container
{
    public string Name { get; init; } = "";
    public string Image { get; init; } = "";
    public string ImagePullPolicy { get; init; } = "";
    public IReadOnlyList<string> Command { get; init; } = [];
    public IReadOnlyList<string> Args { get; init; } = [];
    public string WorkingDir { get; init; } = "";
    public IReadOnlyList<ContainerPort> Ports { get; init; } = [];
    public IReadOnlyList<EnvVar> Env { get; init; } = [];
    public IReadOnlyList<EnvFromSource> EnvFrom { get; init; } = [];
    public IReadOnlyList<VolumeMount> VolumeMounts { get; init; } = [];
    public Probe? LivenessProbe { get; init; }
    public Probe? ReadinessProbe { get; init; }
    public Probe? StartupProbe { get; init; }
    public ResourceRequirements Resources { get; init; } = new();
    public string TerminationMessagePath { get; init; } = "";
    public string TerminationMessagePolicy { get; init; } = "";
}

public sealed record ResourceRequirements
{
    public IReadOnlyDictionary<string, JsonElement> Requests { get; init; } = FrozenDictionary<string, JsonElement>.Empty;
    public IReadOnlyDictionary<string, JsonElement> Limits { get; init; } = FrozenDictionary<string, JsonElement>.Empty;
}

public sealed record ContainerPort
{
    public string Name { get; init; } = "";
    [System.Text.Json.Serialization.JsonPropertyName("containerPort")]
    public int Number { get; init; }
    public string Protocol { get; init; } = "TCP";
}

public sealed record EnvVar
{
    public string Name { get; init; } = "";
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
    public string Name { get; init; } = "";
    public string Key { get; init; } = "";
    public bool? Optional { get; init; }
}

public sealed record FieldSelector
{
    public string ApiVersion { get; init; } = "v1";
    public string FieldPath { get; init; } = "";
}

public sealed record ResourceFieldSelector
{
    public string ContainerName { get; init; } = "";
    public string Resource { get; init; } = "";
    public JsonElement? Divisor { get; init; }
}

public sealed record EnvFromSource
{
    public string Prefix { get; init; } = "";
    public OptionalReference? ConfigMapRef { get; init; }
    public OptionalReference? SecretRef { get; init; }
}

public sealed record OptionalReference
{
    public string Name { get; init; } = "";
    public bool? Optional { get; init; }
}

public sealed record VolumeMount
{
    public string Name { get; init; } = "";
    public string MountPath { get; init; } = "";
    public bool ReadOnly { get; init; }
    public string SubPath { get; init; } = "";
}

public sealed record Volume
{
    public string Name { get; init; } = "";
    public ConfigMapVolume? ConfigMap { get; init; }
    public SecretVolume? Secret { get; init; }
    public EmptyDirVolume? EmptyDir { get; init; }
    public ProjectedVolume? Projected { get; init; }

    /// <summary>Source fields this version does not mount (hostPath, csi …), kept so that the refusal can name them.</summary>
    [System.Text.Json.Serialization.JsonExtensionData]
    public IDictionary<string, JsonElement>? Other { get; init; }
}

public sealed record ConfigMapVolume
{
    public string Name { get; init; } = "";
    public IReadOnlyList<KeyToPath> Items { get; init; } = [];
    public int? DefaultMode { get; init; }
    public bool? Optional { get; init; }
}

public sealed record SecretVolume
{
    public string SecretName { get; init; } = "";
    public IReadOnlyList<KeyToPath> Items { get; init; } = [];
    public int? DefaultMode { get; init; }
    public bool? Optional { get; init; }
}

public sealed record KeyToPath
{
    public string Key { get; init; } = "";
    public string Path { get; init; } = "";
    public int? Mode { get; init; }
}

public sealed record EmptyDirVolume
{
    public string Medium { get; init; } = "";
    public JsonElement? SizeLimit { get; init; }
}

public sealed record ProjectedVolume
{
    public IReadOnlyList<ProjectedSource> Sources { get; init; } = [];
    public int? DefaultMode { get; init; }
}

public sealed record ProjectedSource
{
    public ProjectedReference? ConfigMap { get; init; }
    public ProjectedReference? Secret { get; init; }
}

public sealed record ProjectedReference
{
    public string Name { get; init; } = "";
    public IReadOnlyList<KeyToPath> Items { get; init; } = [];
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
}

public sealed record HttpGetAction
{
    public string Path { get; init; } = "";

    /// <summary>A number or a port's name; absent or 0 means the serving port (Knative).</summary>
    public JsonElement? Port { get; init; }
    public string Host { get; init; } = "";
    public string Scheme { get; init; } = "HTTP";
    public IReadOnlyList<HttpHeader> HttpHeaders { get; init; } = [];
}

public sealed record HttpHeader(string Name = "", string Value = "");

public sealed record TcpSocketAction
{
    public JsonElement? Port { get; init; }
    public string Host { get; init; } = "";
}

public sealed record ExecAction
{
    public IReadOnlyList<string> Command { get; init; } = [];
}

public sealed record GrpcAction
{
    public int Port { get; init; }
    public string Service { get; init; } = "";
}

public sealed record PodStatus
{
    /// <summary><c>Pending</c>, <c>Running</c>, <c>Succeeded</c>, <c>Failed</c>.</summary>
    public string Phase { get; init; } = "";
    public string Reason { get; init; } = "";
    public string Message { get; init; } = "";
    public string HostIP { get; init; } = "";
    public string PodIP { get; init; } = "";
    public DateTimeOffset? StartTime { get; init; }
    public IReadOnlyList<Condition> Conditions { get; init; } = [];
    public IReadOnlyList<ContainerStatus> ContainerStatuses { get; init; } = [];
}

public sealed record ContainerStatus
{
    public string Name { get; init; } = "";
    public bool Ready { get; init; }
    public int RestartCount { get; init; }
    public string Image { get; init; } = "";
    public string ImageID { get; init; } = "";
    public ContainerState State { get; init; } = new();
    public ContainerState LastState { get; init; } = new();
}

public sealed record ContainerState
{
    public WaitingState? Waiting { get; init; }
    public RunningState? Running { get; init; }
    public TerminatedState? Terminated { get; init; }
}

public sealed record WaitingState
{
    public string Reason { get; init; } = "";
    public string Message { get; init; } = "";
}

public sealed record RunningState
{
    public DateTimeOffset? StartedAt { get; init; }
}

public sealed record TerminatedState
{
    public int ExitCode { get; init; }
    public int Signal { get; init; }
    public string Reason { get; init; } = "";
    public string Message { get; init; } = "";
    public DateTimeOffset? StartedAt { get; init; }
    public DateTimeOffset? FinishedAt { get; init; }
}

public sealed record PodTemplateSpec
{
    public ObjectMeta Metadata { get; init; } = new();
    public PodSpec Spec { get; init; } = new();
}

/// <summary>core/v1 Service.</summary>
public sealed record Service : IKubeView<Service>
{
    public static JsonTypeInfo<Service> JsonType => ViewJson.Default.Service;
    public ObjectMeta Metadata { get; init; } = new();
    public ServiceSpec Spec { get; init; } = new();
}

public sealed record ServiceSpec
{
    public string Type { get; init; } = "ClusterIP";
    public string ClusterIP { get; init; } = "";
    public string ExternalName { get; init; } = "";
    public IReadOnlyDictionary<string, string> Selector { get; init; } = FrozenDictionary<string, string>.Empty;
    public IReadOnlyList<ServicePort> Ports { get; init; } = [];
}

public sealed record ServicePort
{
    public string Name { get; init; } = "";
    public int Port { get; init; }

    /// <summary>A number or the name of a container port; absent means <see cref="Port"/>.</summary>
    public JsonElement? TargetPort { get; init; }
    public string Protocol { get; init; } = "TCP";
    public string AppProtocol { get; init; } = "";
}

/// <summary>core/v1 ConfigMap.</summary>
public sealed record ConfigMap : IKubeView<ConfigMap>
{
    public static JsonTypeInfo<ConfigMap> JsonType => ViewJson.Default.ConfigMap;
    public ObjectMeta Metadata { get; init; } = new();
    public IReadOnlyDictionary<string, string> Data { get; init; } = FrozenDictionary<string, string>.Empty;

    /// <summary>Base64.</summary>
    public IReadOnlyDictionary<string, string> BinaryData { get; init; } = FrozenDictionary<string, string>.Empty;
}

/// <summary>core/v1 Secret.</summary>
public sealed record Secret : IKubeView<Secret>
{
    public static JsonTypeInfo<Secret> JsonType => ViewJson.Default.Secret;
    public ObjectMeta Metadata { get; init; } = new();
    public string Type { get; init; } = "";

    /// <summary>Base64.</summary>
    public IReadOnlyDictionary<string, string> Data { get; init; } = FrozenDictionary<string, string>.Empty;
}

/// <summary>core/v1 Namespace.</summary>
public sealed record Namespace : IKubeView<Namespace>
{
    public static JsonTypeInfo<Namespace> JsonType => ViewJson.Default.Namespace;
    public ObjectMeta Metadata { get; init; } = new();
    public NamespaceSpec Spec { get; init; } = new();
    public NamespaceStatus Status { get; init; } = new();
}

public sealed record NamespaceSpec
{
    public IReadOnlyList<string> Finalizers { get; init; } = [];
}

public sealed record NamespaceStatus
{
    public string Phase { get; init; } = "";
}
