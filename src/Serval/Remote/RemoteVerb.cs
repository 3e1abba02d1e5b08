using System.CommandLine;
using Serval.Cli;

namespace Serval.Remote;

/// <summary>A verb that talks to a running server through a kubeconfig.</summary>
internal abstract class RemoteVerb : Verb
{
    private readonly Option<string?> _kubeconfig = new("--kubeconfig")
    {
        Description = "Talk to the server of this kubeconfig (default: kubeconfig in the data directory)", HelpName = "FILE",
    };

    private readonly Option<string?> _context = new("--context") { Description = "Talk to the server of this context (default: the kubeconfig's current one)", HelpName = "NAME" };

    private readonly Option<string?> _namespace = SharedOptions.Namespace();

    protected RemoteVerb(CliContext context, string name, string description, params string[] examples)
        : base(context, name, description, examples)
    {
        Add(_namespace);
        Add(_kubeconfig);
        Add(_context);
    }

    protected abstract Task<int> RunAsync(ParseResult parse, RemoteClient client, CancellationToken ct);

    protected override async Task<int> RunAsync(ParseResult parse, CancellationToken ct)
    {
        using var client = Connect(parse);
        return await RunAsync(parse, client, ct);
    }

    protected RemoteClient Connect(ParseResult parse) => RemoteClient.Open(KubeConfigPath(parse), parse.GetValue(_context) ?? "", Context);

    /// <summary>The namespace of the command line, or null when it names none.</summary>
    protected string? GivenNamespace(ParseResult parse) => parse.GetValue(_namespace);

    protected string NamespaceOf(ParseResult parse, RemoteClient client) => GivenNamespace(parse) ?? client.Namespace;

    private string KubeConfigPath(ParseResult parse)
    {
        if (parse.GetValue(_kubeconfig) is { Length: > 0 } given)
        {
            return File.Exists(given) ? given : throw new CliException(ExitCodes.Usage, $"the kubeconfig {given} does not exist; name an existing file");
        }
        var path = Path.Combine(SharedOptions.DataDirectoryOf(parse, Context), "kubeconfig");
        return File.Exists(path)
            ? path
            : throw new CliException(ExitCodes.NotReachable, $"no server has run with this data directory ({path} does not exist); start it with `serval up`, or name another with --data-dir or --kubeconfig");
    }
}
