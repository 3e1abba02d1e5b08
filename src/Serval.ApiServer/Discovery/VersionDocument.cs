using System.Runtime.InteropServices;
using Serval.Api;

namespace Serval.ApiServer.Discovery;

/// <summary><c>/version</c>: the Kubernetes version whose API this is, and Serval's own behind the plus sign.</summary>
internal static class VersionDocument
{
    public static Document Create() => Document.Of(w =>
    {
        w.WriteStartObject();
        w.WriteString("major", KubernetesVersion.Major);
        w.WriteString("minor", KubernetesVersion.Minor);
        w.WriteString("emulationMajor", KubernetesVersion.Major);
        w.WriteString("emulationMinor", KubernetesVersion.Minor);
        w.WriteString("minCompatibilityMajor", KubernetesVersion.Major);
        w.WriteString("minCompatibilityMinor", KubernetesVersion.BeforeMinor);
        w.WriteString("gitVersion", KubernetesVersion.Text);
        w.WriteString("gitCommit", KubernetesVersion.Commit);
        w.WriteString("gitTreeState", "clean");
        w.WriteString("buildDate", "1970-01-01T00:00:00Z");
        w.WriteString("goVersion", "none");
        w.WriteString("compiler", RuntimeInformation.FrameworkDescription);
        w.WriteString("platform", Platform());
        w.WriteEndObject();
    });

    private static string Platform()
    {
        var system = OperatingSystem.IsWindows() ? "windows" : OperatingSystem.IsMacOS() ? "darwin" : "linux";
        var machine = RuntimeInformation.ProcessArchitecture switch
        {
            Architecture.X64 => "amd64",
            var other => other.ToString().ToLowerInvariant(),
        };
        return $"{system}/{machine}";
    }
}
