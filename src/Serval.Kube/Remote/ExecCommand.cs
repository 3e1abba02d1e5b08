using System.Text.Json.Nodes;

namespace Serval.Kube.Remote;

/// <summary>A program that gives credentials, as a kubeconfig names it (client.authentication.k8s.io).</summary>
/// <param name="Program">What is run: a path, or a name found by PATH.</param>
/// <param name="ApiVersion">Which version of ExecCredential it speaks.</param>
/// <param name="InstallHint">What to do when it is not installed.</param>
internal sealed record ExecCommand(
    string Program, IReadOnlyList<string> Arguments, IReadOnlyDictionary<string, string> Environment, string ApiVersion, string InstallHint)
{
    /// <summary>Says which credential is asked for: an ExecCredential (client-go: exec.LoadExecCredential).</summary>
    private const string Request = "KUBERNETES_EXEC_INFO";

    public static ExecCommand Read(JsonObject exec, string folder, ClusterAccess access)
    {
        var version = KubeConfig.Text(exec, "apiVersion");
        if (version is not ("client.authentication.k8s.io/v1" or "client.authentication.k8s.io/v1beta1"))
        {
            throw new FormatException($"exec plugin: invalid apiVersion \"{version}\"; it is client.authentication.k8s.io/v1 or v1beta1");
        }
        if (KubeConfig.Text(exec, "interactiveMode") == "Always")
        {
            throw new FormatException("exec plugin cannot support interactive mode: nobody is there to answer it");
        }
        var program = KubeConfig.Text(exec, "command");
        var environment = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var variable in (exec["env"] as JsonArray ?? []).OfType<JsonObject>())
        {
            environment[KubeConfig.Text(variable, "name")] = KubeConfig.Text(variable, "value");
        }
        var withCluster = KubeConfig.Text(exec, "provideClusterInfo") == "true";
        environment[Request] = new JsonObject
        {
            ["kind"] = "ExecCredential",
            ["apiVersion"] = version,
            ["spec"] = withCluster ? new JsonObject { ["cluster"] = Cluster(access), ["interactive"] = false } : new JsonObject { ["interactive"] = false },
        }.ToJsonString();
        return new ExecCommand(
            program.Contains('/', StringComparison.Ordinal) ? Path.Combine(folder, program) : program,
            [.. KubeConfig.Texts(exec["args"])], environment, version, KubeConfig.Text(exec, "installHint"));
    }

    private static JsonObject Cluster(ClusterAccess access)
    {
        var cluster = new JsonObject { ["server"] = access.Server.OriginalString };
        if (access.ServerName.Length > 0)
        {
            cluster["tls-server-name"] = access.ServerName;
        }
        if (access.SkipVerification)
        {
            cluster["insecure-skip-tls-verify"] = true;
        }
        if (access.Authorities is { } authorities)
        {
            cluster["certificate-authority-data"] = Convert.ToBase64String(authorities());
        }
        if (access.Proxy is { } proxy)
        {
            cluster["proxy-url"] = proxy.OriginalString;
        }
        return cluster;
    }
}
