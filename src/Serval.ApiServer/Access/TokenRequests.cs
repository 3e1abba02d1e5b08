using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Core;
using Serval.Api.Schema;
using Serval.Api.Serving;
using Serval.ApiServer.Http;
using Serval.Kube;
using Serval.Kube.Tokens;

namespace Serval.ApiServer.Access;

/// <summary>POST of <c>serviceaccounts/NAME/token</c> (kubernetes pkg/registry/core/serviceaccount/storage/token.go): <c>kubectl create token</c>.</summary>
internal sealed class TokenRequests(ServiceAccountTokens signer, IKubeClient client)
{
    private const long DefaultSeconds = 3600;
    private const long LeastSeconds = 600;
    private const long MostSeconds = 1L << 32;
    private const string NodeClaim = "node";

    public async Task AnswerAsync(ApiRequest request, ResourcePath path)
    {
        if (request.Method != "POST")
        {
            throw Failures.MethodNotAllowed();
        }
        var kind = AccessKinds.TokenRequest;
        var body = await BodyReader.ReadAsync(request, path, kind.ApiVersion, kind.Kind);
        var decoded = StrictDecoder.Decode(Schemas.For(kind).Type, body.Json);
        if (decoded.Failure(strict: false) is { } failure)
        {
            throw failure;
        }
        var answer = decoded.Tree;
        var spec = answer["spec"] as JsonObject ?? [];
        answer["spec"] = spec.DeepClone();
        var options = QueryOptions.Write(request);
        var account = await client.GetAsync(path.Kind, path.Key, request.Aborted);
        var seconds = Seconds(spec);
        var audiences = (spec["audiences"] as JsonArray ?? []).Select(a => (string?)a ?? "").Where(a => a.Length > 0).DefaultIfEmpty(ServiceAccountTokens.Issuer).ToList();
        var bound = spec["boundObjectRef"] is JsonObject reference ? await BindAsync(path, reference, request.Aborted) : [];
        var isOfPodOnNode = bound.ContainsKey(Kinds.Pod.Singular) && bound.ContainsKey(NodeClaim);
        var isOwn = path.Namespace == KnativeNames.SystemNamespace && request.User.Name == $"system:{path.Name}";
        if (request.User.IsRole && !isOfPodOnNode && !isOwn)
        {
            throw Failures.Forbidden(request.Info, "a role's process gets tokens of its own service account, and of others those that are bound to a pod on a node");
        }
        var whose = new TokenAccount(path.Namespace, path.Name, account.Metadata.Uid);
        answer["spec"]!["audiences"] = new JsonArray([.. audiences.Select(a => JsonValue.Create(a))]);
        answer["spec"]!["expirationSeconds"] = seconds;
        var token = signer.Issue(whose, bound, audiences, TimeSpan.FromSeconds(seconds));
        answer["status"] = new JsonObject { ["token"] = options.DryRun ? "" : token.Text, ["expirationTimestamp"] = KubeTime.Text(token.Ends) };
        await Reply.JsonAsync(request, 201, CanonicalJson.Serialize(answer));
    }

    private static long Seconds(JsonObject spec)
    {
        var seconds = (long?)spec["expirationSeconds"] ?? DefaultSeconds;
        var wrong = seconds < LeastSeconds ? "may not specify a duration less than 10 minutes"
            : seconds > MostSeconds ? "may not specify a duration larger than 2^32 seconds"
            : null;
        return wrong is null
            ? seconds
            : throw ApiException.Invalid(AccessKinds.TokenRequest, "", [new StatusCause("FieldValueInvalid", $"Invalid value: {seconds}: {wrong}", "spec.expirationSeconds")]);
    }

    /// <summary>The claims about what the token is bound to.</summary>
    private async Task<JsonObject> BindAsync(ResourcePath path, JsonObject reference, CancellationToken ct)
    {
        var (name, version) = ((string?)reference["name"] ?? "", (string?)reference["apiVersion"] ?? "");
        var kind = ((string?)reference["kind"], version) switch
        {
            ("Pod", "v1") => Kinds.Pod,
            ("Secret", "v1") => Kinds.Secret,
            ("Node", "v1") => Kinds.Node,
            var (other, _) => throw ApiException.BadRequest($"cannot bind token to object of type {version}, Kind={other}"),
        };
        var found = await client.GetAsync(kind, kind.Namespaced ? new ObjectKey(path.Namespace, name) : ObjectKey.Cluster(name), ct);
        if ((string?)reference["uid"] is { Length: > 0 } uid && uid != found.Metadata.Uid)
        {
            throw ApiException.Conflict(kind, name,
                $"the UID in the bound object reference ({uid}) does not match the UID in record. The object might have been deleted and then recreated");
        }
        var bound = new JsonObject { [kind.Singular] = Bound(found.Metadata) };
        if (kind == Kinds.Pod)
        {
            var spec = found.As<Pod>().Spec;
            if (spec.ServiceAccountName != path.Name && !(spec.ServiceAccountName.Length == 0 && path.Name == "default"))
            {
                throw ApiException.BadRequest($"cannot bind token for serviceaccount \"{path.Name}\" to pod running with different serviceaccount name.");
            }
            if (spec.NodeName.Length > 0)
            {
                bound[NodeClaim] = new JsonObject { ["name"] = spec.NodeName };
            }
        }
        return bound;
    }

    private static JsonObject Bound(ObjectMeta meta) => new() { ["name"] = meta.Name, ["uid"] = meta.Uid };
}
