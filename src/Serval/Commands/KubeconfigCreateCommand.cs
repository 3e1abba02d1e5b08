using System.CommandLine;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Config;
using Serval.ApiServer.Certificates;
using Serval.Cli;
using Serval.Kube.Certificates;
using Serval.Remote;

namespace Serval.Commands;

/// <summary>
/// <c>serval kubeconfig create</c>: a client certificate signed with the data directory's authority, and the binding that makes it good for something,
/// written through the running server; or, of any Kubernetes, a token of a service account that is there. Run again it renews the certificate or the token.
/// </summary>
internal sealed class KubeconfigCreateCommand : RemoteVerb
{
    private readonly Option<string> _name = new("--name") { Description = "The user", HelpName = "NAME" };
    private readonly Option<string> _role = new("--role") { Description = "ClusterRole to be bound: view, edit, admin, cluster-admin or another", HelpName = "ROLE" };
    private readonly Option<string> _account = new("--service-account") { Description = "Instead of a user: a service account that is there; the server may give its token less time", HelpName = "NAME" };
    private readonly Option<string[]> _groups = new("--group") { Description = "Group the user is in; may be repeated", HelpName = "GROUP" };
    private readonly Option<string> _ttl = new("--ttl") { Description = "How long the certificate or the token is valid", HelpName = "DURATION", DefaultValueFactory = _ => "8760h" };
    private readonly Option<string?> _output = new("--output", "-o") { Description = "File to be written (default: standard output)", HelpName = "FILE" };

    public KubeconfigCreateCommand(CliContext context)
        : base(
            context,
            "create",
            "Make a kubeconfig for a user, and bind a role to him: in a namespace with -n, else everywhere",
            "serval kubeconfig create --name jane --role edit -n team -o jane.kubeconfig",
            "serval kubeconfig create --name auditor --role view --ttl 24h > auditor.kubeconfig",
            "serval kubeconfig create --service-account serval-node -n knative-serving -o node.kubeconfig")
    {
        Add(_name);
        Add(_role);
        Add(_account);
        Add(_groups);
        Add(_ttl);
        Add(_output);
    }

    protected override async Task<int> RunAsync(ParseResult parse, RemoteClient client, CancellationToken ct)
    {
        if (!GoDuration.TryParse(parse.GetValue(_ttl), out var lifetime) || lifetime <= TimeSpan.Zero)
        {
            throw new CliException(ExitCodes.Usage, $"--ttl {parse.GetValue(_ttl)} is no duration; give one such as 24h");
        }
        var (text, said) = (parse.GetValue(_name), parse.GetValue(_role), parse.GetValue(_account)) switch
        {
            ({ } name, { } role, null) => await OfUserAsync(parse, client, name, role, lifetime, ct),
            (null, null, { } account) when parse.GetValue(_groups) is null or [] => await OfAccountAsync(NamespaceOf(parse, client), account, client, lifetime, ct),
            _ => throw new CliException(ExitCodes.Usage, "give --name and --role (and --group), or --service-account"),
        };
        if (parse.GetValue(_output) is { } file)
        {
            PrivateFile.Write(file, text);
            await Context.Error.WriteLineAsync($"{file} lets {said}");
        }
        else
        {
            await Context.Out.WriteAsync(text);
        }
        return ExitCodes.Ok;
    }

    private async Task<(string Text, string Said)> OfUserAsync(ParseResult parse, RemoteClient client, string name, string role, TimeSpan lifetime, CancellationToken ct)
    {
        var groups = parse.GetValue(_groups) ?? [];
        foreach (var reserved in groups.Append(name).Where(n => n.Length == 0 || n.StartsWith("system:", StringComparison.Ordinal)))
        {
            throw new CliException(ExitCodes.Usage, $"\"{reserved}\" is no name for a user or a group of yours: it may not be empty and not begin with system:");
        }
        var pair = Sign(SharedOptions.DataDirectoryOf(parse, Context), name, groups, lifetime, out var authority);
        var ns = GivenNamespace(parse);
        await BindAsync(client, name, role, ns, ct);
        return (Kubeconfig.Text(Door(client, authority), name, pair, ns ?? "default"), $"{name} in as {role} {(ns is null ? "everywhere" : $"in namespace {ns}")}");
    }

    private static async Task<(string Text, string Said)> OfAccountAsync(string ns, string account, RemoteClient client, TimeSpan lifetime, CancellationToken ct)
    {
        var answer = await client.SendAsync(HttpMethod.Post, ResourcePath.Of(Kinds.ServiceAccount, ns, account) + "/token", new JsonObject
        {
            ["apiVersion"] = "authentication.k8s.io/v1", ["kind"] = "TokenRequest", ["spec"] = new JsonObject { ["expirationSeconds"] = (long)lifetime.TotalSeconds },
        }, "application/json", ct);
        var status = answer["status"]!;
        return (
            Kubeconfig.Text(Door(client, client.Access.ReadAuthorityPem()), account, (string)status["token"]!, ns),
            $"service account {ns}/{account} in until {(string?)status["expirationTimestamp"]}");
    }

    // As this command reached it.
    private static KubeconfigServer Door(RemoteClient client, string? authority) => new(client.Access.Server.GetLeftPart(UriPartial.Path).TrimEnd('/'), authority)
    {
        ServerName = client.Access.ServerName, Proxy = client.Access.Proxy?.OriginalString ?? "", SkipVerification = authority is null && client.Access.SkipVerification,
    };

    private KeyPair Sign(string dataDirectory, string name, IReadOnlyList<string> groups, TimeSpan lifetime, out string authority)
    {
        var stored = KeyPairFiles.Load(Path.Combine(dataDirectory, "certificates"), "ca") ?? throw new CliException(
            ExitCodes.Usage, $"{dataDirectory} holds no authority to sign with: run this where the server's data directory is (--data-dir)");
        using var signer = new CertificateAuthority(stored, Context.Time);
        authority = stored.CertificatePem;
        return signer.IssueClient(name, groups, lifetime);
    }

    private static async Task BindAsync(RemoteClient client, string name, string role, string? ns, CancellationToken ct)
    {
        var roles = await client.GetAsync(ResourcePath.Of(AccessKinds.ClusterRole), ct);
        var known = (roles["items"] as JsonArray ?? []).Select(r => (string?)r?["metadata"]?["name"] ?? "").ToList();
        if (!known.Contains(role))
        {
            var names = known.Where(n => !n.StartsWith("system:", StringComparison.Ordinal)).Order(StringComparer.Ordinal);
            throw new CliException(ExitCodes.NotFound, $"there is no ClusterRole \"{role}\"; there are {string.Join(", ", names)}");
        }
        var kind = ns is null ? AccessKinds.ClusterRoleBinding : AccessKinds.RoleBinding;
        var binding = $"serval:{name}:{role}";
        if (await client.FindAsync(ResourcePath.Of(kind, ns, binding), ct) is not null)
        {
            return;
        }
        await client.SendAsync(HttpMethod.Post, ResourcePath.Of(kind, ns), new JsonObject
        {
            ["apiVersion"] = kind.ApiVersion, ["kind"] = kind.Kind, ["metadata"] = new JsonObject { ["name"] = binding },
            ["roleRef"] = new JsonObject { ["apiGroup"] = AccessKinds.RbacGroup, ["kind"] = "ClusterRole", ["name"] = role },
            ["subjects"] = new JsonArray(new JsonObject { ["apiGroup"] = AccessKinds.RbacGroup, ["kind"] = "User", ["name"] = name }),
        }, "application/json", ct);
    }
}
