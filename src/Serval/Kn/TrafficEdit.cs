using System.Globalization;
using System.Text.Json.Nodes;
using Serval.Api.Admission;
using Serval.Cli;

namespace Serval.Kn;

/// <summary>
/// What <c>--untag</c>, <c>--tag</c> and <c>--traffic</c>, in this order, make of a service's traffic (knative/client: pkg/traffic/compute.go).
/// </summary>
/// <param name="Traffic">REF=PERCENT, where REF is a revision, a tag or @latest; PERCENT alone is @latest.</param>
/// <param name="Tags">REVISION=TAG or @latest=TAG; TAG alone is @latest.</param>
/// <param name="Untags">Tags.</param>
internal sealed record TrafficEdit(IReadOnlyList<string> Traffic, IReadOnlyList<string> Tags, IReadOnlyList<string> Untags)
{
    public const string Latest = "@latest";

    public bool IsEmpty => Traffic.Count + Tags.Count + Untags.Count == 0;

    /// <param name="service">The service; its status says which targets there are now.</param>
    /// <param name="newRevision">Whether the same command makes a revision.</param>
    /// <returns>The new <c>spec.traffic</c>.</returns>
    public JsonArray Apply(JsonObject service, bool newRevision)
    {
        var percents = Complete(Percents(), service, newRevision);
        var targets = new JsonArray([.. service.Object("spec").Objects("traffic").Select(t => t.Item.DeepClone())]);
        Untag(targets, service.Object("metadata").String("name"));
        foreach (var (reference, tag) in Tags.Select(t => Pair("tag", t)))
        {
            Tag(targets, reference, tag);
        }
        if (Traffic.Count > 0)
        {
            Share(targets, percents);
        }
        foreach (var target in Objects(targets).Where(t => t.String("tag").Length == 0 && (t.Number("percent") ?? 0) == 0).ToArray())
        {
            targets.Remove(target);
        }
        return targets;
    }

    private static IEnumerable<JsonObject> Objects(JsonArray targets) => targets.OfType<JsonObject>();

    private static (string Reference, string Value) Pair(string flag, string word) => word.Split('=') switch
    {
        [{ Length: > 0 } value] => (Latest, value),
        [{ Length: > 0 } reference, { Length: > 0 } value] => (reference, value),
        _ => throw new CliException(ExitCodes.Usage, $"--{flag} \"{word}\" is not understood; write {(flag == "tag" ? "REVISION=TAG" : "REVISION=PERCENT")}, where REVISION may be {Latest}"),
    };

    private List<(string Reference, int Percent)> Percents()
    {
        var percents = new List<(string Reference, int Percent)>();
        foreach (var (reference, text) in Traffic.Select(t => Pair("traffic", t)))
        {
            if (!int.TryParse(text.EndsWith('%') ? text[..^1] : text, NumberStyles.None, CultureInfo.InvariantCulture, out var percent) || percent > 100)
            {
                throw new CliException(ExitCodes.Usage, $"--traffic {reference}: \"{text}\" is no share; give a whole number of percent from 0 to 100");
            }
            if (percents.Exists(p => p.Reference == reference))
            {
                throw new CliException(ExitCodes.Usage, $"--traffic names {reference} more than once; name it once");
            }
            percents.Add((reference, percent));
        }
        return percents;
    }

    // What is missing to 100 goes to the one target that is not named, when there is exactly one.
    private List<(string Reference, int Percent)> Complete(List<(string Reference, int Percent)> given, JsonObject service, bool newRevision)
    {
        var sum = given.Sum(p => p.Percent);
        if (sum > 100)
        {
            throw new CliException(ExitCodes.Usage, $"given traffic percents sum to {sum}, want <=100");
        }
        if (sum == 100 || given.Count == 0)
        {
            return given;
        }
        var status = service.Object("status");
        var existing = status.Objects("traffic").Select(t => t.Item).ToArray();
        var namesLatest = Names(Latest);
        if (given.Count != (newRevision ? existing.Length : existing.Length - 1))
        {
            throw Unallocated(sum, "incorrect number of revisions specified. Only 1 revision should be missing");
        }
        var rest = newRevision && !namesLatest ? Latest : existing.Where(t => !IsNamed(t)).Select(Reference).FirstOrDefault();
        return [.. given, (rest ?? throw Unallocated(sum, "cannot determine the missing revision"), 100 - sum)];

        bool Names(string reference) => given.Exists(p => p.Reference == reference);

        bool IsNamed(JsonObject target) =>
            Names(target.String("revisionName")) || Names(target.String("tag")) ||
            namesLatest && !newRevision && (target.Bool("latestRevision") == true || target.String("revisionName") == status.String("latestReadyRevisionName"));

        // Of the target that follows the latest revision, the revision it has now keeps the rest when the latest one is given a share.
        string Reference(JsonObject target) => target.Bool("latestRevision") == true
            ? namesLatest ? target.String("revisionName") : Latest
            : target.String("tag") is { Length: > 0 } tag && !Untags.Contains(tag) ? tag : target.String("revisionName");
    }

    private static CliException Unallocated(int sum, string reason) =>
        new(ExitCodes.Usage, $"unable to allocate the remaining traffic: {100 - sum}%. Reason: {reason}; give --traffic for the others too");

    private void Untag(JsonArray targets, string service)
    {
        var unknown = Untags.Where(u => !Objects(targets).Any(t => t.String("tag") == u)).ToArray();
        if (unknown.Length > 0)
        {
            throw new CliException(ExitCodes.Usage, $"tag(s) {string.Join(", ", unknown)} not present for any revisions of service {service}; see `serval service describe {service}`");
        }
        foreach (var target in Objects(targets).Where(t => Untags.Contains(t.String("tag"))))
        {
            target.Remove("tag");
        }
    }

    private static void Tag(JsonArray targets, string reference, string tag)
    {
        var same = Objects(targets).Where(t => IsOf(t, reference)).ToArray();
        if (same.Any(t => t.String("tag") == tag))
        {
            return;
        }
        if (Objects(targets).Any(t => t.String("tag") == tag))
        {
            throw new CliException(ExitCodes.Usage, $"refusing to overwrite existing tag in service, add flag '--untag {tag}' in command to untag it");
        }
        if (reference == Latest && same.Length > 0 && same[0].String("tag") is { Length: > 0 } present)
        {
            throw new CliException(
                ExitCodes.Usage, $"tag '{present}' exists on latest ready revision of service, refusing to overwrite existing tag with '{tag}', add flag '--untag {present}' in command to untag it");
        }
        if (Array.Find(same, t => t.String("tag").Length == 0) is { } free)
        {
            free["tag"] = tag;
            return;
        }
        var target = New(reference, 0);
        target["tag"] = tag;
        targets.Add(target);
    }

    // A name that is both a tag and a revision is the tag: tags are unique.
    private static void Share(JsonArray targets, List<(string Reference, int Percent)> percents)
    {
        foreach (var target in Objects(targets))
        {
            target["percent"] = 0;
        }
        foreach (var (reference, percent) in percents)
        {
            var target = Objects(targets).FirstOrDefault(t => t.String("tag") == reference) ?? Objects(targets).FirstOrDefault(t => IsOf(t, reference));
            if (target is null)
            {
                targets.Add(New(reference, percent));
            }
            else
            {
                target["percent"] = percent;
            }
        }
    }

    private static bool IsOf(JsonObject target, string reference) =>
        target.Bool("latestRevision") == true ? reference == Latest : target.String("revisionName") == reference;

    private static JsonObject New(string reference, int percent) => reference == Latest
        ? new JsonObject { ["latestRevision"] = true, ["percent"] = percent }
        : new JsonObject { ["latestRevision"] = false, ["revisionName"] = reference, ["percent"] = percent };
}
