using System.Text.Json;
using System.Text.Json.Nodes;

namespace Serval.Kube.Tokens;

/// <summary>An object that a token is bound to: it is good no longer than that is there.</summary>
public sealed record TokenObject(string Name, string Uid);

/// <summary>What a token of ours says (kubernetes pkg/serviceaccount/claims.go).</summary>
/// <param name="Id">Its own name (<c>jti</c>).</param>
/// <param name="Account">Whose it is.</param>
/// <param name="Audiences">For whom it is.</param>
/// <param name="Begins">From when it is good.</param>
/// <param name="Ends">Until when.</param>
/// <param name="Pod">The pod it is bound to, or null.</param>
/// <param name="Secret">The Secret it is bound to, or null.</param>
/// <param name="Node">The node it is bound to, or the pod's; without a uid only known by name.</param>
public sealed record TokenClaims(
    string Id, TokenAccount Account, IReadOnlyList<string> Audiences, DateTimeOffset Begins, DateTimeOffset Ends,
    TokenObject? Pod, TokenObject? Secret, TokenObject? Node)
{
    /// <summary>The claims of a token whose signature was found good; null when they are not a service account's.</summary>
    internal static TokenClaims? Read(ReadOnlySpan<byte> json)
    {
        try
        {
            return JsonNode.Parse(json) is JsonObject claims && claims["kubernetes.io"] is JsonObject bound && Object(bound["serviceaccount"]) is { } account
                ? new TokenClaims(
                    Text(claims["jti"]), new TokenAccount(Text(bound["namespace"]), account.Name, account.Uid),
                    [.. (claims["aud"] as JsonArray ?? []).Select(Text)], Time(claims["nbf"]), Time(claims["exp"]),
                    Object(bound["pod"]), Object(bound["secret"]), Object(bound["node"]))
                : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or ArgumentException)
        {
            return null;
        }
    }

    private static TokenObject? Object(JsonNode? node) => node is JsonObject named ? new TokenObject(Text(named["name"]), Text(named["uid"])) : null;

    private static string Text(JsonNode? node) => (string?)node ?? "";

    private static DateTimeOffset Time(JsonNode? node) => DateTimeOffset.FromUnixTimeSeconds((long?)node ?? 0);
}
