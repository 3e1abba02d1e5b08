using Serval.Api.Config;

namespace Serval.Api.Tests.Config;

public sealed class InertSettingsTests
{
    [Theory]
    [InlineData("config-deployment", "queue-sidecar-cpu-request", "25m", "config-deployment: queue-sidecar-cpu-request has no effect: no sidecar runs beside programs")]
    [InlineData("config-features", "kubernetes.podspec-hostpid", "enabled", "config-features: kubernetes.podspec-hostpid has no effect: pods have no process namespaces")]
    [InlineData("config-features", "kubernetes.podspec-hostpid", "Disabled", null)]
    [InlineData("config-features", "autodetect-http2", "enabled", null)]
    [InlineData("config-deployment", "default-affinity-type", "prefer-spread-revision-over-nodes", null)]
    [InlineData("config-observability", "tracing-sampling-rate", "0.5", "config-observability: tracing-sampling-rate has no effect: Serval exports neither metrics nor traces")]
    [InlineData("config-autoscaler", "stable-window", "90s", null)]
    public void Setting_WithoutEffect_IsToldUnlessItIsTheDefault(string map, string key, string value, string? warning)
    {
        var (error, warnings) = ServingConfig.Check(map, new Dictionary<string, string> { [key] = value });
        Assert.Null(error);
        Assert.Equal(warning is null ? [] : [warning], warnings);
    }

    /// <summary>docs/configuration.md: every key of every map, and "no effect" where the program says so, and only there.</summary>
    [Fact]
    public void Manual_HasARowForEveryKey()
    {
        var manual = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "configuration.md"));
        var wrong = new List<string>();
        foreach (var map in DefaultConfigMaps.All.Select(m => m.Metadata.Name).Where(m => m != DomainConfig.MapName))
        {
            var section = manual.Split($"\n## {map}\n")[1].Split("\n## ")[0];
            var keys = ServingConfig.KeysOf(map).Where(k => k != "_example" && !k.Any(char.IsAsciiLetterUpper) && !k.EndsWith(".class", StringComparison.Ordinal));
            foreach (var key in keys)
            {
                var row = section.Split('\n').FirstOrDefault(l => l.StartsWith("| ", StringComparison.Ordinal) && l.Contains($"`{key}`", StringComparison.Ordinal));
                if (row is null || row.Contains("no effect", StringComparison.Ordinal) != (InertSettings.Why(key) is not null))
                {
                    wrong.Add($"{map}: {key}: {row ?? "no row"}");
                }
            }
        }
        Assert.Empty(wrong);
    }
}
