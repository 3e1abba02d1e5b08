using System.Buffers;
using System.Text.Json;
using Serval.Api;

namespace Serval.ApiServer.Http;

/// <summary>
/// Writes into a body what the path already says: API version, kind, namespace and name. It works on the bytes and leaves the rest as it was sent,
/// repeated keys too: those are reported by whoever decodes the object.
/// </summary>
internal static class BodyCompletion
{
    public static KubeObject Complete(KubeObject obj, ResourcePath path, string apiVersion, string kind)
    {
        var given = obj.Metadata;
        if (obj.ApiVersion == apiVersion && obj.Kind == kind && given.Namespace == path.Namespace && (path.Name.Length == 0 || given.Name == path.Name))
        {
            return obj;
        }
        using var document = CanonicalJson.Document(obj.Json);
        var buffer = new ArrayBufferWriter<byte>(obj.Json.Length + 256);
        using (var writer = new Utf8JsonWriter(buffer, StatusDocument.Writer))
        {
            writer.WriteStartObject();
            writer.WriteString("apiVersion", apiVersion);
            writer.WriteString("kind", kind);
            Write(writer, document.RootElement, path);
            writer.WriteEndObject();
        }
        return KubeObject.Parse(buffer.WrittenMemory);
    }

    private static void Write(Utf8JsonWriter writer, JsonElement body, ResourcePath path)
    {
        var named = false;
        foreach (var member in body.EnumerateObject())
        {
            if (member.Name is "apiVersion" or "kind")
            {
                continue; // compared with the path before
            }
            if (member.Name != "metadata")
            {
                member.WriteTo(writer);
            }
            else if (member.Value.ValueKind == JsonValueKind.Object)
            {
                named = true;
                WriteMetadata(writer, member.Value, path);
            }
        }
        if (!named)
        {
            WriteMetadata(writer, default, path);
        }
    }

    private static void WriteMetadata(Utf8JsonWriter writer, JsonElement metadata, ResourcePath path)
    {
        writer.WriteStartObject("metadata");
        if (path.Namespace.Length > 0)
        {
            writer.WriteString("namespace", path.Namespace);
        }
        if (path.Name.Length > 0)
        {
            writer.WriteString("name", path.Name);
        }
        if (metadata.ValueKind == JsonValueKind.Object)
        {
            foreach (var member in metadata.EnumerateObject().Where(m => m.Name != "namespace" && (m.Name != "name" || path.Name.Length == 0)))
            {
                member.WriteTo(writer);
            }
        }
        writer.WriteEndObject();
    }
}
