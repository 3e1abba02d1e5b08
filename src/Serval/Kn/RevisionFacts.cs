using System.Globalization;
using System.Text.Json.Nodes;
using Serval.Api.Admission;
using Serval.Api.Serving;

namespace Serval.Kn;

/// <summary>What there is to say about a revision (knative/client: pkg/commands/revision/describe.go).</summary>
internal static class RevisionFacts
{
    public static long Generation(JsonObject revision) =>
        long.TryParse(revision.Object("metadata").Object("labels").String(KnativeNames.ConfigurationGenerationLabel), CultureInfo.InvariantCulture, out var generation) ? generation : 0;

    public static string Service(JsonObject revision) => revision.Object("metadata").Object("labels").String(KnativeNames.ServiceLabel);

    /// <summary>Share of the traffic and tags that a service, or a route, gives a revision.</summary>
    public static (long Percent, IReadOnlyList<string> Tags) Traffic(JsonObject? service, string revision)
    {
        var targets = service.Object("status").Objects("traffic").Select(t => t.Item).Where(t => t.String("revisionName") == revision).ToArray();
        return (targets.Sum(t => t.Number("percent") ?? 0), [.. targets.Select(t => t.String("tag")).Where(t => t.Length > 0)]);
    }

    public static void AddShort(Outline outline, JsonObject revision)
    {
        var status = revision.Object("status");
        outline.Fact("Image", Image(revision));
        if (status.Number("actualReplicas") is { } actual && status.Number("desiredReplicas") is { } desired)
        {
            outline.Fact("Replicas", $"{actual}/{desired}");
        }
    }

    public static void AddDetails(Outline outline, JsonObject revision, bool verbose)
    {
        var spec = revision.Object("spec");
        var container = EditTarget.Serving(spec);
        outline.Fact("Port", container.Objects("ports").Select(p => p.Item.Number("containerPort")?.ToString(CultureInfo.InvariantCulture)).FirstOrDefault());
        Describing.List(outline, "Env", [.. container.Objects("env").Select(e => $"{e.Item.String("name")}={(e.Item.Has("valueFrom") ? "[ref]" : e.Item.String("value"))}")], verbose);
        Describing.List(outline, "EnvFrom", [.. container.Objects("envFrom").Select(e => Source(e.Item))], verbose);
        outline.Fact("Scale", Scale(revision));
        foreach (var (label, resource) in new[] { ("Memory", "memory"), ("CPU", "cpu") })
        {
            string[] bounds = [.. new[] { "requests", "limits" }.Select(f => container.Object("resources").Object(f).String(resource)).Where(v => v.Length > 0)];
            outline.Fact(label, string.Join(" ... ", bounds));
        }
        AddConcurrency(outline, revision);
    }

    // The tag people know it by, where the stored one is its digest.
    private static string Image(JsonObject revision)
    {
        var container = EditTarget.Serving(revision.Object("spec"));
        var image = container.String("image");
        var digest = revision.Object("status").Objects("containerStatuses").Select(s => s.Item).FirstOrDefault(s => s.String("name") == container.String("name")).String("imageDigest");
        var hash = digest.LastIndexOf(':') is var colon and >= 0 && digest.Length > colon + 6 ? digest.Substring(colon + 1, 6) : "";
        if (hash.Length == 0)
        {
            return image;
        }
        var named = revision.Object("metadata").Object("annotations").String(ServiceEdit.UserImage);
        return named.Length > 0 && named.StartsWith(image.Split('@')[0].Split(':')[0], StringComparison.Ordinal) ? $"{named} (pinned to {hash})" : $"{image} (at {hash})";
    }

    private static string Source(JsonObject source) =>
        source.Object("configMapRef") is { } map ? $"cm:{map.String("name")}" : $"secret:{source.Object("secretRef").String("name")}";

    private static string Scale(JsonObject revision)
    {
        var annotations = revision.Object("metadata").Object("annotations");
        var (min, max) = (annotations.String(AutoscalingAnnotations.MinScaleKey), annotations.String(AutoscalingAnnotations.MaxScaleKey));
        return min.Length + max.Length == 0 ? "" : $"{(min.Length > 0 ? min : "0")} ... {(max is "" or "0" ? "∞" : max)}";
    }

    private static void AddConcurrency(Outline outline, JsonObject revision)
    {
        var annotations = revision.Object("metadata").Object("annotations");
        var limit = revision.Object("spec").Number("containerConcurrency") ?? 0;
        (string Label, string Value)[] facts =
        [
            ("Limit", limit > 0 ? limit.ToString(CultureInfo.InvariantCulture) : ""),
            ("Target", annotations.String(AutoscalingAnnotations.TargetKey)),
            ("Window", annotations.String(AutoscalingAnnotations.WindowKey)),
            ("TargetUtilization", annotations.String(AutoscalingAnnotations.TargetUtilizationKey)),
        ];
        if (Array.Exists(facts, f => f.Value.Length > 0))
        {
            outline.Part("Concurrency:", facts.Aggregate(new Outline(), (part, fact) => part.Fact(fact.Label, fact.Value)));
        }
    }
}
