using System.Security.Cryptography;

namespace Serval.Controllers.Workloads;

/// <summary>Short, stable names from content, in the alphabet Kubernetes uses for them (no vowels, no look-alikes).</summary>
internal static class TemplateHash
{
    private const string Alphabet = "bcdfghjklmnpqrstvwxz2456789";

    /// <summary><paramref name="length"/> characters that depend on every byte.</summary>
    internal static string Of(ReadOnlySpan<byte> content, int length)
    {
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(content, hash);
        Span<char> name = stackalloc char[length];
        for (var i = 0; i < length; i++)
        {
            name[i] = Alphabet[hash[i] % Alphabet.Length];
        }
        return new string(name);
    }
}
