using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Serval.Cli;
using Serval.Kube.Yaml;
using YamlDotNet.Core;

namespace Serval.Remote;

/// <summary>The current context of a kubeconfig file.</summary>
internal sealed record KubeConfig
{
    public required string Path { get; init; }

    public required Uri Server { get; init; }

    public string Namespace { get; init; } = "default";

    public string Token { get; init; } = "";

    public string ServerName { get; init; } = "";

    public bool SkipVerification { get; init; }

    /// <summary>Certificates the server's must come from; empty trusts the system's.</summary>
    public X509Certificate2Collection Authorities { get; init; } = [];

    public X509Certificate2? Client { get; init; }

    public static KubeConfig Read(string path)
    {
        try
        {
            using var text = new StringReader(File.ReadAllText(path));
            return YamlReader.ReadAll(text) is [JsonObject config] ? Read(path, config) : throw Broken(path, "it is not a mapping");
        }
        catch (Exception e) when (e is YamlException or FormatException or System.Security.Cryptography.CryptographicException or InvalidOperationException)
        {
            throw Broken(path, e.Message);
        }
    }

    private static KubeConfig Read(string path, JsonObject config)
    {
        var current = Text(config, "current-context");
        var context = Named(config, "contexts", current, "context") ?? throw Broken(path, $"it has no context \"{current}\"");
        var cluster = Named(config, "clusters", Text(context, "cluster"), "cluster") ?? throw Broken(path, $"it has no cluster \"{Text(context, "cluster")}\"");
        var user = Named(config, "users", Text(context, "user"), "user") ?? [];
        var folder = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!;
        var authorities = new X509Certificate2Collection();
        if (Bytes(cluster, "certificate-authority", folder) is { } ca)
        {
            authorities.ImportFromPem(Encoding.UTF8.GetString(ca));
        }
        var certificate = Bytes(user, "client-certificate", folder);
        var key = Bytes(user, "client-key", folder);
        var server = Text(cluster, "server");
        return new KubeConfig
        {
            Path = path,
            Server = Uri.TryCreate(server, UriKind.Absolute, out var uri) ? uri : throw Broken(path, $"its server \"{server}\" is not a URL"),
            Namespace = Text(context, "namespace") is { Length: > 0 } ns ? ns : "default",
            Token = Text(user, "token"),
            ServerName = Text(cluster, "tls-server-name"),
            SkipVerification = Text(cluster, "insecure-skip-tls-verify") == "true",
            Authorities = authorities,
            Client = certificate is null || key is null ? null : X509Certificate2.CreateFromPem(Encoding.UTF8.GetString(certificate), Encoding.UTF8.GetString(key)),
        };
    }

    private static JsonObject? Named(JsonObject config, string list, string name, string member) =>
        (config[list] as JsonArray)?.OfType<JsonObject>().FirstOrDefault(e => Text(e, "name") == name)?[member] as JsonObject;

    private static string Text(JsonObject map, string field) => (map[field] as JsonValue)?.ToString() ?? "";

    // "<field>-data" holds base64, "<field>" a path relative to the kubeconfig.
    private static byte[]? Bytes(JsonObject map, string field, string folder)
    {
        if (Text(map, field + "-data") is { Length: > 0 } data)
        {
            return Convert.FromBase64String(data);
        }
        return Text(map, field) is { Length: > 0 } file ? File.ReadAllBytes(System.IO.Path.Combine(folder, file)) : null;
    }

    private static CliException Broken(string path, string why) =>
        new(ExitCodes.Usage, $"cannot read the kubeconfig {path}: {why}; let `serval up` write it again, or name another with --kubeconfig");
}
