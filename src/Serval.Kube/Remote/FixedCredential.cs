namespace Serval.Kube.Remote;

/// <summary>A credential that stands in the kubeconfig.</summary>
internal sealed class FixedCredential(Credential credential) : ICredentialSource
{
    public ValueTask<Credential> GetAsync(Credential? refused, CancellationToken ct) => new(credential);
}
