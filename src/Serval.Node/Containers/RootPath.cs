namespace Serval.Node.Containers;

/// <summary>Paths below a directory that stands for <c>/</c>: symbolic links are followed inside it, and nothing leaves it.</summary>
internal static class RootPath
{
    private const int MostLinks = 40;

    /// <summary>The real path behind <paramref name="path"/> below <paramref name="root"/>; its last parts need not exist. Throws <see cref="ContainerConfigException"/> for a loop.</summary>
    public static string Resolve(string root, string path)
    {
        var left = new Stack<string>(Parts(path).Reverse());
        var at = new List<string>();
        for (var links = 0; left.TryPop(out var part);)
        {
            if (part == "..")
            {
                if (at.Count > 0)
                {
                    at.RemoveAt(at.Count - 1);
                }
                continue;
            }
            at.Add(part);
            if (new FileInfo(Join(root, at)).LinkTarget is { } target)
            {
                if (++links > MostLinks)
                {
                    throw new ContainerConfigException($"/{string.Join('/', Parts(path))}: too many levels of symbolic links", ContainerConfigException.CreateContainerError);
                }
                at.RemoveAt(at.Count - 1);
                if (target.StartsWith('/'))
                {
                    at.Clear();
                }
                foreach (var step in Parts(target).Reverse())
                {
                    left.Push(step);
                }
            }
        }
        return Join(root, at);
    }

    private static string Join(string root, List<string> parts) => parts.Count == 0 ? root : root.TrimEnd('/') + "/" + string.Join('/', parts);

    private static IEnumerable<string> Parts(string path) =>
        path.Split('/', StringSplitOptions.RemoveEmptyEntries).Where(p => p != ".");
}
