using System.Text;
using System.Text.Json.Nodes;
using Serval.Api.Serving;
using Serval.Kube.Certificates;

namespace Serval.ApiServer.Certificates;

/// <summary>Files that let <c>kubectl</c> in.</summary>
internal static class Kubeconfig
{
    /// <summary>The administrator's.</summary>
    public static void Write(string path, string server, Credentials credentials) =>
        PrivateFile.Write(path, Text(new(server, credentials.Authority.CertificatePem), "serval", credentials.Admin, "default"));

    /// <summary>A role's, beside the administrator's.</summary>
    public static void WriteRole(string role, string directory, string server, Credentials credentials) => PrivateFile.Write(
        Path.Combine(directory, $"kubeconfig-{role}"), Text(new(server, credentials.Authority.CertificatePem), $"serval-{role}", credentials.Role(role), KnativeNames.SystemNamespace));

    /// <summary>A user's.</summary>
    /// <param name="server">Where the server is.</param>
    /// <param name="user">What the file calls the user.</param>
    /// <param name="pair">His certificate and key.</param>
    /// <param name="ns">The namespace he is in at first.</param>
    public static string Text(KubeconfigServer server, string user, KeyPair pair, string ns) => Compose(server, user, ns, $"""
            client-certificate-data: {Encode(pair.CertificatePem)}
            client-key-data: {Encode(pair.KeyPem)}
        """);

    /// <summary>One that lets in by a token.</summary>
    public static string Text(KubeconfigServer server, string user, string token, string ns) => Compose(server, user, ns, $"    token: {token}");

    private static string Compose(KubeconfigServer server, string user, string ns, string credentials) => $"""
        apiVersion: v1
        kind: Config
        clusters:
        - name: serval
          cluster:
            server: {server.Address}{string.Concat(Cluster(server).Select(line => $"\n    {line}"))}
        users:
        - name: {Quoted(user)}
          user:
        {credentials}
        contexts:
        - name: serval
          context:
            cluster: serval
            user: {Quoted(user)}
            namespace: {Quoted(ns)}
        current-context: serval

        """;

    private static IEnumerable<string> Cluster(KubeconfigServer server)
    {
        if (server.Authority is { } authority)
        {
            yield return $"certificate-authority-data: {Encode(authority)}";
        }
        if (server.ServerName.Length > 0)
        {
            yield return $"tls-server-name: {Quoted(server.ServerName)}";
        }
        if (server.Proxy.Length > 0)
        {
            yield return $"proxy-url: {Quoted(server.Proxy)}";
        }
        if (server.SkipVerification)
        {
            yield return "insecure-skip-tls-verify: true";
        }
    }

    private static string Quoted(string text) => JsonValue.Create(text).ToJsonString();

    private static string Encode(string pem) => Convert.ToBase64String(Encoding.UTF8.GetBytes(pem));
}
