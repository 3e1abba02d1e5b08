using System.Diagnostics;

namespace Serval.FunctionalTests;

/// <summary>
/// The JavaScript client library of Kubernetes, @kubernetes/client-node from npm, in small programs of its users: each is a file of the folder
/// Node and ends with 0 when all was as it should be.
/// </summary>
public sealed class NodeClientTests(ServalFixture fixture) : IClassFixture<ServalFixture>
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(120);

    [Theory]
    [InlineData("apply.mjs")]
    [InlineData("errors.mjs")]
    [InlineData("expired.mjs")]
    [InlineData("informer.mjs")]
    [InlineData("objects.mjs")]
    [InlineData("streams.mjs")]
    public Task Program_OfTheLibrary_IsContent(string script) => RunAsync(script);

    [Fact]
    public async Task Logs_OfAPod_AreFollowed()
    {
        await fixture.Kubectl.ApplyAsync(Manifests.Deployment("node-logs"));
        await fixture.Kubectl.OkAsync("rollout", "status", "deployment/node-logs", "--timeout=60s");
        await RunAsync("logs.mjs");
    }

    private async Task RunAsync(string script)
    {
        var start = new ProcessStartInfo("node") { RedirectStandardError = true, RedirectStandardOutput = true };
        start.ArgumentList.Add(Repository.Path(Path.Combine("test/Serval.FunctionalTests/Node", script)));
        start.Environment["KUBECONFIG"] = fixture.Serval.Kubeconfig;
        start.Environment["CLIENT_NODE"] = Repository.Path("artifacts/tools/client-node/node_modules/@kubernetes/client-node/dist/index.js");
        using var process = Process.Start(start)!;
        var output = Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        try
        {
            await process.WaitForExitAsync().WaitAsync(s_patience);
        }
        catch (TimeoutException)
        {
            process.Kill();
        }
        await process.WaitForExitAsync();
        var said = string.Concat(await output);
        Assert.True(process.ExitCode == 0, $"{script} ended with {process.ExitCode}: {said}");
    }
}
