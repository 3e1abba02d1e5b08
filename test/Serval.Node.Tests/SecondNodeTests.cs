using Serval.Kube;

namespace Serval.Node.Tests;

/// <summary>Of two agents on one data directory the second does not start, and what runs there goes on.</summary>
public sealed class SecondNodeTests
{
    [Fact]
    public async Task Second_IsRefused_AndWhatTheFirstRunsGoesOn()
    {
        await using var first = await TestNode.StartAsync();
        var flag = Path.Combine(first.Data, "flag");
        await first.CreateAsync(TestNode.Shell($"echo up; until test -e {flag}; do sleep 0.01; done; exit 7", pod: p => p["spec"]!["restartPolicy"] = "Never"));
        await first.LogAsync("up\n");

        await using (var second = new TestNode(data: first.Data) { KeepData = true })
        {
            var refused = await Assert.ThrowsAsync<DirectoryInUseException>(() => second.Agent.StartAsync(CancellationToken.None));
            Assert.Contains($"{first.Data} is in use by the process {Environment.ProcessId}", refused.Message, StringComparison.Ordinal);
            second.Agent.Kill(); // as when it is told twice to end
        }

        await File.WriteAllTextAsync(flag, "");
        var pod = await first.WhenAsync(p => p.Status.ContainerStatuses is [{ State.Terminated: not null }]);
        Assert.Equal(7, pod.Status.ContainerStatuses[0].State.Terminated!.ExitCode);
    }
}
