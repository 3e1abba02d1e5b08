namespace Serval.Kube.Remote;

/// <summary>The API server of the cluster this process is a pod of (client-go: rest/config.go, InClusterConfig).</summary>
internal static class InCluster
{
    /// <summary>Where a pod finds its service account's files.</summary>
    public const string Folder = "/var/run/secrets/kubernetes.io/serviceaccount";

    /// <summary>The access of the pod's service account; null outside a pod.</summary>
    /// <param name="environment">Reads a variable of the environment.</param>
    /// <param name="folder">Where the service account's files are.</param>
    /// <param name="time">The clock.</param>
    public static ClusterAccess? Find(Func<string, string?> environment, string folder, TimeProvider time)
    {
        var (host, port) = (environment("KUBERNETES_SERVICE_HOST"), environment("KUBERNETES_SERVICE_PORT"));
        var token = Path.Combine(folder, "token");
        if (host is not { Length: > 0 } || port is not { Length: > 0 } || !File.Exists(token))
        {
            return null;
        }
        var (authority, ns) = (Path.Combine(folder, "ca.crt"), Path.Combine(folder, "namespace"));
        return new ClusterAccess
        {
            Source = $"the service account in {folder}",
            Server = new UriBuilder(Uri.UriSchemeHttps, host.Contains(':', StringComparison.Ordinal) ? $"[{host.Trim('[', ']')}]" : host, int.Parse(port, System.Globalization.CultureInfo.InvariantCulture)).Uri,
            Namespace = File.Exists(ns) ? File.ReadAllText(ns).Trim() : "default",
            Authorities = File.Exists(authority) ? () => File.ReadAllBytes(authority) : null,
            Credentials = new TokenFile(token, certificate: null, time),
        };
    }
}
