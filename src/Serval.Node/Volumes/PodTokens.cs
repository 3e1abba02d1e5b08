using Serval.Api.Core;
using Serval.Kube.Tokens;
using Serval.Node.Containers;

namespace Serval.Node.Volumes;

/// <summary>
/// The service account tokens in a pod's volumes. Each is kept until a fifth of its time is left or a day has passed, then made anew
/// (kubelet: pkg/kubelet/token/token_manager.go, requiresRefresh).
/// </summary>
/// <param name="pod">Whose.</param>
/// <param name="signer">Makes them; null where nobody does.</param>
/// <param name="references">Knows the account.</param>
/// <param name="time">The clock.</param>
internal sealed class PodTokens(Pod pod, ServiceAccountTokens? signer, IReferences references, TimeProvider time)
{
    private const long DefaultSeconds = 3600;

    private static readonly TimeSpan s_longest = TimeSpan.FromDays(1);

    private readonly Dictionary<(string Audience, long Seconds), SignedToken> _held = [];

    /// <summary>When the first of them is to be made anew; null when there are none.</summary>
    public DateTimeOffset? Due => _held.Count == 0 ? null : _held.Values.Min(RenewAt);

    /// <summary>The token's text. Throws <see cref="ContainerConfigException"/>.</summary>
    public string Get(ServiceAccountTokenProjection wanted)
    {
        var key = (wanted.Audience, Seconds: wanted.ExpirationSeconds ?? DefaultSeconds);
        if (!_held.TryGetValue(key, out var token) || RenewAt(token) <= time.GetUtcNow())
        {
            var name = pod.Spec.ServiceAccountName is { Length: > 0 } named ? named : "default";
            var account = references.ServiceAccount(name) ?? throw ContainerConfigException.NotFound("serviceaccount", name);
            token = _held[key] = (signer ?? throw new ContainerConfigException("this node signs no service account tokens")).Issue(
                new TokenAccount(pod.Metadata.Namespace, name, account.Uid), new BoundPod(pod.Metadata.Name, pod.Metadata.Uid, pod.Spec.NodeName),
                key.Audience, TimeSpan.FromSeconds(key.Seconds));
        }
        return token.Text;
    }

    private static DateTimeOffset RenewAt(SignedToken token)
    {
        var most = (token.Ends - token.Begins) * 0.8;
        return token.Begins + (most < s_longest ? most : s_longest);
    }
}
