using System.Text.RegularExpressions;

namespace Serval.Tidy;

/// <summary>What the analysers cannot see.</summary>
public sealed partial class SourceTests
{
    [Fact]
    public void Source_HoldsNoPromises()
    {
        var found = Lines("src").Concat(Lines("test")).Where(l => Promise().IsMatch(l.Text))
            .Select(l => $"{l.File}:{l.Number}: {l.Text.Trim()}");
        Assert.Empty(found);
    }

    [Fact]
    public void Tests_AreNeverSwitchedOffByAttribute()
    {
        var found = Lines("test").Where(l => Skipped().IsMatch(l.Text) && !l.File.EndsWith("SourceTests.cs", StringComparison.Ordinal))
            .Select(l => $"{l.File}:{l.Number}");
        Assert.Empty(found);
    }

    [Fact]
    public void EveryAnalyserSuppression_SaysWhy()
    {
        var found = Lines("src").Where(l => l.Text.Contains("#pragma warning disable", StringComparison.Ordinal) && !l.Text.Contains("//", StringComparison.Ordinal))
            .Select(l => $"{l.File}:{l.Number}: add a reason behind //");
        Assert.Empty(found);
    }

    [GeneratedRegex(@"Not(?:Implemented)Exception|Not(?:Supported)Exception\(\)|\b(?:TO-?DO|FIX-?ME|HA-?CK)\b")]
    private static partial Regex Promise();

    [GeneratedRegex(@"\bSkip\s*=\s*""")]
    private static partial Regex Skipped();

    private static IEnumerable<(string File, int Number, string Text)> Lines(string folder) =>
        SourceTree.Files(folder, "*.cs").SelectMany(f => File.ReadLines(f).Select((text, i) => (SourceTree.Relative(f), i + 1, text)));
}
