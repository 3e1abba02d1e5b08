using System.Text.Json.Nodes;
using Serval.Api.Core;

namespace Serval.Api.Admission;

/// <summary>Knative's rules of <c>spec.traffic</c>.</summary>
internal static class TrafficRules
{
    private const string Path = "spec.traffic";

    /// <param name="spec">Spec of the Service or Route.</param>
    /// <param name="ownConfiguration">In a Service: its own Configuration is meant, and none may be named.</param>
    /// <param name="to">Takes the errors.</param>
    public static void Check(JsonObject? spec, bool ownConfiguration, Problems to)
    {
        long sum = 0;
        var tags = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var (i, target) in spec.Objects("traffic"))
        {
            var path = $"{Path}[{i}]";
            Target(target, path, ownConfiguration, to);
            sum += target.Number("percent") ?? 0;
            var tag = target.String("tag");
            if (tag.Length == 0)
            {
                continue;
            }
            if (Names.Label1035(tag) is { } wrong)
            {
                to.Wrong($"not a DNS 1035 label: [{wrong}]", $"{path}.tag");
            }
            if (!tags.TryAdd(tag, i))
            {
                to.Say($"Multiple definitions for \"{tag}\"", $"{path}.tag");
                to.Say($"Multiple definitions for \"{tag}\"", $"{Path}[{tags[tag]}].tag");
            }
        }
        if (sum != 100)
        {
            to.Say($"Traffic targets sum to {sum}, want 100", Path);
        }
    }

    private static void Target(JsonObject target, string path, bool ownConfiguration, Problems to)
    {
        var revision = target.String("revisionName");
        var configuration = target.String("configurationName");
        if (target.Bool("latestRevision") is { } latest && latest == revision.Length > 0)
        {
            to.Say($"may not set revisionName \"{revision}\" when latestRevision is {(latest ? "true" : "false")}", $"{path}.latestRevision");
        }
        if (ownConfiguration && configuration.Length > 0)
        {
            to.Disallowed($"{path}.configurationName");
        }
        else if (revision.Length > 0 && configuration.Length > 0)
        {
            to.ManyOf($"{path}.revisionName", $"{path}.configurationName");
        }
        else if (revision.Length > 0)
        {
            Name(revision, $"{path}.revisionName", to);
        }
        else if (configuration.Length > 0)
        {
            Name(configuration, $"{path}.configurationName", to);
        }
        else if (!ownConfiguration)
        {
            to.NoneOf($"{path}.revisionName", $"{path}.configurationName");
        }
        if (target.Number("percent") is < 0 or > 100)
        {
            to.OutOfBounds(target.Number("percent").ToString()!, "0", "100", $"{path}.percent");
        }
        if (target.String("url").Length > 0)
        {
            to.Disallowed($"{path}.url");
        }
    }

    private static void Name(string name, string path, Problems to)
    {
        if (string.Join(", ", Names.QualifiedNameProblems(name)) is { Length: > 0 } wrong)
        {
            to.WrongKey(name, path, wrong);
        }
    }
}
