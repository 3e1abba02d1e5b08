using System.Collections.Concurrent;
using Microsoft.AspNetCore.Http;
using Serval.Api;
using Serval.ApiServer.Http;

namespace Serval.ApiServer.Discovery;

/// <summary>GET of everything about the API itself: groups, resources, OpenAPI.</summary>
internal sealed class DiscoveryHandler(IKindSource kinds)
{
    private readonly OpenApiHandler _openApi = new();
    private volatile Served _served = new(kinds);

    /// <summary>How many documents are kept: no more than there are, whatever is asked for.</summary>
    internal int Count => _served.Documents.Count;

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
        var path = string.Join('/', (request.Path.Value ?? "").Split('/', StringSplitOptions.RemoveEmptyEntries)); // one key for one document
        var isOpenApi = path.StartsWith("openapi/", StringComparison.Ordinal);
        var document = isOpenApi ? _openApi.Find(http, path, Current().Kinds) : Find(http, path) ?? throw Failures.UnknownPath();
        if (OpenApiHandler.Moved(request, path, document) is { } place)
        {
            http.Response.Redirect(place, permanent: true);
            return;
        }
        http.Response.Headers.ETag = document.ETag;
        http.Response.Headers.Vary = "Accept";
        http.Response.Headers.CacheControl = !isOpenApi ? "public"
            : request.Query["hash"].ToString() == document.Hash ? "public, max-age=31536000, immutable"
            : "no-cache, private";
        if (request.Headers.IfNoneMatch.ToString().Contains(document.ETag, StringComparison.Ordinal))
        {
            http.Response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }
        await Reply.JsonAsync(http, 200, document.Json, document.ContentType);
    }

    private Document? Find(HttpContext http, string path)
    {
        var accept = http.Request.Headers.Accept.ToString();
        var served = Current();
        return path is "api" or "apis" ? Root(served, path, accept, http.Request.Host.Value ?? "")
            : served.Cached(path, served.Plain);
    }

    private Served Current()
    {
        var served = _served;
        if (served.Version != kinds.Version)
        {
            _served = served = new Served(kinds);
        }
        return served;
    }

    private static Document? Root(Served served, string path, string accept, string address)
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
                return path == "api" ? DiscoveryDocuments.Versions(address) : served.Cached("apis", _ => DiscoveryDocuments.Groups(served.Named));
            }
            if (transform == "APIGroupDiscoveryList" && clause.Value("v") is "v2" or "v2beta1")
            {
                var version = clause.Value("v");
                return served.Cached($"{path} {version}", _ => AggregatedDiscovery.Of([.. path == "api" ? [served.Core] : served.Named], version));
            }
        }
        throw Failures.NotAcceptable();
    }

    /// <summary>The documents of one state of the kinds.</summary>
    private sealed class Served
    {
        private readonly IReadOnlyList<ApiGroup> _groups;

        public Served(IKindSource kinds)
        {
            Version = kinds.Version; // before the kinds: a change between the two makes the next request look again
            Kinds = kinds.All;
            _groups = ApiGroup.Of(Kinds.Concat([Api.Kinds.Binding, .. AccessKinds.Reviews]));
        }

        public long Version { get; }

        public IReadOnlyList<ResourceKind> Kinds { get; }

        public ConcurrentDictionary<string, Document> Documents { get; } = new();

        public ApiGroup Core => _groups.First(g => g.Name.Length == 0);

        /// <summary>All but the core group.</summary>
        public IEnumerable<ApiGroup> Named => _groups.Where(g => g.Name.Length > 0);

        public Document? Cached(string key, Func<string, Document?> make) =>
            Documents.TryGetValue(key, out var known) ? known
            : make(key) is { } made ? Documents.GetOrAdd(key, made)
            : null; // unknown paths are not remembered: there is no end of them

        public Document? Plain(string path) => path.Split('/', StringSplitOptions.RemoveEmptyEntries) switch
        {
            [] => Index(),
            ["api", var version] => Resources(Core, version),
            ["apis", var name] => Find(name) is { } group ? DiscoveryDocuments.Group(group) : null,
            ["apis", var name, var version] => Find(name) is { } group ? Resources(group, version) : null,
            _ => null,
        };

        private ApiGroup? Find(string name) => Named.FirstOrDefault(g => g.Name == name);

        private static Document? Resources(ApiGroup group, string version) =>
            group.Versions.Contains(version) ? DiscoveryDocuments.Resources(group, version) : null;

        private Document Index() => Document.Of(w =>
        {
            var paths = _groups.SelectMany(g => g.Versions.Select(v => "/" + g.Path(v)))
                .Concat(Named.Select(g => "/apis/" + g.Name))
                .Concat(["/api", "/apis", "/healthz", "/livez", "/openapi/v2", "/openapi/v3", "/readyz", "/version"]);
            w.WriteStartObject();
            ServedKind.WriteStrings(w, "paths", [.. paths.Order(StringComparer.Ordinal)]);
            w.WriteEndObject();
        });
    }
}
