using System.Diagnostics;
using Serval.Node.Processes;

namespace Serval.Node.Tests;

public sealed class UnrecordedOrphansTests : IDisposable
{
    private readonly string _pods = Directory.CreateTempSubdirectory("serval-orphans-").FullName;

    public void Dispose() => Directory.Delete(_pods, recursive: true);

    [Fact]
    public async Task Kill_EndsWhatWritesBelowThePods_AndNothingElse()
    {
        using var ours = Start(Path.Combine(_pods, "0.log"));
        var elsewhere = Path.GetTempFileName();
        using var other = Start(elsewhere);
        try
        {
            await ListeningAsync(ours, _pods);
            Assert.Equal(1, UnrecordedOrphans.Kill(_pods));
            await ours.WaitForExitAsync();
            Assert.False(other.HasExited);
        }
        finally
        {
            other.Kill();
            await other.WaitForExitAsync();
            File.Delete(elsewhere);
        }
    }

    private static Process Start(string log) => Process.Start("setsid", ["sh", "-c", $"exec sleep 1000 > {log}"]);

    private static Task ListeningAsync(Process process, string prefix) =>
        Poll.UntilAsync(() => ProcFs.LinkTarget($"/proc/{process.Id}/fd/1")?.StartsWith(prefix, StringComparison.Ordinal) == true);
}
