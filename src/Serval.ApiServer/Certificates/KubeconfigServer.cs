namespace Serval.ApiServer.Certificates;

/// <summary>A cluster of a kubeconfig (client-go tools/clientcmd/api/v1, Cluster).</summary>
/// <param name="Address">Where the server is.</param>
/// <param name="Authority">Who signed the server's certificate, as PEM; null: one the system trusts.</param>
internal sealed record KubeconfigServer(string Address, string? Authority)
{
    /// <summary>The name that the server's certificate holds; empty: that of the address.</summary>
    public string ServerName { get; init; } = "";

    /// <summary>The proxy it is reached through; empty: none.</summary>
    public string Proxy { get; init; } = "";

    /// <summary>Whether its certificate is taken as it is.</summary>
    public bool SkipVerification { get; init; }
}
