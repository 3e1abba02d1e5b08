using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Admission;
using Serval.Remote;

namespace Serval.Kn;

/// <summary>What every description begins and ends with (knative/client: pkg/commands/describe.go).</summary>
internal static class Describing
{
    private const int Width = 100;

    // Machinery, shown on request only.
    private static readonly string[] s_dull = ["serving.knative.dev/", "client.knative.dev/", "kubectl.kubernetes.io/"];

    public static Outline Head(JsonObject obj, bool verbose, DateTimeOffset now)
    {
        var metadata = obj.Object("metadata");
        var outline = new Outline().Fact("Name", metadata.String("name")).Fact("Namespace", metadata.String("namespace"));
        Map(outline, "Labels", metadata.Texts("labels"), verbose);
        Map(outline, "Annotations", metadata.Texts("annotations"), verbose);
        return outline.Fact("Age", Ages.Of(obj, now));
    }

    /// <summary>Values below each other, or in one line that is cut.</summary>
    public static void List(Outline outline, string label, IReadOnlyList<string> values, bool verbose)
    {
        if (verbose)
        {
            outline.Facts(label, values);
        }
        else
        {
            outline.Fact(label, Cut(string.Join(", ", values), Width));
        }
    }

    public static string Cut(string text, int width) => text.Length <= width ? text : text[..(width - 4)] + " ...";

    /// <summary>Ready first, then by severity and name.</summary>
    public static Outline ConditionTable(JsonObject obj, bool verbose, DateTimeOffset now)
    {
        var conditions = Conditions.Of(obj).OrderBy(c => c.Type == Conditions.ReadyType ? 0 : c.Severity switch { "" or "Error" => 1, "Warning" => 2, _ => 3 })
            .ThenBy(c => c.Type, StringComparer.Ordinal).ToArray();
        var width = conditions.Select(c => c.Type.Length).Append("TYPE".Length).Max();
        var table = new Outline().Line($"OK {"TYPE".PadRight(width)} {"AGE",6} REASON");
        foreach (var condition in conditions)
        {
            var reason = verbose && condition.Reason.Length > 0 ? $"{condition.Reason} ({condition.Message})" : condition.Reason;
            table.Line($"{Mark(condition)} {condition.Type.PadRight(width)} {Ages.Of(condition, now),6} {reason}");
        }
        return new Outline().Part("Conditions:", table);
    }

    private static void Map(Outline outline, string label, Dictionary<string, string> map, bool verbose) => List(
        outline, label, [.. map.Where(e => verbose || !s_dull.Any(d => e.Key.StartsWith(d, StringComparison.Ordinal))).OrderBy(e => e.Key, StringComparer.Ordinal).Select(e => $"{e.Key}={e.Value}")], verbose);

    private static string Mark(Condition condition) => condition.Status switch
    {
        "True" => "++",
        "False" => condition.Severity switch { "" or "Error" => "!!", "Warning" => " W", _ => " I" },
        _ => "??",
    };
}
