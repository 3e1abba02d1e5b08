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
        var asked = request.Path.Value ?? "";
        var path = asked.Trim('/'); // one key for one document
        var served = Current();
        if (asked.Contains("//", StringComparison.Ordinal))
        {
            await UnknownPaths.AnswerAsync(http, asked, served.Kinds); // an empty step names nothing
        }
        else if (path == "openapi" || path.StartsWith("openapi/", StringComparison.Ordinal))
        {
            await OpenApiAsync(http, asked.TrimStart('/'), served);
        }
        else if (Find(http, path, served) is { } document)
        {
            await WriteAsync(http, document, IsAggregated(document) ? "public" : "");
        }
        else
        {
            await UnknownPaths.AnswerAsync(http, asked, served.Kinds);
        }
    }

    private async Task OpenApiAsync(HttpContext http, string path, Served served)
    {
        if (_openApi.Find(http, path, served.Kinds) is not { } document)
        {
            http.Response.StatusCode = StatusCodes.Status404NotFound; // without a word (kube-openapi: handler3)
            await (OpenApiHandler.IsBelowRoot(http.Request.Path.Value ?? "") ? Task.CompletedTask : UnknownPaths.PageAsync(http));
        }
        else if (OpenApiHandler.Moved(http.Request, path, document) is { } place)
        {
            http.Response.Redirect(place, permanent: true);
        }
        else
        {
            await WriteAsync(http, document, http.Request.Query["hash"].ToString() == document.Hash ? "public, max-age=31536000, immutable" : "no-cache, private");
        }
    }

    /// <param name="http">Where to.</param>
    /// <param name="document">What.</param>
    /// <param name="caching">Who may keep it; empty for documents that have no tag to ask again by.</param>
    private static async Task WriteAsync(HttpContext http, Document document, string caching)
    {
        if (caching.Length > 0)
        {
            http.Response.Headers.ETag = document.ETag;
            http.Response.Headers.Vary = "Accept";
            http.Response.Headers.CacheControl = caching;
            if (http.Request.Headers.IfNoneMatch.ToString().Contains(document.ETag, StringComparison.Ordinal))
            {
                http.Response.StatusCode = StatusCodes.Status304NotModified;
                return;
            }
        }
        await Reply.JsonAsync(http, 200, document.Json, document.ContentType);
    }

    private static bool IsAggregated(Document document) => document.ContentType == AggregatedDiscovery.ContentType;

    /// <summary>Null when nothing is at the path. The index and the groups are there for any method, what go-restful serves upstream for GET.</summary>
    private static Document? Find(HttpContext http, string path, Served served)
    {
        if (path.Length == 0)
        {
            return served.Cached(path, served.Plain);
        }
        var isGroup = path.Split('/') is ["apis"] or ["apis", _];
        var document = path == "apis" ? Groups(http, served) : path == "api" ? Versions(http, served) : served.Cached(path, served.Plain);
        return document is null ? null
            : !isGroup && !HttpMethods.IsGet(http.Request.Method) ? throw Failures.MethodNotAllowed()
            : path is "api" or "apis" || MediaClause.Accepted(http.Request).Any(c => c is { IsJson: true, IsPlain: true }) ? document
            : throw (isGroup || MediaClause.TakesJson(http.Request) ? Failures.NotAcceptable() : Failures.NoRepresentation());
    }

    private static Document Groups(HttpContext http, Served served) => Root(
        http, () => served.Cached("apis", _ => DiscoveryDocuments.Groups(served.Named))!, () => served.Cached("apis v2", _ => AggregatedDiscovery.Of([.. served.Named]))!)
        ?? throw Failures.NotAcceptable();

    private static Document Versions(HttpContext http, Served served) => Root(
        http, () => DiscoveryDocuments.Versions(http.Request.Host.Value ?? ""), () => served.Cached("api v2", _ => AggregatedDiscovery.Of([served.Core]))!)
        ?? throw (MediaClause.TakesJson(http.Request) ? Failures.NotAcceptable() : Failures.NoRepresentation());

    private Served Current()
    {
        var served = _served;
        if (served.Version != kinds.Version)
        {
            _served = served = new Served(kinds);
        }
        return served;
    }

    /// <summary>The first form that the client takes; null when it takes none.</summary>
    private static Document? Root(HttpContext http, Func<Document> plain, Func<Document> aggregated)
    {
        foreach (var clause in MediaClause.Accepted(http.Request).Where(c => c.IsJson))
        {
            if (clause.IsPlain)
            {
                return plain();
            }
            if (clause.IsServed && clause.Value("as") == "APIGroupDiscoveryList" && clause.Value("g") == "apidiscovery.k8s.io" && clause.Value("v") == "v2")
            {
                return aggregated();
            }
        }
        return null;
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
