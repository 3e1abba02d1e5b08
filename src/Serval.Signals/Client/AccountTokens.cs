using System.Collections.Concurrent;
using Serval.Api;
using Serval.Kube;
using Serval.Kube.Tokens;

namespace Serval.Signals;

/// <summary>
/// Tokens of a ServiceAccount, asked of the API server (TokenRequest), one an audience, and new ones when four fifths of their life are over, as a
/// kubelet renews those of pods.
/// </summary>
/// <param name="client">The API server.</param>
/// <param name="account">Whose they are: <c>knative-serving/serval-&lt;role&gt;</c>.</param>
/// <param name="time">The clock.</param>
/// <param name="signer">Signs them where the API server's key is: in its own process nobody answers a TokenRequest.</param>
public sealed class AccountTokens(IKubeClient client, ObjectKey account, TimeProvider time, ServiceAccountTokens? signer = null) : IBearerTokens
{
    private const double WornAt = 0.8;
    private const int MostKept = 1000;
    private static readonly TimeSpan s_life = TimeSpan.FromHours(1);
    private readonly ConcurrentDictionary<string, Held> _tokens = new(StringComparer.Ordinal);

    public async ValueTask<string> GetAsync(string audience, string? refused, CancellationToken ct)
    {
        if (_tokens.TryGetValue(audience, out var held) && held.Text != refused && time.GetUtcNow() < held.Worn)
        {
            return held.Text;
        }
        if (_tokens.Count >= MostKept)
        {
            _tokens.Clear(); // those of servers that are gone
        }
        return (_tokens[audience] = await AskAsync(audience, ct)).Text;
    }

    private async Task<Held> AskAsync(string audience, CancellationToken ct)
    {
        var token = signer is null
            ? await RequestedTokens.AskAsync(client, account, pod: null, audience, s_life, time, ct)
            : signer.Issue(
                new TokenAccount(account.Namespace, account.Name, (await client.GetAsync(Kinds.ServiceAccount, account, ct)).Metadata.Uid), pod: null, audience, s_life);
        return new Held(token.Text, token.Begins + ((token.Ends - token.Begins) * WornAt));
    }

    private sealed record Held(string Text, DateTimeOffset Worn);
}
