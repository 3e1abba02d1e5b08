using System.Security.Cryptography;

namespace Serval.Api;

/// <summary>What <c>generateName</c> becomes (apimachinery: names.SimpleNameGenerator).</summary>
public static class GeneratedName
{
    private const string SuffixAlphabet = "bcdfghjklmnpqrstvwxz2456789";
    private const int SuffixLength = 5;
    private const int LongestPrefix = 63 - SuffixLength;

    public static string Of(string prefix) => TextLimit.First(prefix, LongestPrefix) + Suffix();

    public static string Suffix() => RandomNumberGenerator.GetString(SuffixAlphabet, SuffixLength);
}
