using System.Xml.Linq;

namespace Serval.Tidy;

/// <summary>The house's arrows (ARCHITECTURE.md): who may know whom.</summary>
public sealed class HouseTests
{
    private static readonly Dictionary<string, string[]> s_mayUse = new()
    {
        ["Serval.Api"] = [],
        ["Serval.Images"] = [],
        ["Serval.Kube"] = ["Serval.Api"],
        ["Serval.Autoscaling"] = ["Serval.Api"],
        ["Serval.Routing"] = ["Serval.Api"],
        ["Serval.ApiServer"] = ["Serval.Api", "Serval.Kube"],
        ["Serval.Controllers"] = ["Serval.Api", "Serval.Kube", "Serval.Autoscaling", "Serval.Routing"],
        ["Serval.Proxy"] = ["Serval.Routing"],
        ["Serval.Node"] = ["Serval.Api", "Serval.Kube", "Serval.Images"],
        ["Serval.Signals"] = ["Serval.Api", "Serval.Kube"],
    };

    [Fact]
    public void EveryProject_UsesOnlyWhatItsFloorAllows()
    {
        var wrong = new List<string>();
        foreach (var file in SourceTree.Files("src", "*.csproj"))
        {
            var project = Path.GetFileNameWithoutExtension(file);
            if (project == "Serval")
            {
                continue; // the executable sees all
            }
            if (!s_mayUse.TryGetValue(project, out var allowed))
            {
                wrong.Add($"{project} has no place in the house: name it in {nameof(HouseTests)} and in ARCHITECTURE.md");
                continue;
            }
            wrong.AddRange(References(file).Except(allowed).Select(r => $"{project} may not use {r}"));
        }
        Assert.Empty(wrong);
    }

    [Fact]
    public void BottomFloor_HasNoPackages()
    {
        var file = Path.Combine(SourceTree.Root, "src/Serval.Api/Serval.Api.csproj");
        Assert.Empty(XDocument.Load(file).Descendants("PackageReference"));
    }

    [Fact]
    public void EveryProject_StandsInTheSolution()
    {
        var solution = File.ReadAllText(Path.Combine(SourceTree.Root, "Serval.slnx"));
        var missing = new[] { "src", "test", "bench", "samples" }.SelectMany(f => SourceTree.Files(f, "*.csproj"))
            .Select(SourceTree.Relative).Where(f => !solution.Contains(f, StringComparison.Ordinal));
        Assert.Empty(missing);
    }

    private static IEnumerable<string> References(string file) => XDocument.Load(file).Descendants("ProjectReference")
        .Select(r => Path.GetFileNameWithoutExtension(r.Attribute("Include")!.Value));
}
