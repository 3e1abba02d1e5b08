using System.Buffers;
using System.Security.Cryptography;

namespace Serval.Images;

/// <summary>Digests of the one algorithm Serval stores: <c>sha256:</c> and 64 lower-case hexadecimal digits.</summary>
public static class ImageDigest
{
    internal const string Prefix = "sha256:";

    private static readonly SearchValues<char> s_hex = SearchValues.Create("0123456789abcdef");

    /// <summary>Whether a text is a digest, as <c>image rm</c> and references take it.</summary>
    public static bool IsValid(string text)
    {
        if (text.Length != Prefix.Length + 64 || !text.StartsWith(Prefix, StringComparison.Ordinal))
        {
            return false;
        }
        return !text.AsSpan(Prefix.Length).ContainsAnyExcept(s_hex);
    }

    internal static string Hex(string digest) => digest[Prefix.Length..];

    internal static string Of(ReadOnlySpan<byte> bytes) => From(SHA256.HashData(bytes));

    internal static string From(ReadOnlySpan<byte> hash) => Prefix + Convert.ToHexStringLower(hash);

    /// <summary>Checks a digest that came from outside.</summary>
    internal static string Require(string? text, string where) =>
        text is not null && IsValid(text)
            ? text
            : throw new ImageException(ImageError.Unsupported, $"{where} names the digest \"{text}\"; Serval reads sha256 digests only: convert the image with `skopeo copy`");
}
