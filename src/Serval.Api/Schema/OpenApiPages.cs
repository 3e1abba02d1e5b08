using System.Text.Json;

namespace Serval.Api.Schema;

/// <summary>The documents that are about no group and version: discovery, the version, and who issues ServiceAccounts' tokens.</summary>
internal static class OpenApiPages
{
    private const string Issuer = ".well-known/openid-configuration";
    private const string Keys = "openid/v1/jwks";
    private const string Version = "version";

    private static readonly string[] s_fixed = [Issuer, "api", "apis", Keys, Version];

    /// <summary>What there is with some kinds, without <c>/openapi/v3/</c>. Groups that upstream serves from definitions have none.</summary>
    public static IEnumerable<string> Paths(IEnumerable<ResourceKind> kinds) =>
        s_fixed.Concat(kinds.Where(k => !k.IsCustom && k.Group.Length > 0).Select(k => "apis/" + k.Group).Distinct());

    /// <summary>Writes <c>paths</c> and the schemas of one of them.</summary>
    public static void Write(Utf8JsonWriter json, string path)
    {
        var operation = path switch
        {
            Issuer => Text("getServiceAccountIssuerOpenIDConfiguration", "get who issues the tokens of service accounts", "WellKnown", "application/json"),
            Keys => Text("getServiceAccountIssuerOpenIDKeyset", "get the public keys of who issues the tokens of service accounts", "openid", "application/jwk-set+json"),
            Version => Get("getCodeVersion", "get the version of the API", Version, "Info"),
            "api" => Get("getCoreAPIVersions", "get available API versions", "core", "APIVersions"),
            "apis" => Get("getAPIVersions", "get available API versions", "apis", "APIGroupList"),
            _ => Get($"get{OpenApiKindPaths.Prefix(path["apis/".Length..], "")}APIGroup", "get information of a group", OpenApiKindPaths.Tag(path["apis/".Length..], ""), "APIGroup"),
        };
        json.WriteStartObject("paths");
        new OpenApiPaths(json).Path($"/{path}/", [operation]);
        json.WriteEndObject();
        OpenApiV3.Components(json, () => OpenApiSchemas.Write(json, Answer(operation)));
    }

    private static IEnumerable<TypeSchema> Answer(OpenApiOperation operation) => operation.Answer is { } name ? [Schemas.Resolve(Table(name[(name.LastIndexOf('.') + 1)..]))] : [];

    private static string Table(string answer) => (answer == "Info" ? "version." : "meta.") + answer;

    /// <summary>A GET of a type of discovery, or of the version.</summary>
    public static OpenApiOperation Get(string id, string doc, string tag, string answer) => new()
    {
        Method = "get", Id = id, Doc = doc, Tag = tag, Answer = Schemas.Resolve(Table(answer)).FullName,
    };

    private static OpenApiOperation Text(string id, string doc, string tag, string media) => new() { Method = "get", Id = id, Doc = doc, Tag = tag, Produces = [media] };
}
