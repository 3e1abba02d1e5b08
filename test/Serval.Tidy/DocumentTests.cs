using System.Text.RegularExpressions;

namespace Serval.Tidy;

/// <summary>Documents name only what is there.</summary>
public sealed partial class DocumentTests
{
    private static readonly string[] s_roots = ["src/", "test/", "bench/", "samples/", "docs/", "eng/", "deploy/"];

    [Fact]
    public void Documents_LinkToFilesThatExist()
    {
        var dead = new List<string>();
        foreach (var file in Documents())
        {
            foreach (Match link in Link().Matches(File.ReadAllText(file)))
            {
                var target = link.Groups[1].Value.Split('#')[0];
                if (target.Length > 0 && !target.Contains("://", StringComparison.Ordinal) && !target.StartsWith("mailto:", StringComparison.Ordinal)
                    && !Exists(Path.Combine(Path.GetDirectoryName(file)!, target)))
                {
                    dead.Add($"{SourceTree.Relative(file)}: {target}");
                }
            }
        }
        Assert.Empty(dead);
    }

    [Fact]
    public void Documents_NamePathsThatExist()
    {
        var dead = new List<string>();
        foreach (var file in Documents())
        {
            foreach (Match code in Code().Matches(File.ReadAllText(file)))
            {
                var path = code.Groups[1].Value;
                if (s_roots.Any(r => path.StartsWith(r, StringComparison.Ordinal)) && !path.AsSpan().ContainsAny("*<>… ")
                    && !Exists(Path.Combine(SourceTree.Root, path)))
                {
                    dead.Add($"{SourceTree.Relative(file)}: {path}");
                }
            }
        }
        Assert.Empty(dead);
    }

    [Fact]
    public void Decisions_AreNumberedWithoutGap()
    {
        var numbers = SourceTree.Files("docs/decisions", "*.md").Select(f => Path.GetFileName(f)[..4]).Order().ToList();
        Assert.Equal(Enumerable.Range(1, numbers.Count).Select(n => n.ToString("D4")), numbers);
    }

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex("`([^`\n]+)`")]
    private static partial Regex Code();

    private static IEnumerable<string> Documents() =>
        Directory.EnumerateFiles(SourceTree.Root, "*.md").Concat(new[] { "docs", "samples", "bench", "src", "test" }.SelectMany(f => SourceTree.Files(f, "*.md")));

    private static bool Exists(string path) => File.Exists(path) || Directory.Exists(path);
}
