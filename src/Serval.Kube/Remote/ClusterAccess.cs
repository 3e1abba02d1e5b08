using System.Security.Cryptography.X509Certificates;

namespace Serval.Kube.Remote;

/// <summary>An API server, how it proves itself, and how to be known to it.</summary>
public sealed record ClusterAccess
{
    /// <summary>What says so: the file of the kubeconfig's context, or the pod's service account.</summary>
    public required string Source { get; init; }

    public required Uri Server { get; init; }

    /// <summary>The namespace of whoever names none.</summary>
    public string Namespace { get; init; } = "default";

    /// <summary>The name the server's certificate must hold; empty: that of <see cref="Server"/>.</summary>
    internal string ServerName { get; init; } = "";

    internal bool SkipVerification { get; init; }

    /// <summary>The PEM of the certificates the server's must come from, read at each handshake; null trusts the system's.</summary>
    internal Func<byte[]>? Authorities { get; init; }

    internal Uri? Proxy { get; init; }

    internal bool DisableCompression { get; init; }

    /// <summary>Headers of whom to act as.</summary>
    internal IReadOnlyList<(string Name, string Value)> Impersonation { get; init; } = [];

    internal ICredentialSource Credentials { get; init; } = new FixedCredential(new Credential(null, null));

    /// <summary>Sends requests to the server: with credentials, again with others after a 401, over HTTP/2 where the server speaks it.</summary>
    public HttpMessageHandler CreateHandler() => new ClusterHandler(this);

    /// <summary>The certificates of <see cref="Authorities"/>; null when there are none.</summary>
    internal X509Certificate2Collection? ReadAuthorities()
    {
        if (Authorities is null)
        {
            return null;
        }
        var certificates = new X509Certificate2Collection();
        certificates.ImportFromPem(System.Text.Encoding.UTF8.GetString(Authorities()));
        return certificates;
    }
}
