using Serval.Api;
using Serval.Kube;

namespace Serval.Signals;

/// <summary>Keeps two processes from taking one name: they would take the Lease from each other.</summary>
public static class PeerName
{
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    /// <summary>Returns when nobody of this name answers: a predecessor that crashed left its Lease, but does not.</summary>
    /// <param name="client">Where the Leases are.</param>
    /// <param name="role">What is about to start.</param>
    /// <param name="id">Its name.</param>
    /// <param name="time">The clock.</param>
    /// <param name="ct">Gives up.</param>
    /// <exception cref="InvalidOperationException">One runs; where, and what to do.</exception>
    public static async Task RequireFreeAsync(IKubeClient client, PeerRole role, string id, TimeProvider time, CancellationToken ct)
    {
        if (await FindAsync(client, role.LeaseOf(id), ct) is { } peer && await AnswersAsync(peer, time, ct))
        {
            throw new InvalidOperationException($"a {role.Text()} of the name {id} already runs at {peer.Address.Authority}: stop that one, or give this one another name");
        }
    }

    /// <summary>Who a Lease tells of now; null when it is gone.</summary>
    internal static async Task<Peer?> FindAsync(IKubeClient client, ObjectKey lease, CancellationToken ct)
    {
        try
        {
            return PeerRoles.Read(await client.GetAsync(Kinds.Lease, lease, ct));
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            return null;
        }
    }

    private static async Task<bool> AnswersAsync(Peer peer, TimeProvider time, CancellationToken ct)
    {
        using var patience = new CancellationTokenSource(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, patience.Token);
        using var http = new HttpMessageInvoker(SignalClient.Connect(peer.Certificate));
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(peer.Address, "/healthz"));
        try
        {
            using var answer = await http.SendAsync(request, either.Token);
            return true;
        }
        catch (Exception e) when (e is HttpRequestException || (e is OperationCanceledException && !ct.IsCancellationRequested))
        {
            return false;
        }
    }
}
