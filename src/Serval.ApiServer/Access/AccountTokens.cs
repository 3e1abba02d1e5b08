using System.Collections.Concurrent;
using Serval.Api;
using Serval.ApiServer.Certificates;
using Serval.Kube;
using Serval.Kube.Tokens;

namespace Serval.ApiServer.Access;

/// <summary>
/// Whose a bearer token is: signed here, in its time, for the API server, of an account that is still the same, bound to what is still there
/// (kubernetes pkg/serviceaccount/{jwt,claims}.go). Signatures found good are remembered, what they are of is looked up each time.
/// </summary>
internal sealed class AccountTokens(ServiceAccountTokens signer, IKubeClient client, TimeProvider time)
{
    private const string Extra = "authentication.kubernetes.io/";
    private const int MostKnown = 1000;

    private static readonly TimeSpan s_leeway = TimeSpan.FromSeconds(60); // of a pod that is going (kubernetes: podDeletionLeeway)

    private readonly ConcurrentDictionary<string, TokenClaims> _known = new(StringComparer.Ordinal);

    /// <summary>The user, and those of the audiences the token is for; null when it is not good for any.</summary>
    public (UserInfo User, IReadOnlyList<string> Audiences)? Check(string token, IReadOnlyList<string> audiences)
    {
        if (Read(token) is not { } claims || time.GetUtcNow() is var now && (now < claims.Begins - TimeSpan.FromSeconds(1) || now >= claims.Ends))
        {
            return null;
        }
        var matched = audiences.Where(claims.Audiences.Contains).ToList();
        return matched.Count > 0 && IsCurrent(claims, now) ? (User(claims), matched) : null;
    }

    private TokenClaims? Read(string token)
    {
        if (_known.TryGetValue(token, out var known))
        {
            return known;
        }
        if (signer.Read(token) is not { } claims)
        {
            return null;
        }
        if (_known.Count >= MostKnown)
        {
            _known.Clear();
        }
        return _known.GetOrAdd(token, claims);
    }

    private bool IsCurrent(TokenClaims claims, DateTimeOffset now)
    {
        var ns = claims.Account.Namespace;
        return IsThere(Kinds.ServiceAccount, ns, new TokenObject(claims.Account.Name, claims.Account.Uid), now)
            && (claims.Pod is not { } pod || IsThere(Kinds.Pod, ns, pod, now))
            && (claims.Secret is not { } secret || IsThere(Kinds.Secret, ns, secret, now))
            && (claims.Pod is not null || claims.Node is not { } node || IsThere(Kinds.Node, "", node, now));
    }

    private bool IsThere(ResourceKind kind, string ns, TokenObject wanted, DateTimeOffset now) =>
        client.Cache(kind).Get(new ObjectKey(ns, wanted.Name))?.Metadata is { } found && found.Uid == wanted.Uid
        && (found.DeletionTimestamp is not { } going || now < going + s_leeway);

    private static UserInfo User(TokenClaims claims)
    {
        var extra = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal) { [Extra + "credential-id"] = ["JTI=" + claims.Id] };
        foreach (var (name, bound) in new[] { ("pod", claims.Pod), ("node", claims.Node) })
        {
            if (bound is not null)
            {
                extra[$"{Extra}{name}-name"] = [bound.Name];
                if (bound.Uid.Length > 0)
                {
                    extra[$"{Extra}{name}-uid"] = [bound.Uid];
                }
            }
        }
        var account = claims.Account;
        return new UserInfo(
            UserInfo.NameOf(new ObjectKey(account.Namespace, account.Name)), [.. UserInfo.GroupsOf(account.Namespace), UserInfo.Authenticated])
        {
            Uid = account.Uid, Extra = extra,
        };
    }
}
