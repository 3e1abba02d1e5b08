using System.CommandLine;
using Serval.Api;
using Serval.Cli;
using Serval.Remote;

namespace Serval.Commands.Kn;

/// <summary><c>serval service wait</c>.</summary>
internal sealed class ServiceWaitCommand : KnVerb
{
    private readonly Argument<string> _name;
    private readonly WaitOptions _waits;

    public ServiceWaitCommand(CliContext context)
        : base(context, "wait", "Wait until a service is ready", "serval service wait hello", "serval service wait hello --wait-timeout 30")
    {
        Add(_name = NameOf(Kinds.KService));
        _waits = new WaitOptions(this, byDefault: null);
    }

    protected override async Task<int> RunAsync(ParseResult parse, RemoteClient client, CancellationToken ct)
    {
        var (ns, name) = (NamespaceOf(parse, client), parse.GetRequiredValue(_name));
        await GetAsync(client, Kinds.KService, ns, name, ct);
        await _waits.ReadyAsync(parse, client, Context, Kinds.KService, ns, name, ct);
        await Context.Out.WriteLineAsync($"Service '{name}' in namespace '{ns}' is ready.");
        return ExitCodes.Ok;
    }
}
