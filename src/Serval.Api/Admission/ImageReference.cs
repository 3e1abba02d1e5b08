namespace Serval.Api.Admission;

/// <summary>Syntax of image references: <c>[registry/]repository[:tag][@sha256:digest]</c>.</summary>
internal static class ImageReference
{
    private const int DigestLength = 64;

    /// <summary>What is wrong, or null.</summary>
    public static string? Check(string image)
    {
        var name = image;
        if (image.IndexOf('@') is >= 0 and var at)
        {
            name = image[..at];
            if (Digest(image[(at + 1)..]) is { } wrong)
            {
                return wrong;
            }
        }
        var colon = name.LastIndexOf(':');
        if (colon > name.LastIndexOf('/'))
        {
            var tag = name[(colon + 1)..];
            name = name[..colon];
            if (tag.Length is 0 or > 128 || !tag.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.'))
            {
                return $"tag \"{tag}\" must be 1 to 128 of letters, digits, \"_\", \"-\" and \".\"";
            }
        }
        return Repository(name);
    }

    /// <summary>Whether the image is meant to be pulled anew each time: tag <c>latest</c>, or neither tag nor digest.</summary>
    public static bool IsLatest(string image)
    {
        if (image.Contains('@', StringComparison.Ordinal))
        {
            return false;
        }
        var colon = image.LastIndexOf(':');
        return colon <= image.LastIndexOf('/') || image[(colon + 1)..] == "latest";
    }

    private static string? Digest(string digest) =>
        digest.StartsWith("sha256:", StringComparison.Ordinal) && digest.Length == "sha256:".Length + DigestLength
        && digest["sha256:".Length..].All(char.IsAsciiHexDigitLower)
            ? null
            : $"digest \"{digest}\" must be sha256: and {DigestLength} lower case hexadecimal digits";

    private static string? Repository(string name)
    {
        var slash = name.IndexOf('/');
        if (slash > 0 && (name.AsSpan(0, slash).IndexOfAny('.', ':') >= 0 || name[..slash] == "localhost"))
        {
            var registry = name[..slash];
            if (!registry.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or ':' or '[' or ']'))
            {
                return $"registry \"{registry}\" must be a host name with an optional port";
            }
            name = name[(slash + 1)..];
        }
        if (name.Length is < 2 or > 255 && name.Length != 1)
        {
            return "a repository must have 2 to 255 characters";
        }
        return name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '_' or '-' or '.' or '/')
            && name.Split('/').All(p => p.Length > 0)
                ? null
                : $"repository \"{name}\" may only hold lower case letters, digits, \"_\", \"-\", \".\" and \"/\"";
    }
}
