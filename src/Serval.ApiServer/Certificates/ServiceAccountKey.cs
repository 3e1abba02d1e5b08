using Serval.Kube.Tokens;

namespace Serval.ApiServer.Certificates;

/// <summary>The key that signs service accounts' tokens, among the API server's certificates.</summary>
public static class ServiceAccountKey
{
    /// <summary>Opens the key of a data directory; the first time it is made.</summary>
    public static ServiceAccountTokens Open(string dataDirectory, TimeProvider time)
    {
        var directory = Path.Combine(dataDirectory, "certificates");
        PrivateFile.CreateDirectory(directory);
        var path = Path.Combine(directory, "service-accounts.key");
        if (!File.Exists(path))
        {
            PrivateFile.Write(path, ServiceAccountTokens.NewKey());
        }
        return new ServiceAccountTokens(File.ReadAllText(path), time);
    }
}
