using System.Text.Json.Nodes;
using Serval.Api.Admission;
using Serval.Remote;

namespace Serval.Kn;

/// <summary>A service and its revisions for people (knative/client: pkg/commands/service/describe.go).</summary>
internal static class ServiceDescription
{
    /// <param name="service">The service.</param>
    /// <param name="revisions">Its revisions.</param>
    /// <param name="verbose">Also what is not routed to, and every detail.</param>
    /// <param name="now">Ages count up to this.</param>
    public static Outline Of(JsonObject service, IReadOnlyList<JsonObject> revisions, bool verbose, DateTimeOffset now)
    {
        var pod = service.Object("spec").Object("template").Object("spec");
        var outline = Describing.Head(service, verbose, now).Fact("URL", service.Object("status").String("url"));
        if (verbose)
        {
            outline.Fact("Cluster", service.Object("status").Object("address").String("url"));
        }
        outline.Fact("Service Account", pod.String("serviceAccountName")).Fact("Image Pull Secret", pod.Objects("imagePullSecrets").Select(s => s.Item.String("name")).FirstOrDefault());
        var section = new Outline();
        foreach (var (revision, target) in Shown(service, revisions, verbose).OrderByDescending(r => RevisionFacts.Generation(r.Revision)))
        {
            AddRevision(section, service, revision, target, verbose, now);
        }
        return outline.Line().Part("Revisions:", section).Line().Append(Describing.ConditionTable(service, verbose, now));
    }

    // What traffic goes to, the newest two, and on request the others.
    private static IEnumerable<(JsonObject Revision, JsonObject? Target)> Shown(JsonObject service, IReadOnlyList<JsonObject> revisions, bool verbose)
    {
        var status = service.Object("status");
        var targets = status.Objects("traffic").Select(t => t.Item).ToArray();
        foreach (var revision in revisions)
        {
            var name = revision.Object("metadata").String("name");
            var own = targets.Where(t => t.String("revisionName") == name).ToArray();
            foreach (var target in own)
            {
                yield return (revision, target);
            }
            if (own.Length == 0 && (verbose || name == status.String("latestCreatedRevisionName") || name == status.String("latestReadyRevisionName")))
            {
                yield return (revision, null);
            }
        }
    }

    private static void AddRevision(Outline section, JsonObject service, JsonObject revision, JsonObject? target, bool verbose, DateTimeOffset now)
    {
        var ready = Conditions.Ready(revision);
        var percent = target.Number("percent") ?? 0;
        var mark = ready?.Status switch { "True" => percent > 0 ? "%" : "+", "False" => "!", _ => "?" };
        var facts = new Outline();
        if (ready is { Status: "False" })
        {
            facts.Fact("Error", ready.Reason);
        }
        RevisionFacts.AddShort(facts, revision);
        if (verbose)
        {
            RevisionFacts.AddDetails(facts, revision, verbose);
        }
        section.Part($"{(percent > 0 ? percent : ""),3}{mark}  {Heading(service, revision, target)} ({Ages.Of(revision, now)})", facts, indent: 6);
    }

    private static string Heading(JsonObject service, JsonObject revision, JsonObject? target)
    {
        var name = revision.Object("metadata").String("name");
        var status = service.Object("status");
        var heading = target.Bool("latestRevision") == true ? $"@latest ({name})"
            : name == status.String("latestReadyRevisionName") ? $"{name} (current @latest)"
            : name == status.String("latestCreatedRevisionName") ? $"{name} (latest created)"
            : name;
        return $"{heading}{(target.String("tag") is { Length: > 0 } tag ? $" #{tag}" : "")} [{RevisionFacts.Generation(revision)}]";
    }
}
