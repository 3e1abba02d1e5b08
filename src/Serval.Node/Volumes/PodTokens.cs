using System.Collections.Concurrent;
using Serval.Api;
using Serval.Api.Admission;
using Serval.Api.Core;
using Serval.Kube.Tokens;
using Serval.Node.Containers;

namespace Serval.Node.Volumes;

/// <summary>
/// The service account tokens in a pod's volumes. Each is kept until a fifth of its time is left or a day has passed, then had anew
/// (kubelet: pkg/kubelet/token/token_manager.go, requiresRefresh).
/// </summary>
/// <param name="pod">Whose.</param>
/// <param name="source">Gives them; null where nobody does.</param>
/// <param name="references">Knows the account.</param>
/// <param name="accounts">Has what all pods of an account find; null where each has a token of its own.</param>
/// <param name="time">The clock.</param>
internal sealed class PodTokens(Pod pod, IPodTokens? source, IReferences references, AccountFiles? accounts, TimeProvider time)
{
    private const long DefaultSeconds = 3600;

    private static readonly TimeSpan s_longest = TimeSpan.FromDays(1);

    private readonly List<(string Audience, long Seconds)> _wanted =
        [.. pod.Spec.Volumes.Where(v => accounts is null || !AccountMount.IsIt(v)).SelectMany(v => v.Projected?.Sources ?? []).Select(s => s.ServiceAccountToken).OfType<ServiceAccountTokenProjection>().Select(KeyOf).Distinct()];

    private readonly ConcurrentDictionary<(string Audience, long Seconds), Held> _held = new();
    private DateTimeOffset? _sharedDue;

    /// <summary>When the first of them is to be had anew; null when there are none.</summary>
    public DateTimeOffset? Due => _held.Values.Select(h => h.Token).OfType<SignedToken>().Select(t => (DateTimeOffset?)RenewAt(t)).Append(_sharedDue).Min();

    /// <summary>Whether there are any to be had.</summary>
    public bool Exist => source is not null;

    /// <summary>Has all that are wanted and due. What fails is told by <see cref="Get"/>, unless the one before is still good.</summary>
    public async ValueTask RenewAsync(CancellationToken ct)
    {
        foreach (var key in _wanted)
        {
            var held = _held.GetValueOrDefault(key)?.Token;
            if (held is not null && time.GetUtcNow() < RenewAt(held))
            {
                continue;
            }
            try
            {
                _held[key] = new Held(await IssueAsync(key, ct), null);
            }
            catch (Exception e) when (e is ApiException or ContainerConfigException)
            {
                _held[key] = new Held(held, e as ContainerConfigException ?? new ContainerConfigException($"failed to fetch token: {e.Message}"));
            }
        }
    }

    /// <summary>Where what all pods of the account find lies; null where each has files of its own. Throws <see cref="ContainerConfigException"/>.</summary>
    public string? AccountDirectory()
    {
        if (accounts is null)
        {
            return null;
        }
        (var path, _sharedDue) = accounts.Prepare(pod.Metadata.Namespace, AccountName, references);
        return path;
    }

    /// <summary>The token's text. Throws <see cref="ContainerConfigException"/>.</summary>
    public string Get(ServiceAccountTokenProjection wanted) => _held.GetValueOrDefault(KeyOf(wanted)) switch
    {
        { Why: { } why } held when held.Token is null || held.Token.Ends <= time.GetUtcNow() => throw why,
        { Token: { } token } => token.Text,
        _ => throw new ContainerConfigException("the pod's tokens are not there yet"),
    };

    private string AccountName => pod.Spec.ServiceAccountName is { Length: > 0 } named ? named : "default";

    private static (string Audience, long Seconds) KeyOf(ServiceAccountTokenProjection wanted) => (wanted.Audience, wanted.ExpirationSeconds ?? DefaultSeconds);

    private ValueTask<SignedToken> IssueAsync((string Audience, long Seconds) key, CancellationToken ct)
    {
        var name = AccountName;
        var account = references.ServiceAccount(name) ?? throw ContainerConfigException.NotFound("serviceaccount", name);
        return (source ?? throw new ContainerConfigException("this node has no service account tokens")).IssueAsync(
            new TokenAccount(pod.Metadata.Namespace, name, account.Uid), new BoundPod(pod.Metadata.Name, pod.Metadata.Uid, pod.Spec.NodeName),
            key.Audience, TimeSpan.FromSeconds(key.Seconds), ct);
    }

    internal static DateTimeOffset RenewAt(SignedToken token)
    {
        var most = (token.Ends - token.Begins) * 0.8;
        return token.Begins + (most < s_longest ? most : s_longest);
    }

    private sealed record Held(SignedToken? Token, ContainerConfigException? Why);
}
