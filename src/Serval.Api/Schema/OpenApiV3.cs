using System.Buffers;
using System.Collections.Concurrent;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Serval.Api.Schema;

/// <summary>
/// The OpenAPI v3 documents of <c>/openapi/v3</c>, one a group and version and some beside, made from the field table on demand. A document is kept
/// only as long as memory allows: clients keep it by its hash and seldom ask twice.
/// </summary>
public static class OpenApiV3
{
    private const int MostKept = 256;

    private static readonly ConcurrentDictionary<string, WeakReference<byte[]>> s_documents = new(StringComparer.Ordinal);
    private static readonly Lazy<string> s_build = new(() =>
        typeof(OpenApiV3).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion + " " +
        typeof(OpenApiV3).Module.ModuleVersionId);

    /// <summary>The paths that have a document, without <c>/openapi/v3/</c>, in order: <c>api/v1</c>, <c>apis/apps</c>, <c>apis/apps/v1</c> …</summary>
    public static IReadOnlyList<string> Paths(IEnumerable<ResourceKind> kinds)
    {
        var all = Described(kinds).ToList();
        return [.. OpenApiPages.Paths(all).Concat(all.Select(PathOf).Distinct()).Order(StringComparer.Ordinal)];
    }

    /// <summary>The hash in the address of a path's document; changes whenever the document may, and only with it.</summary>
    public static string Hash(IEnumerable<ResourceKind> kinds, string path) => Hash([.. Described(kinds).Where(k => PathOf(k) == path)], path);

    /// <summary>The document behind a path such as <c>apis/apps/v1</c>, or null.</summary>
    public static byte[]? Document(IEnumerable<ResourceKind> kinds, string path)
    {
        var all = Described(kinds).ToList();
        ResourceKind[] here = [.. all.Where(k => PathOf(k) == path)];
        if (here.Length == 0 && !OpenApiPages.Paths(all).Contains(path))
        {
            return null;
        }
        var hash = Hash(here, path);
        if (s_documents.TryGetValue(hash, out var kept) && kept.TryGetTarget(out var document))
        {
            return document;
        }
        document = WriteDocument(here, path);
        foreach (var (old, reference) in s_documents.Count >= MostKept ? s_documents : [])
        {
            if (!reference.TryGetTarget(out _))
            {
                s_documents.TryRemove(old, out _); // of a definition that has changed
            }
        }
        s_documents[hash] = new WeakReference<byte[]>(document);
        return document;
    }

    private static IEnumerable<ResourceKind> Described(IEnumerable<ResourceKind> kinds) => kinds.Append(Kinds.Binding).Concat(AccessKinds.Reviews);

    private static string Hash(ResourceKind[] kinds, string path)
    {
        var custom = string.Concat(kinds.Where(k => k.Shape is not null).Select(k => $" {k.ApiVersion} {k.Kind} {k.ListKind} {k.Shape!.Revision}"));
        return Convert.ToHexString(SHA512.HashData(Encoding.UTF8.GetBytes($"{s_build.Value} {path}{custom}")));
    }

    private static string PathOf(ResourceKind kind) => kind.Group.Length == 0 ? $"api/{kind.Version}" : $"apis/{kind.Group}/{kind.Version}";

    /// <summary>The JSON of <c>/openapi/v3</c>: where each document is, with its hash.</summary>
    public static byte[] Index(IReadOnlyList<ResourceKind> kinds)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartObject("paths");
            foreach (var path in Paths(kinds))
            {
                json.WriteStartObject(path);
                json.WriteString("serverRelativeURL", $"/openapi/v3/{path}?hash={Hash(kinds, path)}");
                json.WriteEndObject();
            }
            json.WriteEndObject();
            json.WriteEndObject();
        }
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>Writes <c>components</c>: schemas, where there are any, and how callers say who they are.</summary>
    internal static void Components(Utf8JsonWriter json, Action schemas)
    {
        json.WriteStartObject("components");
        schemas();
        json.WriteStartObject("securitySchemes");
        json.WriteStartObject("BearerToken");
        json.WriteString("description", "Bearer Token authentication");
        json.WriteString("in", "header");
        json.WriteString("name", "authorization");
        json.WriteString("type", "apiKey");
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static byte[] WriteDocument(ResourceKind[] kinds, string path)
    {
        var buffer = new ArrayBufferWriter<byte>(64 * 1024);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("openapi", "3.0.0");
            json.WriteStartObject("info");
            json.WriteString("title", "Kubernetes");
            json.WriteString("version", KubernetesVersion.Text);
            json.WriteEndObject();
            if (kinds.Length == 0)
            {
                OpenApiPages.Write(json, path);
            }
            else
            {
                OpenApiPaths.Write(json, kinds);
                Components(json, () => OpenApiSchemas.Write(json, kinds));
            }
            json.WriteEndObject();
        }
        return buffer.WrittenSpan.ToArray();
    }
}
