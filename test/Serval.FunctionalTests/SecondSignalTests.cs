using System.Diagnostics;
using System.Globalization;

namespace Serval.FunctionalTests;

/// <summary>The second signal ends everything at once, programs that ignore the first one included.</summary>
public sealed class SecondSignalTests
{
    [Fact]
    public async Task ProgramsThatIgnoreTheFirst_DieWithTheSecond()
    {
        var mark = $"stubborn-{Guid.NewGuid():n}";
        var data = Directory.CreateTempSubdirectory("serval-test-").FullName;
        await ServalFixture.AddBusyboxAsync(data);
        var serval = await ServalProcess.UpAsync(data);
        try
        {
            var kubectl = new Kubectl(serval.Kubeconfig);
            await kubectl.ApplyAsync(Manifests.Deployment("stubborn").Replace(
                "echo first line;", $"trap '' TERM; : {mark}; echo first line;", StringComparison.Ordinal));
            await kubectl.OkAsync("wait", "--for=condition=Available", "deployment/stubborn", "--timeout=30s");
            await kubectl.FollowUntilAsync("first line", () => Task.CompletedTask, "logs", "--follow", "deployment/stubborn");
            Assert.NotEmpty(Marked(mark));

            await serval.TerminateAsync();
            await Poll.UntilAsync(() => serval.Errors.Contains("stopping", StringComparison.Ordinal));
            Assert.Equal(130, await serval.StopAsync());

            await Poll.UntilAsync(() => Marked(mark).Count == 0);
            Assert.Empty(LeftoverTests.Of(data));
        }
        finally
        {
            await serval.DisposeAsync();
            foreach (var pid in Marked(mark))
            {
                using var left = Process.GetProcessById(pid);
                left.Kill();
            }
            Directory.Delete(data, recursive: true);
        }
    }

    private static List<int> Marked(string mark) => [.. Directory.EnumerateDirectories("/proc")
        .Where(d => int.TryParse(Path.GetFileName(d), NumberStyles.None, CultureInfo.InvariantCulture, out _) && Command(d).Contains(mark, StringComparison.Ordinal))
        .Select(d => int.Parse(Path.GetFileName(d), CultureInfo.InvariantCulture))];

    private static string Command(string directory)
    {
        try
        {
            return File.ReadAllText(Path.Combine(directory, "cmdline"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return ""; // gone meanwhile
        }
    }
}
