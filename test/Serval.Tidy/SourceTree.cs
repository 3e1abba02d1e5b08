namespace Serval.Tidy;

/// <summary>The checkout that the test was built from.</summary>
internal static class SourceTree
{
    internal static string Root { get; } = FindRoot();

    internal static IEnumerable<string> Files(string folder, string pattern) =>
        Directory.Exists(Path.Combine(Root, folder))
            ? Directory.EnumerateFiles(Path.Combine(Root, folder), pattern, SearchOption.AllDirectories)
                .Where(f => !f.Contains("/artifacts/") && !f.Contains("/obj/") && !f.Contains("/node_modules/") && !f.Contains("/.git/"))
            : [];

    internal static string Relative(string path) => Path.GetRelativePath(Root, path);

    private static string FindRoot()
    {
        for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (File.Exists(Path.Combine(folder, "Serval.slnx")))
            {
                return folder;
            }
        }
        throw new InvalidOperationException("Serval.slnx not found above " + AppContext.BaseDirectory);
    }
}
