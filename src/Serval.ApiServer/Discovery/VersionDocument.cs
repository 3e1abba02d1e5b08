using System.Reflection;
using System.Runtime.InteropServices;

namespace Serval.ApiServer.Discovery;

/// <summary><c>/version</c>: the Kubernetes version whose API this is, and Serval's own behind the plus sign.</summary>
internal static class VersionDocument
{
    public static Document Create()
    {
        var own = typeof(VersionDocument).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0";
        var parts = own.Split('+');
        return Document.Of(w =>
        {
            w.WriteStartObject();
            w.WriteString("major", "1");
            w.WriteString("minor", "36");
            w.WriteString("gitVersion", $"v1.36.0+serval.{parts[0]}");
            w.WriteString("gitCommit", parts.Length > 1 ? parts[1] : "");
            w.WriteString("gitTreeState", "clean");
            w.WriteString("buildDate", "1970-01-01T00:00:00Z");
            w.WriteString("goVersion", "none");
            w.WriteString("compiler", RuntimeInformation.FrameworkDescription);
            w.WriteString("platform", Platform());
            w.WriteEndObject();
        });
    }

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
