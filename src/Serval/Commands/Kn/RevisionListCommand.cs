using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Admission;
using Serval.Api.Serving;
using Serval.Cli;
using Serval.Kn;
using Serval.Remote;

namespace Serval.Commands.Kn;

/// <summary><c>serval revision list</c>.</summary>
internal sealed class RevisionListCommand : KnListVerb
{
    private const int Widest = 50; // knative/client: ListColumnMaxLength
    private readonly Option<string?> _service = new("--service", "-s") { Description = "Only those of this service", HelpName = "NAME" };
    private readonly Dictionary<(string Namespace, string Name), JsonObject> _services = [];

    public RevisionListCommand(CliContext context)
        : base(context, Kinds.Revision, "List revisions", "serval revision list", "serval revision list -s hello", "serval revision list -A -o name")
    {
        Complete(_service, Kinds.KService);
        Add(_service);
    }

    protected override IReadOnlyList<string> Headers => ["Name", "Service", "Traffic", "Tags", "Generation", "Age", "Conditions", "Ready", "Reason"];

    protected override string Selector(ParseResult parse) => parse.GetValue(_service) is { Length: > 0 } service ? $"{KnativeNames.ServiceLabel}={service}" : "";

    protected override async Task PrepareAsync(RemoteClient client, string? ns, CancellationToken ct)
    {
        foreach (var service in await ObjectList.ReadAsync(client, Kinds.KService, ns, ct))
        {
            _services[(service.Object("metadata").String("namespace"), service.Object("metadata").String("name"))] = service;
        }
    }

    protected override IOrderedEnumerable<JsonObject> Sort(IOrderedEnumerable<JsonObject> objects) =>
        objects.ThenBy(RevisionFacts.Service, StringComparer.Ordinal).ThenByDescending(RevisionFacts.Generation).ThenBy(o => o.Object("metadata").String("name"), StringComparer.Ordinal);

    protected override IReadOnlyList<string> Row(JsonObject obj, DateTimeOffset now)
    {
        var (name, service) = (obj.Object("metadata").String("name"), RevisionFacts.Service(obj));
        var (percent, tags) = RevisionFacts.Traffic(_services.GetValueOrDefault((obj.Object("metadata").String("namespace"), service)), name);
        string[] cells =
        [
            name, service, percent > 0 ? $"{percent}%" : "", string.Join(',', tags), RevisionFacts.Generation(obj).ToString(CultureInfo.InvariantCulture), Ages.Of(obj, now), .. ConditionCells(obj),
        ];
        return [.. cells.Select(c => Describing.Cut(c, Widest))];
    }
}
