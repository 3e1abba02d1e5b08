using System.Text;

namespace Serval.ApiServer.Certificates;

/// <summary>The file that lets <c>kubectl</c> in as administrator.</summary>
internal static class Kubeconfig
{
    public static void Write(string path, string server, Credentials credentials)
    {
        var admin = credentials.Admin;
        PrivateFile.Write(path, $"""
            apiVersion: v1
            kind: Config
            clusters:
            - name: serval
              cluster:
                server: {server}
                certificate-authority-data: {Encode(credentials.Authority.CertificatePem)}
            users:
            - name: serval
              user:
                client-certificate-data: {Encode(admin.CertificatePem)}
                client-key-data: {Encode(admin.KeyPem)}
            contexts:
            - name: serval
              context:
                cluster: serval
                user: serval
                namespace: default
            current-context: serval

            """);
    }

    private static string Encode(string pem) => Convert.ToBase64String(Encoding.UTF8.GetBytes(pem));
}
