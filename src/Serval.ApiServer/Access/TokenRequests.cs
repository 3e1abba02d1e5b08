using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Core;
using Serval.Api.GoText;
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
        if (request.Shape(single: true).Form != ReplyForm.Object)
        {
            throw Failures.NotAcceptable();
        }
        var options = QueryOptions.Write(request);
        var answer = await ReadAsync(request, path, options.FieldValidation);
        var spec = answer["spec"] as JsonObject ?? [];
        answer["spec"] = spec.DeepClone();
        answer["spec"]!["boundObjectRef"] = spec["boundObjectRef"]?.DeepClone();
        var account = await client.GetAsync(path.Kind, path.Key, request.Aborted);
        Complete(answer["metadata"]!.AsObject(), account.Metadata, request.Received);
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

    /// <summary>The request, whose metadata names the account, if any.</summary>
    private static async Task<JsonObject> ReadAsync(ApiRequest request, ResourcePath path, FieldValidation validation)
    {
        var kind = AccessKinds.TokenRequest;
        var body = await BodyReader.ReadAsync(request, path with { Name = "" }, kind.ApiVersion, kind.Kind);
        var decoded = StrictDecoder.Decode(Schemas.For(kind).Type, body.Json);
        if (decoded.Failure(validation == FieldValidation.Strict) is { } failure)
        {
            throw failure;
        }
        if (validation == FieldValidation.Warn)
        {
            decoded.Warnings.ToList().ForEach(request.Warn);
        }
        if (body.Metadata.Name.Length > 0 && body.Metadata.Name != path.Name)
        {
            throw ApiException.Invalid(kind, path.Name,
                [new StatusCause("FieldValueInvalid", $"Invalid value: {GoQuote.Quote(body.Metadata.Name)}: must match the service account name if specified", "metadata.name")]);
        }
        return decoded.Tree;
    }

    private static void Complete(JsonObject metadata, ObjectMeta account, DateTimeOffset now)
    {
        if ((string?)metadata["uid"] is { Length: > 0 } uid && uid != account.Uid)
        {
            throw Conflict(AccessKinds.TokenRequest.Group, AccessKinds.TokenRequest.Kind, account.Name,
                $"the UID in the token request ({uid}) does not match the UID of the service account ({account.Uid})");
        }
        (metadata["name"], metadata["uid"], metadata["creationTimestamp"]) = (account.Name, account.Uid, KubeTime.Text(now));
    }

    // Upstream names the kind here where it names the resource elsewhere.
    private static ApiException Conflict(string group, string kind, string name, string why) => new(
        409, "Conflict", $"Operation cannot be fulfilled on {kind}{(group.Length == 0 ? "" : "." + group)} \"{name}\": {why}",
        details: group.Length == 0 ? new() { ["name"] = name, ["kind"] = kind } : new() { ["name"] = name, ["group"] = group, ["kind"] = kind });

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
        var name = (string?)reference["name"] ?? "";
        var (group, version) = ((string?)reference["apiVersion"] ?? "").Split('/') switch
        {
            [var alone] => ("", alone),
            [var before, var after] => (before, after),
            _ => ("", ""),
        };
        var kind = (group, (string?)reference["kind"]) switch
        {
            ("", "Pod") => Kinds.Pod,
            ("", "Secret") => Kinds.Secret,
            ("", "Node") => Kinds.Node,
            var (_, other) => throw ApiException.BadRequest($"cannot bind token to object of type {group}/{version}, Kind={other}"),
        };
        var found = await client.GetAsync(kind, kind.Namespaced ? new ObjectKey(path.Namespace, name) : ObjectKey.Cluster(name), ct);
        if ((string?)reference["uid"] is { Length: > 0 } uid && uid != found.Metadata.Uid)
        {
            throw Conflict("", kind.Kind, name,
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
