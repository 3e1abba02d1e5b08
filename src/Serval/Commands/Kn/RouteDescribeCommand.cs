using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Admission;
using Serval.Cli;
using Serval.Kn;
using Serval.Remote;

namespace Serval.Commands.Kn;

/// <summary><c>serval route describe</c>.</summary>
internal sealed class RouteDescribeCommand(CliContext context)
    : KnDescribeVerb(context, Kinds.Route, ["json", "yaml", "name", "url"], "serval route describe hello", "serval route describe hello -o url")
{
    protected override Task<Outline> DescribeAsync(RemoteClient client, string ns, JsonObject obj, bool verbose, CancellationToken ct)
    {
        var now = Context.Time.GetUtcNow();
        var owner = obj.Object("metadata").Objects("ownerReferences").Select(o => o.Item).FirstOrDefault(o => o.String("kind") == Kinds.KService.Kind);
        var outline = Describing.Head(obj, verbose, now).Fact("URL", obj.Object("status").String("url"))
            .Fact("Service", owner is null ? "" : verbose ? $"{owner.String("name")} ({owner.String("apiVersion")})" : owner.String("name"));
        var targets = new Outline();
        foreach (var (_, target) in obj.Object("status").Objects("traffic"))
        {
            var (revision, tag) = (target.String("revisionName"), target.String("tag"));
            var heading = target.Bool("latestRevision") == true ? $"@latest ({revision})" : revision;
            targets.Part($"{target.Number("percent") ?? 0,3}%  {heading}{(tag.Length > 0 ? $" #{tag}" : "")}", new Outline().Fact("URL", target.String("url")), indent: 6);
        }
        return Task.FromResult(outline.Line().Part("Traffic Targets:", targets).Line().Append(Describing.ConditionTable(obj, verbose, now)));
    }
}
