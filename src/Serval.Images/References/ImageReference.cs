using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;

namespace Serval.Images;

/// <summary>
/// A parsed image reference in the form container tools agree on: <c>[registry/]path[:tag][@sha256:…]</c>. Names without a registry
/// belong to <c>docker.io</c>, one-part names to its <c>library</c>; without tag and digest the tag is <c>latest</c>.
/// </summary>
public sealed partial record ImageReference
{
    private const string DefaultRegistry = "docker.io";
    private const string Library = "library/";

    private ImageReference(string registry, string path, string tag, string digest)
    {
        Registry = registry;
        Path = path;
        Tag = tag;
        Digest = digest;
    }

    public string Registry { get; }

    /// <summary>Repository path without the registry.</summary>
    public string Path { get; }

    /// <summary>Empty when only a digest was given.</summary>
    public string Tag { get; }

    /// <summary><c>sha256:…</c>, or empty.</summary>
    public string Digest { get; }

    /// <summary>Registry and path: <c>docker.io/library/hello</c>.</summary>
    public string Name => $"{Registry}/{Path}";

    /// <summary>The name as people write it: <c>hello</c>.</summary>
    public string FamiliarName =>
        Registry != DefaultRegistry ? Name : Path.StartsWith(Library, StringComparison.Ordinal) ? Path[Library.Length..] : Path;

    /// <summary>Name with tag, without digest: the key of the index.</summary>
    public string Tagged => $"{Name}:{Tag}";

    /// <summary>The short form with tag and digest as far as given.</summary>
    public string Familiar => FamiliarName + (Tag.Length > 0 ? ":" + Tag : "") + (Digest.Length > 0 ? "@" + Digest : "");

    /// <summary>Parses, or throws <see cref="ImageException"/> that says what is wrong.</summary>
    public static ImageReference Parse(string text)
    {
        var (result, problem) = Read(text);
        return result ?? throw new ImageException(ImageError.Invalid, $"\"{text}\" is not an image reference: {problem}; write NAME:TAG, for example hello:v1");
    }

    public static bool TryParse(string text, [NotNullWhen(true)] out ImageReference? reference)
    {
        reference = Read(text).Result;
        return reference is not null;
    }

    public override string ToString() => Familiar;

    private static (ImageReference? Result, string Problem) Read(string text)
    {
        var rest = text;
        var digest = "";
        if (rest.IndexOf('@', StringComparison.Ordinal) is >= 0 and var at)
        {
            digest = rest[(at + 1)..];
            rest = rest[..at];
            if (!ImageDigest.IsValid(digest))
            {
                return (null, "the digest must be sha256: and 64 hexadecimal digits");
            }
        }
        var tag = "";
        if (rest.LastIndexOf(':') is >= 0 and var colon && colon > rest.LastIndexOf('/'))
        {
            tag = rest[(colon + 1)..];
            rest = rest[..colon];
            if (!TagPattern().IsMatch(tag))
            {
                return (null, "a tag has at most 128 letters, digits, '_', '.' or '-'");
            }
        }
        var (registry, path) = SplitRegistry(rest);
        if (path.Length == 0 || path.Length > 255 || !PathPattern().IsMatch(path))
        {
            return (null, "a name has lower-case letters and digits, separated by '.', '_', '-' or '/'");
        }
        if (!RegistryPattern().IsMatch(registry))
        {
            return (null, $"\"{registry}\" is not a registry host");
        }
        return (new ImageReference(registry, path, tag.Length == 0 && digest.Length == 0 ? "latest" : tag, digest), "");
    }

    private static (string Registry, string Path) SplitRegistry(string name)
    {
        var slash = name.IndexOf('/', StringComparison.Ordinal);
        var first = slash < 0 ? "" : name[..slash];
        if (first is not "localhost" && !first.AsSpan().ContainsAny('.', ':'))
        {
            return (DefaultRegistry, slash < 0 ? Library + name : name);
        }
        var path = name[(slash + 1)..];
        if (first is "index.docker.io" or DefaultRegistry)
        {
            return (DefaultRegistry, path.Contains('/', StringComparison.Ordinal) ? path : Library + path);
        }
        return (first, path);
    }

    [GeneratedRegex(@"^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*\z", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex PathPattern();

    [GeneratedRegex(@"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}\z", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex TagPattern();

    [GeneratedRegex(@"^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?\z", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex RegistryPattern();
}
