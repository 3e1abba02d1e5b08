using System.CommandLine;
using Serval.Api;
using Serval.Api.Serving;
using Serval.Cli;
using Serval.Kn;
using Serval.Remote;

namespace Serval.Commands.Kn;

/// <summary><c>serval service export</c>.</summary>
internal sealed class ServiceExportCommand : KnVerb
{
    private readonly Argument<string> _name;
    private readonly Option<bool> _revisions = new("--with-revisions") { Description = "Also the older revisions that traffic goes to" };
    private readonly Option<string> _mode = new("--mode") { Description = "export (for `service import`) or replay (a list of services for kubectl)", HelpName = "MODE", DefaultValueFactory = _ => "export" };
    private readonly Option<string?> _output = SharedOptions.Output("json", "yaml");

    public ServiceExportCommand(CliContext context)
        : base(
            context,
            "export",
            "Write a service as a file that makes it again",
            "serval service export hello -o yaml",
            "serval service export hello --with-revisions -o json > hello.json",
            "serval service export hello --with-revisions --mode replay -o yaml")
    {
        _output.Required = true;
        _mode.AcceptOnlyFromAmong("export", "replay");
        Add(_name = NameOf(Kinds.KService));
        Add(_revisions);
        Add(_mode);
        Add(_output);
    }

    protected override async Task<int> RunAsync(ParseResult parse, RemoteClient client, CancellationToken ct)
    {
        var (ns, name) = (NamespaceOf(parse, client), parse.GetRequiredValue(_name));
        var service = await GetAsync(client, Kinds.KService, ns, name, ct);
        var revisions = parse.GetValue(_revisions)
            ? await ObjectList.ReadAsync(client, Kinds.Revision, ns, ct, ("labelSelector", $"{KnativeNames.ServiceLabel}={name}"))
            : null;
        var exported = parse.GetValue(_mode) == "replay" ? ServiceExport.ForReplay(service, revisions) : ServiceExport.ForImport(service, revisions);
        Printer.TryWrite(Context.Out, parse.GetValue(_output), () => exported);
        return ExitCodes.Ok;
    }
}
