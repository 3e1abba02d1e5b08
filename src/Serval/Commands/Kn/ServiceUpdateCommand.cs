using System.CommandLine;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Admission;
using Serval.Cli;
using Serval.Kn;
using Serval.Remote;

namespace Serval.Commands.Kn;

/// <summary><c>serval service update</c>.</summary>
internal sealed class ServiceUpdateCommand : ServiceWriteVerb
{
    private const int MostAttempts = 5; // knative/client: config.DefaultRetry
    private readonly Argument<string> _name;
    private readonly EditOptions _edit;
    private readonly Option<string[]> _traffic = TrafficOptions.Traffic();
    private readonly Option<string[]> _tags = TrafficOptions.Tag();
    private readonly Option<string[]> _untags = TrafficOptions.Untag();

    public ServiceUpdateCommand(CliContext context)
        : base(
            context,
            "update",
            "Change a service",
            "serval service update hello --env MODE=slow --env OLD-",
            "serval service update hello --image dev.local/hello:v2 --tag @latest=next --traffic hello-00001=100",
            "serval service update hello --traffic hello-00001=90 --traffic @latest=10",
            "serval service update hello --untag next --scale 1.. --no-wait")
    {
        Add(_name = NameOf(Kinds.KService));
        _edit = new EditOptions(this);
        Add(_traffic);
        Add(_tags);
        Add(_untags);
    }

    protected override async Task<int> RunAsync(ParseResult parse, RemoteClient client, CancellationToken ct)
    {
        var (ns, name) = (NamespaceOf(parse, client), parse.GetRequiredValue(_name));
        var edit = await _edit.ReadAsync(parse, Context.In, ct);
        var traffic = new TrafficEdit(TrafficOptions.Words(parse, _traffic), TrafficOptions.Words(parse, _tags), TrafficOptions.Words(parse, _untags));
        if (edit.Flags.Count == 0 && traffic.IsEmpty)
        {
            throw new CliException(ExitCodes.Usage, $"nothing is to be changed; say what, for example `serval service update {name} --env NAME=VALUE`");
        }
        for (var attempt = 0; attempt < MostAttempts; attempt++)
        {
            var current = await GetAsync(client, Kinds.KService, ns, name, ct);
            var service = await EditAsync(client, ns, current, edit, traffic, ct);
            if (await ReplaceAsync(client, ns, current, service, ct) is { } stored)
            {
                return stored.Object("metadata").Number("generation") == current.Object("metadata").Number("generation")
                    ? await UnchangedAsync(parse, client, ns, name, $"Service '{name}' updated in namespace '{ns}'.\nNo new revision has been created.", ct)
                    : await FinishAsync(parse, client, ns, name, "Updating", "updated", current.Object("status").String("latestReadyRevisionName"), ct);
            }
        }
        throw new CliException(ExitCodes.Failed, $"service '{name}' in namespace '{ns}' was changed by somebody else {MostAttempts} times in a row; try again");
    }

    private async Task<JsonObject> EditAsync(RemoteClient client, string ns, JsonObject current, ServiceEdit edit, TrafficEdit traffic, CancellationToken ct)
    {
        var revision = edit.NeedsBaseRevision(current) ? await BaseRevisionAsync(client, ns, current, ct) : null;
        var service = edit.Apply(current, Scene(EditVerb.Update, revision));
        if (!traffic.IsEmpty)
        {
            service.Ensure("spec")["traffic"] = traffic.Apply(current, edit.MakesRevision);
        }
        return service;
    }

    // The revision the template names; else the newest one, unless it is of another image (knative/client: getBaseRevision).
    private async Task<JsonObject?> BaseRevisionAsync(RemoteClient client, string ns, JsonObject service, CancellationToken ct)
    {
        var template = service.Object("spec").Object("template");
        var named = template.Object("metadata").String("name");
        var name = named.Length > 0 ? named : service.Object("status").String("latestCreatedRevisionName");
        var revision = name.Length == 0 ? null : await client.FindAsync(ResourcePath.Of(Kinds.Revision, ns, name), ct);
        var image = EditTarget.Serving(template.Object("spec")).String("image");
        if (revision is null || named.Length == 0 && EditTarget.Serving(revision.Object("spec")).String("image") != image)
        {
            Context.Warn($"no revision has run the image {image} yet, so it is not locked to a digest");
            return null;
        }
        return revision;
    }
}
