using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using Serval.Api;
using Serval.Api.Schema;
using Serval.ApiServer.Http;

namespace Serval.ApiServer.Discovery;

/// <summary>
/// GET of <c>/openapi/v2</c>, in JSON or protobuf, and of the documents below <c>/openapi/v3</c> (kube-openapi: handler, handler3). They are big and
/// seldom asked for, so they are kept only as long as memory allows.
/// </summary>
internal sealed class OpenApiHandler
{
    private const string Json = "application/json";
    private const string Protobuf = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
    private const string AskedProtobuf = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
    private const string Root = "openapi/v3";

    private readonly Lock _lock = new();
    private readonly Dictionary<string, (string Of, WeakReference<Document> Document)> _v2 = []; // by media type; guarded by _lock

    /// <summary>The document in the form the client takes; null when there is none. 406 when it takes no form that is served.</summary>
    public Document? Find(HttpContext http, string path, IReadOnlyList<ResourceKind> kinds)
    {
        var accept = string.Join(',', http.Request.Headers.Accept.AsEnumerable());
        if (path == "openapi/v2")
        {
            return V2(kinds, Negotiate(accept, Json, AskedProtobuf, Protobuf) == Json ? Json : Protobuf);
        }
        if (path == Root)
        {
            var index = OpenApiV3.Index(kinds);
            return new Document(index, Json, Convert.ToHexString(SHA256.HashData(index)));
        }
        if (!path.StartsWith(Root + "/", StringComparison.Ordinal) || OpenApiV3.Document(kinds, path[(Root.Length + 1)..]) is not { } document)
        {
            return null;
        }
        Negotiate(accept, Json);
        return new Document(document, Json, OpenApiV3.Hash(kinds, path[(Root.Length + 1)..]));
    }

    /// <summary>Whether the path is below the index of v3, be it a document's or none's.</summary>
    public static bool IsBelowRoot(string path) => path.StartsWith($"/{Root}/", StringComparison.Ordinal);

    /// <summary>Where a document of v3 is now, when it was asked for by a hash it no longer has; else null.</summary>
    public static string? Moved(HttpRequest request, string path, Document document) =>
        path.StartsWith(Root + "/", StringComparison.Ordinal) && request.Query["hash"].ToString() is { Length: > 0 } hash && hash != document.Hash
            ? $"/{path}?hash={document.Hash}"
            : null;

    private Document V2(IReadOnlyList<ResourceKind> kinds, string type)
    {
        var of = Convert.ToHexString(SHA256.HashData(OpenApiV3.Index(kinds))); // the index tells the hash of every document
        lock (_lock)
        {
            if (_v2.TryGetValue(type, out var kept) && kept.Of == of && kept.Document.TryGetTarget(out var document))
            {
                return document;
            }
            var tree = OpenApiV2.Of(OpenApiV3.Paths(kinds).Select(p => new ReadOnlyMemory<byte>(OpenApiV3.Document(kinds, p)!)));
            var bytes = type == Json ? CanonicalJson.Serialize(tree) : OpenApiProtobuf.Write(tree);
            document = new Document(bytes, type, Convert.ToHexString(SHA512.HashData(bytes.Span)));
            _v2[type] = (of, new WeakReference<Document>(document));
            return document;
        }
    }

    private static string Negotiate(string accept, params string[] served)
    {
        foreach (var text in accept.Length == 0 ? ["*/*"] : accept.Split(','))
        {
            var clause = MediaClause.Parse(text);
            if (clause.Type is "*/*" or "application/*" || served.Contains(clause.Type))
            {
                return served.Contains(clause.Type) ? clause.Type : served[0];
            }
        }
        throw Failures.NotAcceptable(string.Join(", ", served));
    }
}
