using Serval.Cli;
using Serval.Tests.Live;

namespace Serval.Tests.Cli;

public sealed class RoleTests : IDisposable
{
    private readonly TestCli _cli = new();

    public void Dispose() => _cli.Dispose();

    /// <summary>Roles may be started in any order: nothing is there yet, not even the file that says where.</summary>
    [Theory]
    [InlineData("controller")]
    [InlineData("gateway")]
    [InlineData("node")]
    public async Task Role_WithoutAServer_WaitsSaysForWhat_AndEndsWhenTold(string role)
    {
        using var stop = new CancellationTokenSource();
        var running = _cli.RunAsync("", stop.Token, role, "--kubeconfig", _cli["missing"]);
        await _cli.SaidAsync("waiting for");
        await stop.CancelAsync();
        var result = await running;
        Assert.Equal(ExitCodes.Ok, result.Code);
        Assert.StartsWith($"waiting for the kubeconfig {_cli["missing"]} …", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Role_WhoseServerIsDown_WaitsForIt()
    {
        await using (await LiveHost.StartAsync(_cli.Data))
        {
            // leaves a kubeconfig
        }
        using var stop = new CancellationTokenSource();
        var running = _cli.RunAsync("", stop.Token, "controller", "--kubeconfig", Path.Combine(_cli.Data, "kubeconfig"));
        await _cli.SaidAsync("waiting for the API server https://127.0.0.1:");
        await stop.CancelAsync();
        Assert.Equal(ExitCodes.Ok, (await running).Code);
    }

    /// <summary>What will not mend itself is not waited for.</summary>
    [Fact]
    public async Task Role_TheServerDoesNotKnow_IsRefused()
    {
        await using var host = await LiveHost.StartAsync(_cli.Data);
        var own = await File.ReadAllTextAsync(host.KubeconfigPath);
        await File.WriteAllLinesAsync(
            _cli["stranger"], own.Split('\n').Where(l => !l.Contains("client-key-data", StringComparison.Ordinal)).Select(l => l.Contains("client-certificate-data", StringComparison.Ordinal) ? "    token: stranger" : l));
        var result = await _cli.RunAsync("gateway", "--kubeconfig", _cli["stranger"]);
        Assert.Equal(ExitCodes.Refused, result.Code);
        Assert.Contains("does not know who", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Role_WhoseKubeconfigIsBroken_IsToldWhy()
    {
        await File.WriteAllTextAsync(_cli["broken"], "contexts: {");
        var result = await _cli.RunAsync("node", "--kubeconfig", _cli["broken"]);
        Assert.Equal(ExitCodes.Usage, result.Code);
        Assert.Contains(_cli["broken"], result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gateway --name Up")]
    [InlineData("gateway --http-port 70000")]
    [InlineData("gateway --advertise nowhere")]
    [InlineData("node --node-name a..b")]
    [InlineData("node --pod-network maybe")]
    [InlineData("node --signals-port x")]
    [InlineData("controller --workloads some")]
    [InlineData("controller extra")]
    [InlineData("apiserver --audit none")]
    [InlineData("apiserver --listen here")]
    public async Task WrongOptions_AreOneMessage(string arguments)
    {
        var result = await _cli.RunAsync(arguments.Split(' '));
        Assert.Equal(ExitCodes.Usage, result.Code);
        Assert.Equal(1, result.Error.Count(c => c == '\n'));
        Assert.Contains($"see `serval {arguments.Split(' ')[0]} --help`", result.Error, StringComparison.Ordinal);
    }
}
