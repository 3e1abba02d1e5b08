using System.CommandLine;
using Serval.Api;
using Serval.Api.Admission;
using Serval.Cli;
using Serval.Kn;
using Serval.Remote;

namespace Serval.Commands.Kn;

/// <summary><c>serval service apply</c>: the same command line gives the same service, whatever it was.</summary>
internal sealed class ServiceApplyCommand : ServiceWriteVerb
{
    private readonly ServiceSource _source;
    private readonly EditOptions _edit;

    public ServiceApplyCommand(CliContext context)
        : base(
            context,
            "apply",
            "Create a service, or make it what the command line says",
            "serval service apply hello --image dev.local/hello:v1 --env MODE=fast",
            "serval service apply -f service.yaml --label team=blue")
    {
        _source = new ServiceSource(this);
        _edit = new EditOptions(this, ServiceFlags.RevisionNameFlag);
    }

    protected override async Task<int> RunAsync(ParseResult parse, RemoteClient client, CancellationToken ct)
    {
        var edit = await _edit.ReadAsync(parse, Context.In, ct);
        var (plain, ns, name) = await _source.ReadAsync(parse, edit, GivenNamespace(parse), client.Namespace, Context.In, ct);
        var service = edit.Apply(plain, Scene(EditVerb.Apply));
        var current = await client.FindAsync(ResourcePath.Of(Kinds.KService, ns, name), ct);
        if (current is not null && !current.Object("metadata").Object("annotations").Has(ThreeWayMerge.LastApplied))
        {
            Context.Warn($"service '{name}' was not made by apply; what the command line leaves out stays as it is");
        }
        var (verb, _) = await ObjectApply.RunAsync(client, Kinds.KService, ns, service, current, ObjectApply.WriteQuery(), ct);
        if (verb != "unchanged")
        {
            var (doing, done) = current is null ? ("Creating", "created") : ("Applying", "applied");
            return await FinishAsync(parse, client, ns, name, doing, done, before: "", ct);
        }
        await Context.Error.WriteLineAsync($"No changes to apply to service '{name}'.");
        await TellAsync(parse, client, ns, name, "", current!.Object("status").String("latestReadyRevisionName"), ct);
        return ExitCodes.Ok;
    }
}
