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
    public string ServerName { get; init; } = "";

    /// <summary>Whether the server's certificate is taken as it is.</summary>
    public bool SkipVerification { get; init; }

    /// <summary>The PEM of the certificates the server's must come from, read at each handshake; null trusts the system's.</summary>
    internal Func<byte[]>? Authorities { get; init; }

    /// <summary>What the server is reached through; null: nothing.</summary>
    public Uri? Proxy { get; init; }

    internal bool DisableCompression { get; init; }

    /// <summary>Headers of whom to act as.</summary>
    internal IReadOnlyList<(string Name, string Value)> Impersonation { get; init; } = [];

    internal ICredentialSource Credentials { get; init; } = new FixedCredential(new Credential(null, null));

    /// <summary>
    /// The server a role talks to: that of the named kubeconfig, else of the files that <c>KUBECONFIG</c> lists, else of the cluster this process is a
    /// pod of, else of <c>~/.kube/config</c>.
    /// </summary>
    /// <param name="path">The kubeconfig; empty: none is named.</param>
    /// <param name="context">The context's name; empty takes the current one.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="KubeConfigException">There is none, or it cannot be used; the message says what to do.</exception>
    public static ClusterAccess Find(string path, string context, TimeProvider time) =>
        Find(path, context, Environment.GetEnvironmentVariable, InCluster.Folder, time);

    internal static ClusterAccess Find(string path, string context, Func<string, string?> environment, string accountFolder, TimeProvider time)
    {
        if (path.Length > 0)
        {
            return File.Exists(path) ? KubeConfig.Read(path, context, time) : throw new KubeConfigException($"the kubeconfig {path} does not exist; name an existing file");
        }
        if (environment("KUBECONFIG") is { Length: > 0 } listed)
        {
            string[] files = listed.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
            return files.Any(File.Exists)
                ? KubeConfig.Read(files, context, time)
                : throw new KubeConfigException($"no file that KUBECONFIG names exists ({listed}); correct it, or name a kubeconfig with --kubeconfig");
        }
        if (context.Length == 0 && InCluster.Find(environment, accountFolder, time) is { } cluster)
        {
            return cluster;
        }
        var own = Path.Combine(environment("HOME") ?? "", ".kube", "config");
        return File.Exists(own)
            ? KubeConfig.Read(own, context, time)
            : throw new KubeConfigException($"there is no API server to talk to: name a kubeconfig with --kubeconfig or KUBECONFIG, or write {own}; this process is no pod with a service account either");
    }

    /// <summary>The PEM of the certificates the server's must come from; null: the system's.</summary>
    public string? ReadAuthorityPem() => Authorities is null ? null : System.Text.Encoding.UTF8.GetString(Authorities());

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
        certificates.ImportFromPem(ReadAuthorityPem());
        return certificates;
    }
}
