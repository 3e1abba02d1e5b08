using System.Globalization;

namespace Serval.Api;

/// <summary>
/// Versions as Kubernetes prefers them: stable before beta before alpha, higher numbers first, then what is no such version in
/// alphabetical order (apimachinery: version.CompareKubeAwareVersionStrings).
/// </summary>
public sealed class KubeVersionOrder : IComparer<string>
{
    public static KubeVersionOrder Instance { get; } = new();

    public int Compare(string? x, string? y)
    {
        var (left, right) = (Parse(x!), Parse(y!));
        return left == right ? string.CompareOrdinal(x, y) : right.CompareTo(left);
    }

    /// <summary>Stage (2 stable, 1 beta, 0 alpha, -1 none of these), major and minor number.</summary>
    private static (int Stage, int Major, int Minor) Parse(string version)
    {
        if (!version.StartsWith('v'))
        {
            return (-1, 0, 0);
        }
        foreach (var (word, stage) in (ReadOnlySpan<(string, int)>)[("beta", 1), ("alpha", 0)])
        {
            var at = version.IndexOf(word, StringComparison.Ordinal);
            if (at > 0)
            {
                return Number(version.AsSpan(1, at - 1)) is { } major && Number(version.AsSpan(at + word.Length)) is { } minor ? (stage, major, minor) : (-1, 0, 0);
            }
        }
        return Number(version.AsSpan(1)) is { } only ? (2, only, 0) : (-1, 0, 0);
    }

    private static int? Number(ReadOnlySpan<char> digits) =>
        int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && digits[0] != '0' ? number : null;
}
