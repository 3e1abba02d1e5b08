using System.Security.Cryptography;
using System.Text;

namespace Serval.Api.Serving;

/// <summary>Names of derived objects, cut to the 63 bytes a DNS label may have exactly as Knative's kmeta.ChildName cuts them.</summary>
public static class ChildNames
{
    private const int Longest = 63;
    private const int HashLength = 32;
    private const int Head = Longest - HashLength;

    /// <summary>
    /// <paramref name="parent"/> followed by <paramref name="suffix"/>. Too long a name keeps a head of the parent and gets the MD5 of
    /// the parent; with a suffix over 30 bytes the hash is over both, and the end of the suffix is lost.
    /// </summary>
    public static string Of(string parent, string suffix)
    {
        if (parent.Length + suffix.Length <= Longest)
        {
            return parent + suffix;
        }
        if (suffix.Length < Head)
        {
            return parent[..(Head - suffix.Length)] + Hash(parent) + suffix;
        }
        var head = parent.Length > Head ? parent[..Head] : parent;
        var name = head + Hash(parent + suffix);
        name += suffix[..(Longest - name.Length)];
        var end = name.Length;
        while (end > 0 && !char.IsAsciiLetterOrDigit(name[end - 1]))
        {
            end--;
        }
        return name[..end];
    }

#pragma warning disable CA5351 // The names must equal Knative's; nothing is protected by this hash.
    private static string Hash(string text) => Convert.ToHexStringLower(MD5.HashData(Encoding.UTF8.GetBytes(text)));
#pragma warning restore CA5351
}
