using System.Globalization;

namespace Serval.FunctionalTests;

/// <summary><c>kill -9</c> loses no acknowledged object and leaves no program behind.</summary>
public sealed class CrashTests(ServalFixture fixture) : IClassFixture<ServalFixture>
{
    [Fact]
    public async Task Server_Killed_ComesBackWithEverything()
    {
        await fixture.ServiceAsync("survivor");
        await fixture.Kubectl.ApplyAsync(Manifests.ConfigMap("acknowledged"));
        var before = Programs();
        Assert.NotEmpty(before);

        await fixture.CrashAndRestartAsync();

        await fixture.ReadyAsync("survivor");
        await fixture.AnswersAsync("survivor", 200);
        Assert.Equal("1", await fixture.Kubectl.OkAsync("get", "cm", "acknowledged", "-o", "jsonpath={.data.a}"));
        Assert.Empty(before.Intersect(Programs()));
    }

    // Process and start time: an id may be given to another one later.
    private HashSet<string> Programs() => [.. Directory.EnumerateDirectories("/proc")
        .Where(d => int.TryParse(Path.GetFileName(d), NumberStyles.None, CultureInfo.InvariantCulture, out _))
        .Select(Identity)
        .OfType<string>()];

    private string? Identity(string directory)
    {
        try
        {
            var output = File.ResolveLinkTarget(Path.Combine(directory, "fd/1"), returnFinalTarget: false)?.FullName; // its log, whatever root it has
            var stat = File.ReadAllText(Path.Combine(directory, "stat"));
            return output?.StartsWith(fixture.Serval.DataDirectory, StringComparison.Ordinal) == true
                ? $"{Path.GetFileName(directory)}@{stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[19]}"
                : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null; // gone meanwhile, or somebody else's
        }
    }
}
