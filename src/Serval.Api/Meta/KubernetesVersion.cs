using System.Reflection;

namespace Serval.Api;

/// <summary>The Kubernetes version whose API this is, and Serval's own behind the plus sign.</summary>
public static class KubernetesVersion
{
    public const string Major = "1";

    public const string Minor = "36";

    /// <summary>The oldest whose clients and state go with it: one before <see cref="Minor"/> (component-base: pkg/version).</summary>
    public const string BeforeMinor = "35";

    private static readonly string[] s_own =
        (typeof(KubernetesVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0").Split('+');

    /// <summary>For example <c>v1.36.0+serval.0.4.0</c>.</summary>
    public static string Text { get; } = $"v{Major}.{Minor}.0+serval.{s_own[0]}";

    /// <summary>The commit Serval was built from; empty when that is not known.</summary>
    public static string Commit { get; } = s_own.Length > 1 ? s_own[1] : "";
}
