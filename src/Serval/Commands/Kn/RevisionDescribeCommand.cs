using System.Globalization;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Admission;
using Serval.Cli;
using Serval.Kn;
using Serval.Remote;

namespace Serval.Commands.Kn;

/// <summary><c>serval revision describe</c>.</summary>
internal sealed class RevisionDescribeCommand(CliContext context)
    : KnDescribeVerb(context, Kinds.Revision, ["json", "yaml", "name"], "serval revision describe hello-00001", "serval revision describe hello-00001 -v")
{
    protected override async Task<Outline> DescribeAsync(RemoteClient client, string ns, JsonObject obj, bool verbose, CancellationToken ct)
    {
        var now = Context.Time.GetUtcNow();
        var outline = Describing.Head(obj, verbose, now);
        RevisionFacts.AddShort(outline, obj);
        RevisionFacts.AddDetails(outline, obj, verbose);
        var owner = RevisionFacts.Service(obj);
        outline.Fact("Service", owner);
        if (verbose && owner.Length > 0 && await client.FindAsync(ResourcePath.Of(Kinds.KService, ns, owner), ct) is { } service)
        {
            outline.Append(Routing(obj, service), indent: 2);
        }
        return outline.Line().Append(Describing.ConditionTable(obj, verbose, now));
    }

    private static Outline Routing(JsonObject revision, JsonObject service)
    {
        var (name, status) = (revision.Object("metadata").String("name"), service.Object("status"));
        var (percent, tags) = RevisionFacts.Traffic(service, name);
        return new Outline()
            .Fact("Configuration Generation", RevisionFacts.Generation(revision).ToString(CultureInfo.InvariantCulture))
            .Fact("Latest Created", name == status.String("latestCreatedRevisionName") ? "true" : "false")
            .Fact("Latest Ready", name == status.String("latestReadyRevisionName") ? "true" : "false")
            .Fact("Traffic", percent > 0 ? $"{percent}%" : "")
            .Fact("Tags", string.Join(", ", tags));
    }
}
