using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Serval.Kube.Yaml;
using YamlDotNet.Core;

namespace Serval.Kube.Remote;

/// <summary>
/// Kubeconfig files, merged as client-go merges them (tools/clientcmd): of entries with one name the first file's counts, relative paths are
/// relative to the file that holds them, data goes before files.
/// </summary>
public sealed class KubeConfig
{
    private readonly List<(string Path, JsonObject Config)> _files = [];
    private readonly StringBuilder _text = new(); // of all files that the user's credentials are in
    private readonly TimeProvider _time;

    private KubeConfig(TimeProvider time) => _time = time;

    /// <summary>The server of one file's context.</summary>
    /// <param name="path">The file.</param>
    /// <param name="context">The context's name; empty takes the current one.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="KubeConfigException">The file cannot be read, or what it says cannot be used.</exception>
    public static ClusterAccess Read(string path, string context, TimeProvider time) => Read([path], context, time);

    /// <summary>The server of a context of several files; those that do not exist count as empty.</summary>
    internal static ClusterAccess Read(IReadOnlyList<string> paths, string context, TimeProvider time)
    {
        var (access, text) = ReadOnce(paths, context, time);
        return access with { Credentials = new RenewedCredentials(access.Credentials, text, Credentials, time) };

        (ICredentialSource Source, string Text) Credentials()
        {
            var (now, said) = ReadOnce(paths, context, time);
            return (now.Credentials, said);
        }
    }

    // The access, and the text it was read from.
    private static (ClusterAccess Access, string Text) ReadOnce(IReadOnlyList<string> paths, string context, TimeProvider time)
    {
        var all = string.Join(Path.PathSeparator, paths);
        var read = new KubeConfig(time);
        foreach (var path in paths.Where(File.Exists))
        {
            read.Load(path);
        }
        try
        {
            return (read.Access(all, context), read._text.ToString());
        }
        catch (Exception e) when (e is FormatException or CryptographicException or InvalidOperationException or IOException or UnauthorizedAccessException)
        {
            throw Broken(all, e.Message, e);
        }
    }

    private void Load(string path)
    {
        try
        {
            var content = File.ReadAllText(path);
            using var text = new StringReader(content);
            _files.Add((path, YamlReader.ReadAll(text) switch
            {
                [] => [],
                [JsonObject config] => config,
                _ => throw Broken(path, "it is not a mapping"),
            }));
            _text.Append(content);
        }
        catch (Exception e) when (e is YamlException or IOException or UnauthorizedAccessException)
        {
            throw Broken(path, e.Message, e);
        }
    }

    private ClusterAccess Access(string source, string wanted)
    {
        var name = wanted.Length > 0 ? wanted : _files.Select(f => Text(f.Config, "current-context")).FirstOrDefault(c => c.Length > 0) ?? "";
        var context = Find("contexts", name, "context")?.Entry ?? throw Broken(source, $"it has no context \"{name}\"");
        var (cluster, folder) = Find("clusters", Text(context, "cluster"), "cluster") ?? throw Broken(source, $"it has no cluster \"{Text(context, "cluster")}\"");
        var server = Text(cluster, "server");
        var access = new ClusterAccess
        {
            Source = source,
            Server = Uri.TryCreate(server, UriKind.Absolute, out var uri) && uri.Scheme is "https" or "http" ? uri : throw Broken(source, $"its server \"{server}\" is not a URL"),
            Namespace = Text(context, "namespace") is { Length: > 0 } ns ? ns : "default",
            ServerName = Text(cluster, "tls-server-name"),
            SkipVerification = IsTrue(cluster, "insecure-skip-tls-verify"),
            Authorities = Bytes(cluster, "certificate-authority", folder),
            Proxy = Text(cluster, "proxy-url") is { Length: > 0 } proxy ? new Uri(proxy) : null,
            DisableCompression = IsTrue(cluster, "disable-compression"),
        };
        _ = access.ReadAuthorities(); // what cannot be read is told now, not at the first handshake
        if (Text(context, "user") is not { Length: > 0 } userName)
        {
            return access;
        }
        var (user, userFolder) = Find("users", userName, "user") ?? throw Broken(source, $"it has no user \"{userName}\"");
        return access with { Credentials = Credentials(source, user, userFolder, access), Impersonation = Impersonation(user) };
    }

    private ICredentialSource Credentials(string source, JsonObject user, string folder, ClusterAccess access)
    {
        var certificate = Certificate(user, folder);
        if (user["exec"] is JsonObject exec)
        {
            return new ExecCredentials(ExecCommand.Read(exec, folder, access), certificate, _time);
        }
        if (user["auth-provider"] is not null)
        {
            throw Broken(source, "its user has an auth-provider, which Kubernetes has removed; name an exec plugin instead");
        }
        if (Text(user, "tokenFile") is { Length: > 0 } file)
        {
            return new TokenFile(Path.Combine(folder, file), certificate, _time);
        }
        var basic = Text(user, "username") is { Length: > 0 } name
            ? new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{name}:{Text(user, "password")}")))
            : null;
        var token = Credential.Bearer(Text(user, "token"), certificate);
        return new FixedCredential(token.Authorization is null && basic is not null ? token with { Authorization = basic } : token);
    }

    private X509Certificate2? Certificate(JsonObject user, string folder)
    {
        if ((Bytes(user, "client-certificate", folder), Bytes(user, "client-key", folder)) is not ({ } certificate, { } key))
        {
            return null;
        }
        var (certificateText, keyText) = (Encoding.UTF8.GetString(certificate()), Encoding.UTF8.GetString(key()));
        _text.Append(certificateText).Append(keyText);
        return X509Certificate2.CreateFromPem(certificateText, keyText);
    }

    private static List<(string Name, string Value)> Impersonation(JsonObject user)
    {
        var headers = new List<(string Name, string Value)>();
        if (Text(user, "as") is { Length: > 0 } name)
        {
            headers.Add(("Impersonate-User", name));
        }
        if (Text(user, "as-uid") is { Length: > 0 } uid)
        {
            headers.Add(("Impersonate-Uid", uid));
        }
        headers.AddRange(Texts(user["as-groups"]).Select(g => ("Impersonate-Group", g)));
        foreach (var (key, values) in user["as-user-extra"] as JsonObject ?? [])
        {
            headers.AddRange(Texts(values).Select(v => ("Impersonate-Extra-" + Uri.EscapeDataString(key), v)));
        }
        return headers;
    }

    private (JsonObject Entry, string Folder)? Find(string list, string name, string member)
    {
        foreach (var (path, config) in _files)
        {
            if ((config[list] as JsonArray)?.OfType<JsonObject>().FirstOrDefault(e => Text(e, "name") == name)?[member] is JsonObject entry)
            {
                return (entry, Path.GetDirectoryName(Path.GetFullPath(path))!);
            }
        }
        return null;
    }

    // "<field>-data" holds base64, "<field>" names a file.
    private static Func<byte[]>? Bytes(JsonObject map, string field, string folder)
    {
        if (Text(map, field + "-data") is { Length: > 0 } data)
        {
            var bytes = Convert.FromBase64String(data);
            return () => bytes;
        }
        if (Text(map, field) is not { Length: > 0 } file)
        {
            return null;
        }
        var path = Path.Combine(folder, file);
        return () => File.ReadAllBytes(path);
    }

    internal static string Text(JsonObject map, string field) => (map[field] as JsonValue)?.ToString() ?? "";

    internal static IEnumerable<string> Texts(JsonNode? list) => (list as JsonArray ?? []).OfType<JsonValue>().Select(v => v.ToString());

    private static bool IsTrue(JsonObject map, string field) => Text(map, field) == "true";

    private static KubeConfigException Broken(string path, string why, Exception? cause = null) => new($"cannot read the kubeconfig {path}: {why}", cause);
}
