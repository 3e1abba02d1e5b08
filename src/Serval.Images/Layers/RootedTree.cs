namespace Serval.Images;

/// <summary>
/// A directory that is the whole world of the paths in it: symbolic links are followed inside it only, as in a chroot,
/// and nothing resolves to a place outside.
/// </summary>
internal sealed class RootedTree(string root)
{
    private const int MaxLinks = 40;

    public string Root { get; } = root;

    public static NodeKind KindOf(string path)
    {
        var attributes = new FileInfo(path).Attributes;
        if (attributes == (FileAttributes)(-1))
        {
            return NodeKind.Missing;
        }
        if ((attributes & FileAttributes.ReparsePoint) != 0)
        {
            return NodeKind.Link;
        }
        return (attributes & FileAttributes.Directory) != 0 ? NodeKind.Directory : NodeKind.File;
    }

    /// <summary>Parts of a tar name. Absolute names and <c>..</c> are refused; an empty result is the root itself.</summary>
    public static string[] Split(string name, string what)
    {
        if (name.StartsWith('/') || name.Contains('\0', StringComparison.Ordinal) || (OperatingSystem.IsWindows() && name.AsSpan().ContainsAny('\\', ':')))
        {
            throw Escape(what, name, "its name is absolute");
        }
        var parts = name.Split('/', StringSplitOptions.RemoveEmptyEntries).Where(p => p != ".").ToArray();
        return parts.Contains("..") ? throw Escape(what, name, "its name climbs with \"..\"") : parts;
    }

    /// <summary>The real directory that holds the last of <paramref name="parts"/>; missing directories are created.</summary>
    public string ParentOf(string[] parts, string what) => Walk(parts[..^1], what, create: true);

    /// <summary>
    /// The target a symbolic link in <paramref name="parent"/> gets. Absolute targets mean the image's root, so they are made relative:
    /// the unpacked tree then also works where nobody changes the root. A target that climbs out is refused; one that climbs after a name is
    /// written without the detour, because the name may be, or become, a link to somewhere nearer to the root.
    /// </summary>
    public string LinkTarget(string parent, string target, string what)
    {
        var inside = Path.GetRelativePath(Root, parent) is var relative && relative == "." ? [] : relative.Split(Path.DirectorySeparatorChar);
        if (target.StartsWith('/'))
        {
            var root = string.Concat(Enumerable.Repeat("../", inside.Length));
            var path = string.Join('/', Split(target.TrimStart('/'), what));
            return root.Length + path.Length == 0 ? "." : (root + path).TrimEnd('/');
        }
        if (target.Length == 0)
        {
            throw Escape(what, target, "the link's target is empty");
        }
        var (up, down, detours) = (0, new List<string>(), false);
        foreach (var part in target.Split('/', StringSplitOptions.RemoveEmptyEntries).Where(p => p != "."))
        {
            if (part != "..")
            {
                down.Add(part);
            }
            else if (down.Count > 0)
            {
                down.RemoveAt(down.Count - 1);
                detours = true;
            }
            else if (++up > inside.Length)
            {
                throw Escape(what, target, "the link's target is outside of the image");
            }
        }
        if (!detours)
        {
            return target;
        }
        Walk([.. inside, .. target.Split('/', StringSplitOptions.RemoveEmptyEntries).Where(p => p != ".")], what, create: false);
        return up + down.Count == 0 ? "." : string.Join('/', Enumerable.Repeat("..", up).Concat(down));
    }

    /// <summary>Removes whatever is at a path, links not followed.</summary>
    public static void Delete(string path)
    {
        switch (KindOf(path))
        {
            case NodeKind.File or NodeKind.Link:
                File.Delete(path);
                break;
            case NodeKind.Directory:
                DeleteDirectory(path);
                break;
            default:
                break;
        }
    }

    // The real path behind the parts; what would lead out is refused.
    private string Walk(string[] parts, string what, bool create)
    {
        var real = new List<string>();
        var pending = new Stack<string>(parts.Reverse());
        var links = 0;
        while (pending.TryPop(out var part))
        {
            if (part == "..")
            {
                if (real.Count == 0)
                {
                    throw Escape(what, string.Join('/', parts), "a link on its path leads out of the image");
                }
                real.RemoveAt(real.Count - 1);
                continue;
            }
            var path = Path.Combine([Root, .. real, part]);
            switch (KindOf(path))
            {
                case NodeKind.Missing:
                    if (create)
                    {
                        Directory.CreateDirectory(path);
                    }
                    break;
                case NodeKind.File when create:
                    throw Escape(what, string.Join('/', parts), $"\"{part}\" on its path is a file");
                case NodeKind.Link:
                    if (++links > MaxLinks)
                    {
                        throw Escape(what, string.Join('/', parts), "its path has too many symbolic links");
                    }
                    Follow(new FileInfo(path).LinkTarget ?? "", real, pending);
                    continue;
                default:
                    break;
            }
            real.Add(part);
        }
        return Path.Combine([Root, .. real]);
    }

    private static void Follow(string target, List<string> real, Stack<string> pending)
    {
        if (target.StartsWith('/'))
        {
            real.Clear();
        }
        foreach (var part in target.Split('/', StringSplitOptions.RemoveEmptyEntries).Where(p => p != ".").Reverse())
        {
            pending.Push(part);
        }
    }

    private static void DeleteDirectory(string path)
    {
        if (!OperatingSystem.IsWindows())
        {
            // Directories of an image may be read-only for their owner.
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            foreach (var child in Directory.EnumerateDirectories(path))
            {
                if (KindOf(child) == NodeKind.Directory)
                {
                    DeleteDirectory(child);
                }
            }
        }
        Directory.Delete(path, recursive: true);
    }

    private static ImageException Escape(string what, string name, string why) =>
        new(ImageError.Unsafe, $"{what}: entry \"{name}\" is refused because {why}; build the image again from a source you trust");
}
