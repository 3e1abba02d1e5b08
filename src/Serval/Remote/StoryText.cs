using System.Text.Json.Nodes;
using Serval.Api.Stories;

namespace Serval.Remote;

/// <summary>A story for people, and as a value.</summary>
internal static class StoryText
{
    private const int Width = 160;

    /// <summary>The answer and what to do, then the chain in the marks of <c>serval service describe</c>.</summary>
    public static void Write(TextWriter target, Story story)
    {
        target.WriteLine(story.Verdict);
        if (story.Advice.Length > 0)
        {
            target.WriteLine($"What to do: {story.Advice}");
        }
        target.WriteLine();
        var kinds = story.Steps.Max(s => s.Kind.Length);
        var names = story.Steps.Max(s => s.Name.Length);
        foreach (var step in story.Steps)
        {
            var text = step == story.Cause ? step.Text : Short(step.Text);
            target.WriteLine($"{Mark(step.State)} {step.Kind.PadRight(kinds)}  {step.Name.PadRight(names)}  {text}".TrimEnd());
            foreach (var line in step.Lines)
            {
                target.WriteLine($"   | {line}");
            }
        }
    }

    public static JsonObject Json(Story story) => new()
    {
        ["kind"] = story.Steps[0].Kind,
        ["name"] = story.Steps[0].Name,
        ["well"] = story.IsWell,
        ["verdict"] = story.Verdict,
        ["advice"] = story.Advice,
        ["chain"] = new JsonArray([.. story.Steps.Select(s => (JsonNode)new JsonObject
        {
            ["kind"] = s.Kind,
            ["name"] = s.Name,
            ["state"] = s.State.ToString(),
            ["text"] = s.Text,
            ["advice"] = s.Advice,
            ["lines"] = new JsonArray([.. s.Lines.Select(l => (JsonNode)l)]),
        })]),
    };

    private static string Short(string text)
    {
        var line = text.Split('\n')[0];
        return line.Length > Width ? line[..(Width - 4)] + " ..." : line;
    }

    private static string Mark(StepState state) => state switch { StepState.Well => "++", StepState.Failed => "!!", _ => "??" };
}
