using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Serval.Api.Crds;

/// <summary>apiextensions.k8s.io/v1 CustomResourceDefinition.</summary>
public sealed record CustomResourceDefinition : IKubeView<CustomResourceDefinition>
{
    public static JsonTypeInfo<CustomResourceDefinition> JsonType => ViewJson.Default.CustomResourceDefinition;
    public ObjectMeta Metadata { get; init => field = value ?? field; } = new();
    public CustomResourceDefinitionSpec Spec { get; init => field = value ?? field; } = new();
    public CustomResourceDefinitionStatus Status { get; init => field = value ?? field; } = new();
}

/// <summary>What is to be served.</summary>
public sealed record CustomResourceDefinitionSpec
{
    public string Group { get; init => field = value ?? field; } = "";
    public CustomResourceNames Names { get; init => field = value ?? field; } = new();

    /// <summary><c>Namespaced</c> or <c>Cluster</c>.</summary>
    public string Scope { get; init => field = value ?? field; } = "";
    public IReadOnlyList<CustomResourceVersion> Versions { get; init => field = value ?? field; } = [];
}

/// <summary>How a custom kind is called.</summary>
public sealed record CustomResourceNames
{
    public string Plural { get; init => field = value ?? field; } = "";
    public string Singular { get; init => field = value ?? field; } = "";
    public string Kind { get; init => field = value ?? field; } = "";
    public string ListKind { get; init => field = value ?? field; } = "";
    public IReadOnlyList<string> ShortNames { get; init => field = value ?? field; } = [];
    public IReadOnlyList<string> Categories { get; init => field = value ?? field; } = [];
}

/// <summary>One version of a custom kind.</summary>
public sealed record CustomResourceVersion
{
    public string Name { get; init => field = value ?? field; } = "";
    public bool Served { get; init; }
    public bool Storage { get; init; }
    public bool Deprecated { get; init; }

    /// <summary>Said instead of the usual warning when a deprecated version is used.</summary>
    public string? DeprecationWarning { get; init; }
    public CustomResourceValidation Schema { get; init => field = value ?? field; } = new();
    public CustomResourceSubresources Subresources { get; init => field = value ?? field; } = new();
    public IReadOnlyList<CustomResourceColumn> AdditionalPrinterColumns { get; init => field = value ?? field; } = [];
    public IReadOnlyList<SelectableField> SelectableFields { get; init => field = value ?? field; } = [];
}

/// <summary>The schema of a version.</summary>
public sealed record CustomResourceValidation
{
    /// <summary>As it was written; undefined when there is none.</summary>
    public JsonElement OpenAPIV3Schema { get; init; }
}

/// <summary>Which subresources a version has.</summary>
public sealed record CustomResourceSubresources
{
    /// <summary>An empty object when there is one.</summary>
    public JsonElement? Status { get; init; }
    public CustomResourceScale? Scale { get; init; }
}

/// <summary>Where <c>/scale</c> finds its numbers: paths of names with a leading dot.</summary>
public sealed record CustomResourceScale(string SpecReplicasPath = "", string StatusReplicasPath = "", string LabelSelectorPath = "");

/// <summary>A column of the table of a version.</summary>
public sealed record CustomResourceColumn(string Name = "", string Type = "", string Format = "", string Description = "", int Priority = 0, string JsonPath = "");

/// <summary>A field that field selectors may name.</summary>
public sealed record SelectableField(string JsonPath = "");

/// <summary>What is served.</summary>
public sealed record CustomResourceDefinitionStatus
{
    public IReadOnlyList<Condition> Conditions { get; init => field = value ?? field; } = [];
    public CustomResourceNames AcceptedNames { get; init => field = value ?? field; } = new();
    public IReadOnlyList<string> StoredVersions { get; init => field = value ?? field; } = [];
}
