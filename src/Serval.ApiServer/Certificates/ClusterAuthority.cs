namespace Serval.ApiServer.Certificates;

/// <summary>The authority of the API server's certificates.</summary>
public static class ClusterAuthority
{
    /// <summary>
    /// Its certificate as PEM; the first time it is made. Throws <see cref="InvalidOperationException"/> with what to do when it cannot be read.
    /// </summary>
    public static string Open(string dataDirectory, TimeProvider time) => Credentials.Root(Path.Combine(dataDirectory, "certificates"), time);
}
