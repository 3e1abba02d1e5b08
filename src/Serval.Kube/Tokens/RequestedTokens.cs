using System.Globalization;
using System.Text.Json.Nodes;
using Serval.Api;

namespace Serval.Kube.Tokens;

/// <summary>Tokens asked of the API server (authentication.k8s.io/v1 TokenRequest), as a kubelet asks for those of its pods.</summary>
/// <param name="client">The API server.</param>
/// <param name="time">The clock.</param>
public sealed class RequestedTokens(IKubeClient client, TimeProvider time) : IPodTokens
{
    public async ValueTask<SignedToken> IssueAsync(TokenAccount account, BoundPod pod, string audience, TimeSpan lifetime, CancellationToken ct) =>
        await AskAsync(client, new ObjectKey(account.Namespace, account.Name), pod, audience, lifetime, time, ct);

    /// <summary>Asks for a token.</summary>
    /// <param name="client">The API server.</param>
    /// <param name="account">Whose.</param>
    /// <param name="pod">The pod it is bound to; null when to none.</param>
    /// <param name="audience">For whom; empty is the API server.</param>
    /// <param name="lifetime">How long it is wanted; the server may give another.</param>
    /// <param name="time">The clock.</param>
    /// <param name="ct">Ends the call.</param>
    /// <exception cref="ApiException">There is none.</exception>
    public static async Task<SignedToken> AskAsync(
        IKubeClient client, ObjectKey account, BoundPod? pod, string audience, TimeSpan lifetime, TimeProvider time, CancellationToken ct)
    {
        var kind = AccessKinds.TokenRequest;
        var spec = new JsonObject { ["expirationSeconds"] = (long)lifetime.TotalSeconds };
        if (audience.Length > 0)
        {
            spec["audiences"] = new JsonArray(audience);
        }
        if (pod is not null)
        {
            spec["boundObjectRef"] = new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Pod", ["name"] = pod.Name, ["uid"] = pod.Uid };
        }
        var asked = KubeObject.From(new JsonObject
        {
            ["apiVersion"] = kind.ApiVersion, ["kind"] = kind.Kind,
            ["metadata"] = new JsonObject { ["name"] = account.Name, ["namespace"] = account.Namespace }, ["spec"] = spec,
        });
        var now = time.GetUtcNow();
        var status = (await client.CreateAsync(Kinds.ServiceAccount, asked, new WriteOptions { Subresource = "token" }, ct)).ToTree()["status"] as JsonObject;
        return (string?)status?["token"] is { Length: > 0 } token
            && DateTimeOffset.TryParse((string?)status["expirationTimestamp"], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var ends)
            ? new SignedToken(token, now, ends)
            : throw new ApiException(502, "InternalError", $"the server answered without a token for {account}");
    }
}
