using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Schema;
using Serval.ApiServer.Certificates;
using Serval.ApiServer.Http;
using Serval.Kube;
using Serval.Kube.Tokens;

namespace Serval.ApiServer.Access;

/// <summary>
/// Questions that are posted, answered and not kept: who may do what (<c>kubectl auth can-i</c>), and who the asker is (<c>kubectl auth whoami</c>)
/// (kubernetes pkg/registry/authorization, pkg/registry/authentication, pkg/apis/authorization/validation).
/// </summary>
internal sealed class AccessReviews(RbacAuthorizer access, Authenticator authenticator)
{
    /// <summary>Answers a request whose path is a review's; false when it is none.</summary>
    public async Task<bool> AnswerAsync(ApiRequest request)
    {
        var info = request.Info;
        if (AccessKinds.FindReviews(info.Group, info.Version, info.Resource) is not { } kind || info.Subresource.Length > 0 || info.Name.Length > 0
            || kind.Namespaced != info.Namespace.Length > 0)
        {
            return false;
        }
        if (request.Method != "POST")
        {
            throw Failures.MethodNotAllowed();
        }
        var write = QueryOptions.Write(request);
        var body = await BodyReader.ReadObjectAsync(request, new ResourcePath(kind, info.Namespace, "", ""));
        var decoded = StrictDecoder.Decode(kind, body.Json);
        if (decoded.Failure(write.FieldValidation == FieldValidation.Strict) is { } failure)
        {
            throw failure;
        }
        if (write.FieldValidation == FieldValidation.Warn)
        {
            decoded.Warnings.ToList().ForEach(request.Warn);
        }
        var review = decoded.Tree;
        review["status"] = Answer(request, kind, review["spec"] as JsonObject ?? []);
        await Reply.JsonAsync(request, 201, CanonicalJson.Serialize(review));
        return true;
    }

    private JsonObject Answer(ApiRequest request, ResourceKind kind, JsonObject spec) => kind.Kind switch
    {
        "SelfSubjectReview" => new() { ["userInfo"] = request.User.ToJson() },
        "TokenReview" => Token(spec),
        "SelfSubjectRulesReview" => Rules(request.User, (string?)spec["namespace"] ?? ""),
        "SelfSubjectAccessReview" => Access(kind, request.User, spec),
        "LocalSubjectAccessReview" => Access(kind, Subject(kind, spec), spec, request.Info.Namespace),
        _ => Access(kind, Subject(kind, spec), spec),
    };

    /// <summary>Never 401: that a token is nobody's is the answer.</summary>
    private JsonObject Token(JsonObject spec)
    {
        if (Text(spec, "token") is not { Length: > 0 } token)
        {
            throw ApiException.BadRequest("token is required for TokenReview in authentication");
        }
        var audiences = (spec["audiences"] as JsonArray ?? []).Select(a => (string?)a ?? "").DefaultIfEmpty(ServiceAccountTokens.Issuer).ToList();
        return authenticator.ByToken(token, audiences) is { } known
            ? new()
            {
                ["authenticated"] = true, ["user"] = known.User.ToJson(), ["audiences"] = new JsonArray([.. known.Audiences.Select(a => JsonValue.Create(a))]),
            }
            : new() { ["user"] = new JsonObject(), ["error"] = "invalid bearer token" };
    }

    private JsonObject Access(ResourceKind kind, UserInfo user, JsonObject spec, string? ns = null)
    {
        var decision = access.Decide(user, Wanted(kind, spec, ns));
        var status = new JsonObject { ["allowed"] = decision.Allowed };
        if (decision.Reason.Length > 0)
        {
            status["reason"] = decision.Reason;
        }
        return status;
    }

    private static RequestInfo Wanted(ResourceKind kind, JsonObject spec, string? ns)
    {
        var path = spec["nonResourceAttributes"] as JsonObject;
        if (spec["resourceAttributes"] is not JsonObject resource)
        {
            return path is not null && ns is null ? new RequestInfo(false, Text(path, "path"), Text(path, "verb"))
                : path is not null ? throw Invalid(kind, "spec.nonResourceAttributes", "disallowed on this kind of request")
                : throw Invalid(kind, "spec.resourceAttributes", "exactly one of nonResourceAttributes or resourceAttributes must be specified");
        }
        if (path is not null)
        {
            throw Invalid(kind, "spec.nonResourceAttributes", "cannot be specified in combination with resourceAttributes");
        }
        if (ns is not null && Text(resource, "namespace") != ns)
        {
            throw ApiException.BadRequest($"spec.resourceAttributes.namespace must match namespace: {ns}");
        }
        return new RequestInfo(
            true, "", Text(resource, "verb"), Text(resource, "group"), Text(resource, "version"), Text(resource, "resource"), Text(resource, "subresource"),
            Text(resource, "namespace"), Text(resource, "name"));
    }

    private static UserInfo Subject(ResourceKind kind, JsonObject spec)
    {
        var groups = (spec["groups"] as JsonArray ?? []).Select(g => (string?)g ?? "").ToList();
        var user = Text(spec, "user");
        return user.Length > 0 || groups.Count > 0
            ? new UserInfo(user, groups)
            : throw Invalid(kind, "spec.user", "at least one of user or group must be specified");
    }

    private JsonObject Rules(UserInfo user, string ns)
    {
        if (ns.Length == 0)
        {
            throw ApiException.BadRequest("no namespace on request");
        }
        var rules = user.IsAdmin ? Escalation.Everything : [.. access.Index.RulesOf(user, ns)];
        return new JsonObject
        {
            ["incomplete"] = false,
            ["resourceRules"] = new JsonArray([.. rules.Where(r => r.Resources.Count > 0).Select(r => Rule(
                ("apiGroups", r.ApiGroups), ("resourceNames", r.ResourceNames), ("resources", r.Resources), ("verbs", r.Verbs)))]),
            ["nonResourceRules"] = new JsonArray([.. rules.Where(r => r.NonResourceUrls.Count > 0).Select(r => Rule(
                ("nonResourceURLs", r.NonResourceUrls), ("verbs", r.Verbs)))]),
        };
    }

    private static JsonNode Rule(params ReadOnlySpan<(string Name, IReadOnlyList<string> Values)> fields)
    {
        var rule = new JsonObject();
        foreach (var (name, values) in fields)
        {
            if (values.Count > 0)
            {
                rule[name] = new JsonArray([.. values.Select(v => JsonValue.Create(v))]);
            }
        }
        return rule;
    }

    private static string Text(JsonObject of, string field) => (string?)of[field] ?? "";

    private static ApiException Invalid(ResourceKind kind, string field, string why) =>
        ApiException.Invalid(kind, "", [new StatusCause("FieldValueInvalid", $"Invalid value: {why}", field)]);
}
