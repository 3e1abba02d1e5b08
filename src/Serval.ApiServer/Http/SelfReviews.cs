using System.Text.Json.Nodes;
using Serval.Api;

namespace Serval.ApiServer.Http;

/// <summary>
/// What the asker may do and who that is (<c>kubectl auth can-i</c>, <c>auth whoami</c>). Whoever gets here is an administrator, so the
/// answer does not depend on the question.
/// </summary>
internal static class SelfReviews
{
    private const string Reason = "members of system:masters may do everything";

    /// <summary>The answer, or null when the path is no review's.</summary>
    public static JsonObject? Answer(ApiRequest request) => request.Path switch
    {
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews" => Review("authorization.k8s.io/v1", "SelfSubjectAccessReview",
            new JsonObject { ["allowed"] = true, ["reason"] = Reason }),
        "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews" => Review("authorization.k8s.io/v1", "SelfSubjectRulesReview", new JsonObject
        {
            ["incomplete"] = false,
            ["resourceRules"] = new JsonArray(new JsonObject { ["verbs"] = All(), ["apiGroups"] = All(), ["resources"] = All() }),
            ["nonResourceRules"] = new JsonArray(new JsonObject { ["verbs"] = All(), ["nonResourceURLs"] = All() }),
        }),
        "/apis/authentication.k8s.io/v1/selfsubjectreviews" => Review("authentication.k8s.io/v1", "SelfSubjectReview", new JsonObject
        {
            ["userInfo"] = new JsonObject { ["username"] = request.User.Name, ["groups"] = Groups(request) },
        }),
        _ => null,
    };

    private static JsonObject Review(string apiVersion, string kind, JsonObject status) => new()
    {
        ["apiVersion"] = apiVersion,
        ["kind"] = kind,
        ["metadata"] = new JsonObject(),
        ["spec"] = new JsonObject(),
        ["status"] = status,
    };

    private static JsonArray All() => new("*");

    private static JsonArray Groups(ApiRequest request) =>
        [.. request.User.Groups.Select(g => JsonValue.Create(g))];

    /// <summary>Answers a POST of a review.</summary>
    public static async Task ReplyAsync(ApiRequest request, Reply reply, JsonObject answer)
    {
        if (request.Method != "POST")
        {
            throw Failures.MethodNotAllowed();
        }
        await BodyReader.ReadAsync(request);
        await reply.JsonAsync(request, 201, CanonicalJson.Serialize(answer));
    }
}
