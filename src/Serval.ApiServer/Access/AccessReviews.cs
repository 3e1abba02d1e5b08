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
        if (request.Shape(single: true).Form != ReplyForm.Object)
        {
            throw Failures.NotAcceptable();
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
        await Reply.JsonAsync(request, 201, CanonicalJson.Serialize(Answered(request, kind, decoded.Tree)));
        return true;
    }

    private JsonObject Answered(ApiRequest request, ResourceKind kind, JsonObject review)
    {
        if (kind.Kind.EndsWith("AccessReview", StringComparison.Ordinal))
        {
            ReviewRules.Check(kind, review, kind.Namespaced ? request.Info.Namespace : null);
        }
        var spec = review["spec"] as JsonObject ?? [];
        review["status"] = Answer(request, kind, spec);
        if (kind.Kind is "SelfSubjectRulesReview" or "SelfSubjectReview")
        {
            review["metadata"] = new JsonObject(); // upstream answers with another object than it was asked with
        }
        if (kind.Kind == "SelfSubjectRulesReview")
        {
            review["spec"] = new JsonObject();
        }
        else if (kind.Kind == "SelfSubjectReview")
        {
            review["metadata"]!["creationTimestamp"] = KubeTime.Text(request.Received);
        }
        review["metadata"] ??= new JsonObject();
        WithoutEmpty(spec["resourceAttributes"]);
        WithoutEmpty(spec["nonResourceAttributes"]);
        return review;
    }

    private static void WithoutEmpty(JsonNode? attributes)
    {
        var given = attributes as JsonObject ?? [];
        given.Where(f => f.Value is JsonValue text && text.TryGetValue<string>(out var value) && value.Length == 0).Select(f => f.Key).ToList().ForEach(f => given.Remove(f));
    }

    private JsonObject Answer(ApiRequest request, ResourceKind kind, JsonObject spec) => kind.Kind switch
    {
        "SelfSubjectReview" => new() { ["userInfo"] = request.User.ToJson() },
        "TokenReview" => Token(spec),
        "SelfSubjectRulesReview" => Rules(request.User, (string?)spec["namespace"] ?? ""),
        "SelfSubjectAccessReview" => Access(request.User, spec),
        _ => Access(Subject(spec), spec),
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

    private JsonObject Access(UserInfo user, JsonObject spec)
    {
        var decision = access.Decide(user, Wanted(spec));
        var status = new JsonObject { ["allowed"] = decision.Allowed };
        if (decision.Reason.Length > 0)
        {
            status["reason"] = decision.Reason;
        }
        if (ReviewRules.EvaluationError(spec["resourceAttributes"] as JsonObject) is { } ignored)
        {
            status["evaluationError"] = ignored;
        }
        return status;
    }

    private static RequestInfo Wanted(JsonObject spec) => spec["resourceAttributes"] is JsonObject resource
        ? new RequestInfo(
            true, "", Text(resource, "verb"), Text(resource, "group"), Text(resource, "version"), Text(resource, "resource"), Text(resource, "subresource"),
            Text(resource, "namespace"), Text(resource, "name"))
        : new RequestInfo(false, Text(spec["nonResourceAttributes"]!.AsObject(), "path"), Text(spec["nonResourceAttributes"]!.AsObject(), "verb"));

    private static UserInfo Subject(JsonObject spec) =>
        new(Text(spec, "user"), [.. (spec["groups"] as JsonArray ?? []).Select(g => (string?)g ?? "")]);

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
}
