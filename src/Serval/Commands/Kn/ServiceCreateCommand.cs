using System.CommandLine;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Admission;
using Serval.Api.Serving;
using Serval.Cli;
using Serval.Kn;
using Serval.Remote;

namespace Serval.Commands.Kn;

/// <summary><c>serval service create</c>.</summary>
internal sealed class ServiceCreateCommand : ServiceWriteVerb
{
    // Who made it stays, whatever it is replaced by.
    private static readonly string[] s_kept = [KnativeNames.CreatorAnnotation, KnativeNames.LastModifierAnnotation];
    private readonly ServiceSource _source;
    private readonly EditOptions _edit;
    private readonly Option<bool> _force = new("--force") { Description = "Replace a service of this name" };
    private readonly Option<string[]> _tags = TrafficOptions.Tag();

    public ServiceCreateCommand(CliContext context)
        : base(
            context,
            "create",
            "Create a service",
            "serval service create hello --image dev.local/hello:v1",
            "serval service create hello --image dev.local/hello:v1 --env MODE=fast --scale 1..5 --port h2c:8080",
            "serval service create -f service.yaml --label team=blue",
            "serval service create hello --image dev.local/hello:v2 --force -o url")
    {
        _source = new ServiceSource(this);
        _edit = new EditOptions(this);
        Add(_force);
        Add(_tags);
    }

    protected override async Task<int> RunAsync(ParseResult parse, RemoteClient client, CancellationToken ct)
    {
        var edit = await _edit.ReadAsync(parse, Context.In, ct);
        var (plain, ns, name) = await _source.ReadAsync(parse, edit, GivenNamespace(parse), client.Namespace, Context.In, ct);
        var service = edit.Apply(plain, Scene(EditVerb.Create));
        if (TrafficOptions.Words(parse, _tags) is { Count: > 0 } tags)
        {
            service.Ensure("spec")["traffic"] = new TrafficEdit([TrafficEdit.Latest + "=100"], tags, []).Apply(service, newRevision: true);
        }
        if (await client.FindAsync(ResourcePath.Of(Kinds.KService, ns, name), ct) is { } current)
        {
            return await ReplaceAsync(parse, client, ns, name, current, service, ct);
        }
        await CreateAsync(client, Kinds.KService, ns, service, ct);
        return await FinishAsync(parse, client, ns, name, "Creating", "created", before: "", ct);
    }

    private async Task<int> ReplaceAsync(ParseResult parse, RemoteClient client, string ns, string name, JsonObject current, JsonObject service, CancellationToken ct)
    {
        if (!parse.GetValue(_force))
        {
            throw new CliException(
                ExitCodes.Failed, $"cannot create service '{name}' in namespace '{ns}' because the service already exists and no --force option was given; change it with `serval service update {name}`");
        }
        foreach (var key in s_kept)
        {
            if (current.Object("metadata").Object("annotations").String(key) is { Length: > 0 } value)
            {
                service.Ensure("metadata").Ensure("annotations")[key] = value;
            }
        }
        var stored = await ReplaceAsync(client, ns, current, service, ct)
            ?? throw new CliException(ExitCodes.Failed, $"service '{name}' was changed by somebody else in the same moment; try again");
        return stored.Object("metadata").Number("generation") == current.Object("metadata").Number("generation")
            ? await UnchangedAsync(parse, client, ns, name, $"Service '{name}' replaced in namespace '{ns}' (unchanged).", ct)
            : await FinishAsync(parse, client, ns, name, "Replacing", "replaced", before: "", ct);
    }
}
