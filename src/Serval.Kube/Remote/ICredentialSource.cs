namespace Serval.Kube.Remote;

/// <summary>Where credentials come from. Any thread.</summary>
internal interface ICredentialSource
{
    /// <summary>What to show now.</summary>
    /// <param name="refused">What the server answered 401 to; the source looks for another, and gives the same when there is none.</param>
    /// <param name="ct">Ends the call.</param>
    ValueTask<Credential> GetAsync(Credential? refused, CancellationToken ct);
}
