namespace Serval.Kube.Tokens;

/// <summary>Whence a node has the tokens that it puts into pods' volumes. Any thread.</summary>
public interface IPodTokens
{
    /// <summary>A token for one pod that is good from now on.</summary>
    /// <param name="account">Whose.</param>
    /// <param name="pod">The pod it is bound to.</param>
    /// <param name="audience">For whom; empty is the API server.</param>
    /// <param name="lifetime">How long it is wanted.</param>
    /// <param name="ct">Ends the call.</param>
    /// <exception cref="Serval.Api.ApiException">There is none.</exception>
    ValueTask<SignedToken> IssueAsync(TokenAccount account, BoundPod pod, string audience, TimeSpan lifetime, CancellationToken ct);
}
