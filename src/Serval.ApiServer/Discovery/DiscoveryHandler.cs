using System.Collections.Concurrent;
using Microsoft.AspNetCore.Http;
using Serval.Api.Schema;
using Serval.ApiServer.Http;

namespace Serval.ApiServer.Discovery;

/// <summary>GET of everything about the API itself: groups, resources, OpenAPI.</summary>
internal sealed class DiscoveryHandler
{
    private const string OpenApiRoot = "openapi/v3";

    private readonly ConcurrentDictionary<string, Document> _documents = new();

    /// <summary>How many documents are kept: no more than there are, whatever is asked for.</summary>
    internal int Count => _documents.Count;

    /// <summary>Whether the path is one of discovery's (found or not).</summary>
    public static bool Owns(string path)
    {
        var parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        return parts is [] or ["api"] or ["api", _] or ["apis"] or ["apis", _] or ["apis", _, _] or ["openapi", ..];
    }

    public async Task GetAsync(HttpContext http)
    {
        var request = http.Request;
        if (!HttpMethods.IsGet(request.Method) && !HttpMethods.IsHead(request.Method))
        {
            throw Failures.MethodNotAllowed();
        }
        var document = Find(http) ?? throw Failures.UnknownPath();
        http.Response.Headers.ETag = document.ETag;
        http.Response.Headers.Vary = "Accept";
        http.Response.Headers.CacheControl = request.Query["hash"].ToString() == document.Hash ? "public, max-age=31536000, immutable" : "public";
        if (request.Headers.IfNoneMatch.ToString().Contains(document.ETag, StringComparison.Ordinal))
        {
            http.Response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }
        await Reply.JsonAsync(http, 200, document.Json, document.ContentType);
    }

    private Document? Find(HttpContext http)
    {
        var path = string.Join('/', (http.Request.Path.Value ?? "").Split('/', StringSplitOptions.RemoveEmptyEntries)); // one key for one document
        var accept = http.Request.Headers.Accept.ToString();
        return path is "api" or "apis" ? Root(path, accept, http.Request.Host.Value ?? "")
            : path.StartsWith(OpenApiRoot, StringComparison.Ordinal) ? OpenApi(path[OpenApiRoot.Length..].Trim('/'))
            : Cached(path, Plain);
    }

    private Document? Root(string path, string accept, string address)
    {
        foreach (var text in accept.Length == 0 ? ["*/*"] : accept.Split(','))
        {
            var clause = MediaClause.Parse(text);
            if (!clause.IsJson)
            {
                continue;
            }
            var transform = clause.Value("as");
            if (transform.Length == 0)
            {
                return path == "api" ? DiscoveryDocuments.Versions(address) : Cached("apis", _ => DiscoveryDocuments.Groups());
            }
            if (transform == "APIGroupDiscoveryList" && clause.Value("v") is "v2" or "v2beta1")
            {
                var version = clause.Value("v");
                return Cached($"{path} {version}", _ => AggregatedDiscovery.Of(path == "api" ? [ApiGroup.Core] : ApiGroup.Named, version));
            }
        }
        throw Failures.NotAcceptable();
    }

    private Document? Cached(string key, Func<string, Document?> make) =>
        _documents.TryGetValue(key, out var known) ? known
        : make(key) is { } made ? _documents.GetOrAdd(key, made)
        : null; // unknown paths are not remembered: there is no end of them

    private static Document? Plain(string path) => path.Split('/', StringSplitOptions.RemoveEmptyEntries) switch
    {
        [] => Index(),
        ["api", var version] => Resources(ApiGroup.Core, version),
        ["apis", var name] => ApiGroup.Find(name) is { Name.Length: > 0 } group ? DiscoveryDocuments.Group(group) : null,
        ["apis", var name, var version] => ApiGroup.Find(name) is { Name.Length: > 0 } group ? Resources(group, version) : null,
        _ => null,
    };

    private static Document? Resources(ApiGroup group, string version) =>
        group.Versions.Contains(version) ? DiscoveryDocuments.Resources(group, version) : null;

    // Big and seldom asked for: the generator keeps them as long as memory allows.
    private static Document? OpenApi(string path) =>
        path.Length == 0 ? Json(OpenApiV3.Index, OpenApiV3.Hash("index"))
        : OpenApiV3.Document(path) is { } document ? Json(document, OpenApiV3.Hash(path))
        : null;

    private static Document Json(byte[] json, string hash) => new(json, "application/json", hash);

    private static Document Index() => Document.Of(w =>
    {
        var paths = ApiGroup.All.SelectMany(g => g.Versions.Select(v => "/" + g.Path(v)))
            .Concat(ApiGroup.Named.Select(g => "/apis/" + g.Name))
            .Concat(["/api", "/apis", "/healthz", "/livez", "/openapi/v3", "/readyz", "/version"]);
        w.WriteStartObject();
        ServedKind.WriteStrings(w, "paths", [.. paths.Order(StringComparer.Ordinal)]);
        w.WriteEndObject();
    });
}
