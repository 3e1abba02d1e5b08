using System.Text.Json;
using Serval.Api;

namespace Serval.ApiServer.Discovery;

/// <summary>Aggregated discovery (apidiscovery.k8s.io): everything below <c>/api</c> or <c>/apis</c> in one document.</summary>
internal static class AggregatedDiscovery
{
    public const string ContentType = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

    public static Document Of(IReadOnlyList<ApiGroup> groups) => Document.Of(
        w =>
        {
            w.WriteStartObject();
            w.WriteString("kind", "APIGroupDiscoveryList");
            w.WriteString("apiVersion", "apidiscovery.k8s.io/v2");
            w.WriteStartObject("metadata");
            w.WriteEndObject();
            w.WriteStartArray("items");
            foreach (var group in groups)
            {
                WriteGroup(w, group);
            }
            w.WriteEndArray();
            w.WriteEndObject();
        },
        ContentType);

    private static void WriteGroup(Utf8JsonWriter writer, ApiGroup group)
    {
        writer.WriteStartObject();
        writer.WriteStartObject("metadata");
        if (group.Name.Length > 0)
        {
            writer.WriteString("name", group.Name);
        }
        writer.WriteEndObject();
        writer.WriteStartArray("versions");
        foreach (var version in group.Versions)
        {
            writer.WriteStartObject();
            writer.WriteString("version", version);
            writer.WriteStartArray("resources");
            foreach (var kind in group.Kinds(version))
            {
                WriteKind(writer, kind);
            }
            writer.WriteEndArray();
            writer.WriteString("freshness", "Current");
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void WriteKind(Utf8JsonWriter writer, ResourceKind kind)
    {
        writer.WriteStartObject();
        writer.WriteString("resource", kind.Plural);
        WriteResponseKind(writer, kind, null, "", kind.Kind);
        writer.WriteString("scope", kind.Namespaced ? "Namespaced" : "Cluster");
        writer.WriteString("singularResource", kind.Singular);
        ServedKind.WriteStrings(writer, "verbs", KindVerbs.Of(kind));
        if (kind.ShortNames.Count > 0)
        {
            ServedKind.WriteStrings(writer, "shortNames", kind.ShortNames);
        }
        if (kind.Categories.Count > 0)
        {
            ServedKind.WriteStrings(writer, "categories", kind.Categories);
        }
        var subresources = Subresource.Of(kind).ToList();
        if (subresources.Count > 0)
        {
            writer.WriteStartArray("subresources");
            foreach (var sub in subresources)
            {
                writer.WriteStartObject();
                writer.WriteString("subresource", sub.Name);
                WriteResponseKind(writer, kind, sub.Group, sub.Version, sub.Kind);
                ServedKind.WriteStrings(writer, "verbs", sub.Verbs);
                writer.WriteEndObject();
            }
            writer.WriteEndArray();
        }
        writer.WriteEndObject();
    }

    /// <summary>Built-in kinds leave out what the list says already (apiserver: endpoints/installer.go); those of definitions say all (apiextensions: customresource_discovery_controller.go).</summary>
    private static void WriteResponseKind(Utf8JsonWriter writer, ResourceKind of, string? group, string version, string kind)
    {
        var isOwn = group is null;
        writer.WriteStartObject("responseKind");
        writer.WriteString("group", !isOwn ? group : of.IsCustom ? of.Group : "");
        writer.WriteString("version", !isOwn ? version : of.IsCustom ? of.Version : "");
        writer.WriteString("kind", kind);
        writer.WriteEndObject();
    }
}
