using Serval.Kube.Certificates;

namespace Serval.ApiServer.Certificates;

/// <summary>Key pairs in a private directory, as <c>name.crt</c> and <c>name.key</c>.</summary>
internal static class KeyPairFiles
{
    /// <summary>The pair in the directory, or null when a file is missing.</summary>
    public static KeyPair? Load(string directory, string name)
    {
        var (certificate, key) = Paths(directory, name);
        return File.Exists(certificate) && File.Exists(key) ? new KeyPair(File.ReadAllText(certificate), File.ReadAllText(key)) : null;
    }

    public static void Save(this KeyPair pair, string directory, string name)
    {
        var (certificate, key) = Paths(directory, name);
        PrivateFile.Write(key, pair.KeyPem);
        PrivateFile.Write(certificate, pair.CertificatePem);
    }

    private static (string Certificate, string Key) Paths(string directory, string name) =>
        (Path.Combine(directory, name + ".crt"), Path.Combine(directory, name + ".key"));
}
