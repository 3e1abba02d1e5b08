using System.Text.Json.Serialization.Metadata;
using Serval.Api.Core;

namespace Serval.Api.Serving;

/// <summary>serving.knative.dev/v1 Service.</summary>
public sealed record KService : IKubeView<KService>
{
    public static JsonTypeInfo<KService> JsonType => ViewJson.Default.KService;
    public ObjectMeta Metadata { get; init => field = value ?? field; } = new();
    public KServiceSpec Spec { get; init => field = value ?? field; } = new();
    public KServiceStatus Status { get; init => field = value ?? field; } = new();
}

/// <summary>ConfigurationSpec and RouteSpec, inline.</summary>
public sealed record KServiceSpec
{
    public PodTemplateSpec Template { get; init => field = value ?? field; } = new();
    public IReadOnlyList<TrafficTarget> Traffic { get; init => field = value ?? field; } = [];
}

public sealed record TrafficTarget
{
    public string Tag { get; init => field = value ?? field; } = "";
    public string RevisionName { get; init => field = value ?? field; } = "";
    public string ConfigurationName { get; init => field = value ?? field; } = "";
    public bool? LatestRevision { get; init; }
    public long? Percent { get; init; }

    /// <summary>Status only.</summary>
    public string Url { get; init => field = value ?? field; } = "";
}

public sealed record Addressable(string Url = "");

public sealed record KServiceStatus
{
    public long ObservedGeneration { get; init; }
    public string Url { get; init => field = value ?? field; } = "";
    public Addressable? Address { get; init; }
    public string LatestCreatedRevisionName { get; init => field = value ?? field; } = "";
    public string LatestReadyRevisionName { get; init => field = value ?? field; } = "";
    public IReadOnlyList<TrafficTarget> Traffic { get; init => field = value ?? field; } = [];
    public IReadOnlyList<Condition> Conditions { get; init => field = value ?? field; } = [];
}

/// <summary>serving.knative.dev/v1 Configuration.</summary>
public sealed record Configuration : IKubeView<Configuration>
{
    public static JsonTypeInfo<Configuration> JsonType => ViewJson.Default.Configuration;
    public ObjectMeta Metadata { get; init => field = value ?? field; } = new();
    public ConfigurationSpec Spec { get; init => field = value ?? field; } = new();
    public ConfigurationStatus Status { get; init => field = value ?? field; } = new();
}

public sealed record ConfigurationSpec
{
    public PodTemplateSpec Template { get; init => field = value ?? field; } = new();
}

public sealed record ConfigurationStatus
{
    public long ObservedGeneration { get; init; }
    public string LatestCreatedRevisionName { get; init => field = value ?? field; } = "";
    public string LatestReadyRevisionName { get; init => field = value ?? field; } = "";
    public IReadOnlyList<Condition> Conditions { get; init => field = value ?? field; } = [];
}

/// <summary>serving.knative.dev/v1 Revision.</summary>
public sealed record Revision : IKubeView<Revision>
{
    public static JsonTypeInfo<Revision> JsonType => ViewJson.Default.Revision;
    public ObjectMeta Metadata { get; init => field = value ?? field; } = new();
    public PodSpec Spec { get; init => field = value ?? field; } = new();
    public RevisionStatus Status { get; init => field = value ?? field; } = new();
}

public sealed record RevisionStatus
{
    public long ObservedGeneration { get; init; }
    public string LogUrl { get; init => field = value ?? field; } = "";
    public int? ActualReplicas { get; init; }
    public int? DesiredReplicas { get; init; }
    public IReadOnlyList<RevisionContainerStatus> ContainerStatuses { get; init => field = value ?? field; } = [];
    public IReadOnlyList<RevisionContainerStatus> InitContainerStatuses { get; init => field = value ?? field; } = [];
    public IReadOnlyList<Condition> Conditions { get; init => field = value ?? field; } = [];
}

public sealed record RevisionContainerStatus(string Name = "", string ImageDigest = "");

/// <summary>serving.knative.dev/v1 Route.</summary>
public sealed record Route : IKubeView<Route>
{
    public static JsonTypeInfo<Route> JsonType => ViewJson.Default.Route;
    public ObjectMeta Metadata { get; init => field = value ?? field; } = new();
    public RouteSpec Spec { get; init => field = value ?? field; } = new();
    public RouteStatus Status { get; init => field = value ?? field; } = new();
}

public sealed record RouteSpec
{
    public IReadOnlyList<TrafficTarget> Traffic { get; init => field = value ?? field; } = [];
}

public sealed record RouteStatus
{
    public long ObservedGeneration { get; init; }
    public string Url { get; init => field = value ?? field; } = "";
    public Addressable? Address { get; init; }
    public IReadOnlyList<TrafficTarget> Traffic { get; init => field = value ?? field; } = [];
    public IReadOnlyList<Condition> Conditions { get; init => field = value ?? field; } = [];
}

/// <summary>serving.knative.dev/v1beta1 DomainMapping.</summary>
public sealed record DomainMapping : IKubeView<DomainMapping>
{
    public static JsonTypeInfo<DomainMapping> JsonType => ViewJson.Default.DomainMapping;
    public ObjectMeta Metadata { get; init => field = value ?? field; } = new();
    public DomainMappingSpec Spec { get; init => field = value ?? field; } = new();
    public DomainMappingStatus Status { get; init => field = value ?? field; } = new();
}

public sealed record DomainMappingSpec
{
    public KReference Ref { get; init => field = value ?? field; } = new();
    public SecretTls? Tls { get; init; }
}

/// <summary>Names an object (knative.dev/pkg: duck/v1 KReference).</summary>
public sealed record KReference
{
    public string Kind { get; init => field = value ?? field; } = "";
    public string Namespace { get; init => field = value ?? field; } = "";
    public string Name { get; init => field = value ?? field; } = "";
    public string ApiVersion { get; init => field = value ?? field; } = "";
    public string Group { get; init => field = value ?? field; } = "";

    /// <summary>Which of the object's addresses; empty is the first.</summary>
    public string Address { get; init => field = value ?? field; } = "";

    /// <summary>As Knative's messages name it.</summary>
    public override string ToString() =>
        $"Kind = {Kind}, Namespace = {Namespace}, Name = {Name}, APIVersion = {ApiVersion}, Group = {Group}, Address = {Address}";
}

public sealed record SecretTls(string SecretName = "");

public sealed record DomainMappingStatus
{
    public long ObservedGeneration { get; init; }
    public string Url { get; init => field = value ?? field; } = "";
    public Addressable? Address { get; init; }
    public IReadOnlyList<Condition> Conditions { get; init => field = value ?? field; } = [];
}
