namespace Serval.FunctionalTests;

/// <summary>What a killed Serval leaves on the machine goes with the next start of any Serval, also when its data directory is deleted.</summary>
public sealed class LeftoverTests
{
    [Fact]
    public async Task ServalKilledAndItsDirectoryDeleted_IsSweptByTheNext()
    {
        var (killed, next) = (Directory.CreateTempSubdirectory("serval-test-").FullName, Directory.CreateTempSubdirectory("serval-test-").FullName);
        await using (var serval = await ServalProcess.UpAsync(killed))
        {
            var conditions = (await serval.Api.GetAsync("/api/v1/nodes"))["items"]![0]!["status"]!["conditions"]!.AsArray();
            Assert.Equal(conditions.Any(c => (string)c!["type"]! == "PodNetwork" && (string)c["status"]! == "True"), Of(killed).Count > 0);
            await serval.KillAsync();
        }
        Directory.Delete(killed, recursive: true);

        await using (await ServalProcess.UpAsync(next))
        {
            Assert.Empty(Of(killed));
        }
        Assert.Empty(Of(next));
        Directory.Delete(next, recursive: true);
    }

    /// <summary>Interfaces that bear the name of a data directory.</summary>
    internal static List<string> Of(string data) =>
        [.. Directory.GetDirectories("/sys/class/net").Where(i => File.Exists(i + "/ifalias") && File.ReadAllText(i + "/ifalias").Contains(data, StringComparison.Ordinal))];
}
