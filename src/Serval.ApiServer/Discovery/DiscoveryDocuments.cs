using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Serval.Api;

namespace Serval.ApiServer.Discovery;

/// <summary>The documents of unaggregated discovery: versions, groups, and a resource list for each group and version.</summary>
internal static class DiscoveryDocuments
{
    public static Document Versions(string address) => Document.Of(w =>
    {
        w.WriteStartObject();
        w.WriteString("kind", "APIVersions");
        ServedKind.WriteStrings(w, "versions", ["v1"]);
        w.WriteStartArray("serverAddressByClientCIDRs");
        w.WriteStartObject();
        w.WriteString("clientCIDR", "0.0.0.0/0");
        w.WriteString("serverAddress", address);
        w.WriteEndObject();
        w.WriteEndArray();
        w.WriteEndObject();
    });

    public static Document Groups(IEnumerable<ApiGroup> groups) => Document.Of(w =>
    {
        w.WriteStartObject();
        w.WriteString("kind", "APIGroupList");
        w.WriteString("apiVersion", "v1");
        w.WriteStartArray("groups");
        foreach (var group in groups)
        {
            w.WriteStartObject();
            WriteGroup(w, group);
            w.WriteEndObject();
        }
        w.WriteEndArray();
        w.WriteEndObject();
    });

    public static Document Group(ApiGroup group) => Document.Of(w =>
    {
        w.WriteStartObject();
        w.WriteString("kind", "APIGroup");
        w.WriteString("apiVersion", "v1");
        WriteGroup(w, group);
        w.WriteEndObject();
    });

    public static Document Resources(ApiGroup group, string version) => Document.Of(w =>
    {
        w.WriteStartObject();
        w.WriteString("kind", "APIResourceList");
        w.WriteString("apiVersion", "v1");
        w.WriteString("groupVersion", group.GroupVersion(version));
        w.WriteStartArray("resources");
        foreach (var kind in group.Kinds(version))
        {
            WriteKind(w, kind);
        }
        w.WriteEndArray();
        w.WriteEndObject();
    });

    private static void WriteGroup(Utf8JsonWriter writer, ApiGroup group)
    {
        writer.WriteString("name", group.Name);
        writer.WriteStartArray("versions");
        foreach (var version in group.Versions)
        {
            writer.WriteStartObject();
            WriteVersion(writer, group, version);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        writer.WriteStartObject("preferredVersion");
        WriteVersion(writer, group, group.Versions[0]);
        writer.WriteEndObject();
    }

    private static void WriteVersion(Utf8JsonWriter writer, ApiGroup group, string version)
    {
        writer.WriteString("groupVersion", group.GroupVersion(version));
        writer.WriteString("version", version);
    }

    private static void WriteKind(Utf8JsonWriter writer, ResourceKind kind)
    {
        writer.WriteStartObject();
        writer.WriteString("name", kind.Plural);
        writer.WriteString("singularName", kind.Singular);
        writer.WriteBoolean("namespaced", kind.Namespaced);
        writer.WriteString("kind", kind.Kind);
        ServedKind.WriteStrings(writer, "verbs", KindVerbs.Of(kind));
        if (kind.ShortNames.Count > 0)
        {
            ServedKind.WriteStrings(writer, "shortNames", kind.ShortNames);
        }
        if (kind.Categories.Count > 0)
        {
            ServedKind.WriteStrings(writer, "categories", kind.Categories);
        }
        if (kind != Kinds.Binding && !AccessKinds.Reviews.Contains(kind))
        {
            writer.WriteString("storageVersionHash", StorageVersionHash(kind.StoredAs));
        }
        writer.WriteEndObject();
        foreach (var sub in Subresource.Of(kind))
        {
            writer.WriteStartObject();
            writer.WriteString("name", $"{kind.Plural}/{sub.Name}");
            writer.WriteString("singularName", "");
            writer.WriteBoolean("namespaced", kind.Namespaced);
            if (sub.Group is not null)
            {
                writer.WriteString("group", sub.Group);
                writer.WriteString("version", sub.Version);
            }
            writer.WriteString("kind", sub.Kind);
            ServedKind.WriteStrings(writer, "verbs", sub.Verbs);
            writer.WriteEndObject();
        }
    }

    /// <summary>Changes when objects are stored in another version (apiserver pkg/endpoints/discovery/storageversionhash.go).</summary>
    private static string StorageVersionHash(ResourceKind kind) =>
        Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes($"{kind.Group}/{kind.Version}/{kind.Kind}")).AsSpan(0, 8));
}
