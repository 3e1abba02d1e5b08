using System.Globalization;
using System.Text;
using Serval.Api.Core;

namespace Serval.Controllers.Workloads.Jobs;

/// <summary>Indexes of an indexed job's pods, and lists of them as a status has them: <c>1,3-5</c> (batch/v1: completedIndexes).</summary>
internal static class JobIndexes
{
    internal const string Annotation = "batch.kubernetes.io/job-completion-index";

    /// <summary>The pod's index; null when it has none.</summary>
    internal static int? Of(Pod pod) =>
        int.TryParse(pod.Metadata.Annotation(Annotation), NumberStyles.None, CultureInfo.InvariantCulture, out var index) ? index : null;

    internal static IEnumerable<int> Parse(string text, int below)
    {
        foreach (var part in text.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            var ends = part.Split('-');
            if (int.TryParse(ends[0], NumberStyles.None, CultureInfo.InvariantCulture, out var first)
                && int.TryParse(ends[^1], NumberStyles.None, CultureInfo.InvariantCulture, out var last))
            {
                for (var i = first; i <= last && i < below; i++)
                {
                    yield return i;
                }
            }
        }
    }

    internal static string Text(SortedSet<int> indexes)
    {
        var text = new StringBuilder();
        int? first = null;
        var last = 0;
        foreach (var index in indexes)
        {
            if (first is { } began && index > last + 1)
            {
                Close(text, began, last);
                first = null;
            }
            first ??= index;
            last = index;
        }
        if (first is { } open)
        {
            Close(text, open, last);
        }
        return text.ToString();
    }

    // Upstream writes a pair with a comma: 1,2 and 3-5.
    private static void Close(StringBuilder text, int first, int last) =>
        text.Append(text.Length > 0 ? "," : "").Append(CultureInfo.InvariantCulture, $"{first}{(last == first ? "" : last == first + 1 ? $",{last}" : $"-{last}")}");
}
