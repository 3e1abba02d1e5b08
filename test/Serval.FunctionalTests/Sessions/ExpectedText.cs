using System.Text;
using System.Text.RegularExpressions;

namespace Serval.FunctionalTests.Sessions;

/// <summary>
/// What a command must write, with room for what no two runs have in common: <c>&lt;age&gt;</c>, <c>&lt;uid&gt;</c>, <c>&lt;ip&gt;</c>, <c>&lt;time&gt;</c>,
/// <c>&lt;int&gt;</c> (ports, versions), <c>&lt;hash&gt;</c> (the ends of generated names); <c>&lt;*&gt;</c> is anything within a line, a line of <c>&lt;...&gt;</c> any
/// lines. Two or more blanks within a line stand for two or more or a tab, so that columns may be wider. Blanks at the end of lines and empty lines at the end do not count.
/// </summary>
internal static partial class ExpectedText
{
    private static readonly Dictionary<string, string> s_wildcards = new(StringComparer.Ordinal)
    {
        ["<age>"] = @"(?:\d+(?:ms|[smhdy]))+",
        ["<uid>"] = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
        ["<ip>"] = @"\d{1,3}(?:\.\d{1,3}){3}",
        ["<time>"] = @"(?:\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z|[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4})",
        ["<int>"] = @"\d+",
        ["<hash>"] = "[a-z0-9]+(?:-[a-z0-9]+)?",
        ["<*>"] = "[^\n]*",
    };

    internal static bool Fits(IReadOnlyList<string> expected, string got) =>
        Regex.IsMatch(string.Concat(Lines(got).Select(l => l + "\n")), Pattern(expected), RegexOptions.CultureInvariant, TimeSpan.FromSeconds(5));

    /// <summary>The lines of a text, without what does not count.</summary>
    internal static List<string> Lines(string text) => Trimmed(text.Split('\n'));

    private static List<string> Trimmed(IEnumerable<string> lines)
    {
        var trimmed = lines.Select(l => l.TrimEnd()).ToList();
        while (trimmed is [.., ""])
        {
            trimmed.RemoveAt(trimmed.Count - 1);
        }
        return trimmed;
    }

    private static string Pattern(IReadOnlyList<string> expected)
    {
        var pattern = new StringBuilder(@"\A");
        foreach (var line in Trimmed(expected))
        {
            pattern.Append(line == "<...>" ? "(?:[^\n]*\n)*?" : Line(line) + "\n");
        }
        return pattern.Append(@"\z").ToString();
    }

    private static string Line(string line)
    {
        var pattern = new StringBuilder();
        var at = 0;
        foreach (Match token in Token().Matches(line))
        {
            pattern.Append(Regex.Escape(line[at..token.Index]));
            at = token.Index + token.Length;
            pattern.Append(token.Value switch
            {
                [' ', ' ', ..] when token.Index > 0 => "(?:[ ]{2,}|[ ]*\t[ \t]*)",
                _ => s_wildcards.GetValueOrDefault(token.Value) ?? Regex.Escape(token.Value),
            });
        }
        return pattern.Append(Regex.Escape(line[at..])).ToString();
    }

    [GeneratedRegex("<[a-z*]+>| {2,}", RegexOptions.CultureInvariant)]
    private static partial Regex Token();
}
