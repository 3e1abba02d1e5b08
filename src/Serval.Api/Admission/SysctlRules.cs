using System.Buffers;
using System.Text.Json.Nodes;
using Serval.Api.Core;

namespace Serval.Api.Admission;

/// <summary>Rules of <c>securityContext.sysctls</c> of a pod (kubernetes pkg/apis/core/validation/validation.go, validateSysctls).</summary>
internal static class SysctlRules
{
    private const int Longest = 253;
    private const string Pattern = @"^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$";

    private static readonly SearchValues<char> s_inside = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-_");

    /// <param name="spec">The pod's.</param>
    /// <param name="path">Of the list.</param>
    /// <param name="to">Gets what is wrong.</param>
    public static void Pod(JsonObject? spec, string path, Problems to)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (i, sysctl) in spec.Object("securityContext").Objects("sysctls"))
        {
            var (name, at) = (sysctl.String("name"), $"{path}[{i}].name");
            if (name.Length == 0)
            {
                to.Required(at);
            }
            else if (!IsName(name))
            {
                to.InvalidText(at, name, $"must have at most {Longest} characters and match regex {Pattern}");
            }
            else if (seen.Contains(name))
            {
                to.Duplicate(at, name);
            }
            seen.Add(name);
            foreach (var host in ((string[])["hostNetwork", "hostIPC"]).Where(h => spec.Bool(h) == true && SysctlNames.Namespace(name) == h))
            {
                to.InvalidText(at, name, $"may not be specified when '{host}' is true");
            }
        }
    }

    private static bool IsName(string name) => name.Length <= Longest && name.Split('.', '/').All(IsSegment);

    private static bool IsSegment(string segment) => segment.Length > 0 && char.IsAsciiLetterOrDigit(segment[0]) && char.IsAsciiLetterOrDigit(segment[^1])
        && !segment.AsSpan().ContainsAnyExcept(s_inside);
}
