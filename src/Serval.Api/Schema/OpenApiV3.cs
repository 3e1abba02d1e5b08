using System.Buffers;
using System.Collections.Concurrent;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Serval.Api.Schema;

/// <summary>
/// The OpenAPI v3 documents of <c>/openapi/v3</c>, one a group and version, made from the field table on demand. A document is kept
/// only as long as memory allows: clients keep it by its hash and seldom ask twice.
/// </summary>
public static class OpenApiV3
{
    private static readonly string[] s_paths = [.. Kinds.All.Select(PathOf).Distinct()];
    private static readonly ConcurrentDictionary<string, WeakReference<byte[]>> s_documents = new(StringComparer.Ordinal);
    private static readonly Lazy<string> s_build = new(() =>
        typeof(OpenApiV3).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion + " " +
        typeof(OpenApiV3).Module.ModuleVersionId);

    private static readonly Lazy<byte[]> s_index = new(WriteIndex);

    /// <summary>The paths that have a document, without <c>/openapi/v3/</c>: <c>api/v1</c>, <c>apis/apps/v1</c> …</summary>
    public static IReadOnlyList<string> Paths => s_paths;

    /// <summary>The JSON of <c>/openapi/v3</c>: where each document is, with its hash.</summary>
    public static byte[] Index => s_index.Value;

    /// <summary>The hash in a document's address; changes whenever the document may.</summary>
    public static string Hash(string path) => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes($"{s_build.Value} {path}")));

    /// <summary>The document of a group and version, or null when none is served.</summary>
    public static byte[]? Document(string group, string version) => Document(group.Length == 0 ? $"api/{version}" : $"apis/{group}/{version}");

    /// <summary>The document behind a path such as <c>apis/apps/v1</c>, or null.</summary>
    public static byte[]? Document(string path)
    {
        if (!s_paths.Contains(path))
        {
            return null;
        }
        if (s_documents.TryGetValue(path, out var kept) && kept.TryGetTarget(out var document))
        {
            return document;
        }
        document = WriteDocument([.. Kinds.All.Where(k => PathOf(k) == path)]);
        s_documents[path] = new WeakReference<byte[]>(document);
        return document;
    }

    private static string PathOf(ResourceKind kind) => kind.Group.Length == 0 ? $"api/{kind.Version}" : $"apis/{kind.Group}/{kind.Version}";

    private static byte[] WriteIndex()
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartObject("paths");
            foreach (var path in s_paths)
            {
                json.WriteStartObject(path);
                json.WriteString("serverRelativeURL", $"/openapi/v3/{path}?hash={Hash(path)}");
                json.WriteEndObject();
            }
            json.WriteEndObject();
            json.WriteEndObject();
        }
        return buffer.WrittenSpan.ToArray();
    }

    private static byte[] WriteDocument(ResourceKind[] kinds)
    {
        var buffer = new ArrayBufferWriter<byte>(64 * 1024);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("openapi", "3.0.0");
            json.WriteStartObject("info");
            json.WriteString("title", "Kubernetes");
            json.WriteString("version", "serval");
            json.WriteEndObject();
            OpenApiPaths.Write(json, kinds);
            json.WriteStartObject("components");
            OpenApiSchemas.Write(json, kinds);
            json.WriteEndObject();
            json.WriteEndObject();
        }
        return buffer.WrittenSpan.ToArray();
    }
}
