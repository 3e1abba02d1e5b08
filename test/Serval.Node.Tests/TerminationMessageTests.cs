using Serval.Api.Core;

namespace Serval.Node.Tests;

/// <summary>What a container that ended leaves as its message.</summary>
public sealed class TerminationMessageTests
{
    private const string Own = "/term-test/message";

    [PrivilegedTheory]
    [InlineData("echo log; echo -n said > /term-test/message; exit 3", "File", "said")]
    [InlineData("echo log; echo -n said > /term-test/message; exit 0", "File", "said")]
    [InlineData("echo log; exit 3", "File", "")]
    [InlineData("echo log; exit 3", "FallbackToLogsOnError", "log\n")]
    [InlineData("echo log; exit 0", "FallbackToLogsOnError", "")]
    [InlineData("echo log; echo -n said > /term-test/message; exit 3", "FallbackToLogsOnError", "said")]
    public async Task OwnPath_IsAFileOfTheContainer(string script, string policy, string expected)
    {
        Assert.Equal(expected, await MessageAsync(script, policy, Own));
        Assert.False(Path.Exists("/term-test"));
    }

    [PrivilegedFact]
    public async Task OwnPath_LongMessage_ItsEndIsTaken()
    {
        Assert.Equal(
            new string('x', 4093) + "end",
            await MessageAsync("head -c 5000 /dev/zero | tr '\\0' x > /term-test/message; echo -n end >> /term-test/message", "File", Own));
    }

    [Theory]
    [InlineData("/dev/termination-log", null)]
    [InlineData(Own, false)]
    public async Task NoFile_TheLogSpeaksOfAnError(string path, bool? allowMounts)
    {
        Assert.Equal("log\n", await MessageAsync("echo log; exit 3", "File", path, allowMounts));
        Assert.Equal("", await MessageAsync("echo log; exit 0", "File", path, allowMounts));
    }

    [PrivilegedFact]
    public async Task OwnPath_NextRun_BeginsWithAnEmptyFile()
    {
        await using var node = await TestNode.StartAsync();
        var flag = Path.Combine(node.Data, "flag");
        await node.CreateAsync(TestNode.Shell(
            $"test -e {flag} && exit 4; touch {flag}; echo -n said > {Own}; exit 3", c => c["terminationMessagePath"] = Own));

        var pod = await node.WhenAsync(p => p.Status.ContainerStatuses is [{ LastState.Terminated.ExitCode: 4 }]);

        Assert.Equal("", pod.Status.ContainerStatuses[0].LastState.Terminated!.Message);
    }

    private static async Task<string> MessageAsync(string script, string policy, string path, bool? allowMounts = null)
    {
        await using var node = await TestNode.StartAsync(allowMounts: allowMounts);
        await node.CreateAsync(TestNode.Shell(
            script,
            c => (c["terminationMessagePath"], c["terminationMessagePolicy"]) = (path, policy),
            p => p["spec"]!["restartPolicy"] = "Never"));
        Pod pod = await node.WhenAsync(p => p.Status.ContainerStatuses is [{ State.Terminated: not null }]);
        return pod.Status.ContainerStatuses[0].State.Terminated!.Message;
    }
}
