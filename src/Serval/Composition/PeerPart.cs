using Serval.Api;
using Serval.Api.Serving;
using Serval.Kube;
using Serval.Kube.Tokens;
using Serval.Signals;

namespace Serval.Composition;

/// <summary>How a role finds the others, and speaks with them.</summary>
/// <param name="Directory">Who lives.</param>
/// <param name="Client">Asks them.</param>
internal sealed record PeerPart(PeerDirectory Directory, SignalClient Client)
{
    /// <param name="started">Owns what is started.</param>
    /// <param name="client">Where the Leases are.</param>
    /// <param name="role">What this process is: it is known to others as the service account <c>knative-serving/serval-ROLE</c>.</param>
    /// <param name="time">The clock.</param>
    /// <param name="ct">Gives up.</param>
    /// <param name="signer">Signs its tokens; null: the API server is asked for them.</param>
    public static async Task<PeerPart> StartAsync(
        StartedParts started, IKubeClient client, string role, TimeProvider time, CancellationToken ct, ServiceAccountTokens? signer = null)
    {
        await client.Cache(Kinds.Lease).WaitForSyncAsync(ct);
        var directory = started.Own(new PeerDirectory(client, time));
        var tokens = new AccountTokens(client, new ObjectKey(KnativeNames.SystemNamespace, $"serval-{role}"), time, signer);
        return new PeerPart(directory, started.Own(new SignalClient(directory, tokens, time)));
    }
}
