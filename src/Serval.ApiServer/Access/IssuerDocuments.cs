using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Serval.Api;
using Serval.ApiServer.Http;
using Serval.Kube.Tokens;

namespace Serval.ApiServer.Access;

/// <summary>How others check tokens of service accounts (OpenID Connect Discovery 1.0; kubernetes pkg/serviceaccount/openidmetadata.go).</summary>
internal sealed class IssuerDocuments(ServiceAccountTokens signer)
{
    private const string Configuration = "/.well-known/openid-configuration";
    private const string Keys = "/openid/v1/jwks";

    public static bool Owns(string path) => path is Configuration or Keys;

    public Task GetAsync(HttpContext http) => http.Request.Path == Configuration
        ? ReplyAsync(http, "application/json", new JsonObject
        {
            ["issuer"] = ServiceAccountTokens.Issuer,
            ["jwks_uri"] = $"https://{http.Request.Host.Value}{Keys}",
            ["response_types_supported"] = new JsonArray("id_token"),
            ["subject_types_supported"] = new JsonArray("public"),
            ["id_token_signing_alg_values_supported"] = new JsonArray("ES256"),
        })
        : ReplyAsync(http, "application/jwk-set+json", new JsonObject { ["keys"] = new JsonArray(signer.PublicKey()) });

    private static Task ReplyAsync(HttpContext http, string type, JsonObject document)
    {
        if (!HttpMethods.IsGet(http.Request.Method) && !HttpMethods.IsHead(http.Request.Method))
        {
            throw Failures.MethodNotAllowed();
        }
        http.Response.Headers.CacheControl = "private, max-age=3600";
        return Reply.JsonAsync(http, 200, CanonicalJson.Serialize(document), type);
    }
}
