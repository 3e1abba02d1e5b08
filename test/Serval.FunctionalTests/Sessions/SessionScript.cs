using System.Globalization;

namespace Serval.FunctionalTests.Sessions;

/// <summary>
/// A session at a terminal, as text. A line that begins with
/// <list type="bullet">
/// <item><c>$ </c> is a command for bash, <c>&gt; </c> goes on with it;</item>
/// <item><c>! </c> is a line it writes to standard error;</item>
/// <item><c>= </c> is its exit code, when that is not 0;</item>
/// <item><c># </c> is a comment;</item>
/// <item><c>32| </c> holds, or is run, with kubectl 1.32 alone;</item>
/// <item>anything else is a line of its output: see <see cref="ExpectedText"/>.</item>
/// </list>
/// Empty lines before a command belong to nobody.
/// </summary>
internal static class SessionScript
{
    /// <param name="lines">The text.</param>
    /// <param name="version">Of kubectl: <c>v36</c>.</param>
    internal static List<SessionStep> Read(IEnumerable<string> lines, string version)
    {
        var steps = new List<SessionStep>();
        var number = 0;
        foreach (var written in lines)
        {
            number++;
            var line = written;
            if (line is [>= '0' and <= '9', >= '0' and <= '9', '|', ' ', ..])
            {
                if (!version.EndsWith(line[..2], StringComparison.Ordinal))
                {
                    continue;
                }
                line = line[4..];
            }
            Take(steps, number, line);
        }
        return steps;
    }

    private static void Take(List<SessionStep> steps, int number, string line)
    {
        if (line.StartsWith("$ ", StringComparison.Ordinal))
        {
            steps.Add(new SessionStep(number, line[2..]));
            return;
        }
        if (line is ['#', ' ', ..] or "#" || (line.Length == 0 && steps.Count == 0))
        {
            return;
        }
        var step = steps.Count > 0 ? steps[^1] : throw new FormatException($"line {number}: '{line}' belongs to no command");
        switch (line)
        {
            case ['>', ' ', ..] or ">":
                steps[^1] = step with { Command = step.Command + "\n" + line[Math.Min(2, line.Length)..] };
                break;
            case ['!', ' ', ..] or "!":
                step.Errors.Add(line[Math.Min(2, line.Length)..]);
                break;
            case ['=', ' ', ..]:
                step.Code = int.Parse(line.AsSpan(2), CultureInfo.InvariantCulture);
                break;
            default:
                step.Output.Add(line);
                break;
        }
    }
}
