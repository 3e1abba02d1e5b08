using System.CommandLine;
using Serval.Api;
using Serval.Api.Admission;
using Serval.Api.Serving;
using Serval.Cli;
using Serval.Kn;
using Serval.Remote;

namespace Serval.Commands.Kn;

/// <summary><c>serval revision delete</c>.</summary>
internal sealed class RevisionDeleteCommand : KnDeleteVerb
{
    private readonly Option<string?> _prune = new("--prune") { Description = "Delete the revisions of this service that nothing refers to", HelpName = "SERVICE" };
    private readonly Option<bool> _pruneAll = new("--prune-all") { Description = "Delete all revisions of the namespace that nothing refers to" };

    public RevisionDeleteCommand(CliContext context)
        : base(context, Kinds.Revision, "serval revision delete hello-00001", "serval revision delete --prune hello", "serval revision delete --prune-all -n test")
    {
        Complete(_prune, Kinds.KService);
        Add(_prune);
        Add(_pruneAll);
    }

    protected override string Choices => "--prune SERVICE or --prune-all";

    protected override string Nothing => "No unreferenced revisions found.";

    protected override string Done(string name, string ns) => $"Revision '{name}' deleted in namespace '{ns}'.";

    protected override bool Chooses(ParseResult parse) => parse.GetValue(_prune) is { Length: > 0 } || parse.GetValue(_pruneAll);

    protected override async Task<IReadOnlyList<string>> ChosenAsync(ParseResult parse, RemoteClient client, string ns, CancellationToken ct)
    {
        var service = parse.GetValue(_prune) ?? "";
        var revisions = await ObjectList.ReadAsync(client, Kinds.Revision, ns, ct, ("labelSelector", service.Length > 0 ? $"{KnativeNames.ServiceLabel}={service}" : ""));
        return
        [
            .. revisions.Where(r => r.Object("metadata").Object("labels").String(KnativeNames.RoutingStateLabel) != KnativeNames.RoutingActive)
                .OrderBy(RevisionFacts.Service, StringComparer.Ordinal).ThenBy(RevisionFacts.Generation).Select(r => r.Object("metadata").String("name")),
        ];
    }
}
