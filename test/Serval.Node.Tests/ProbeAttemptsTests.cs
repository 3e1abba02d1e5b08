using Serval.Api.Core;
using Serval.Node.Probes;

namespace Serval.Node.Tests;

public sealed class ProbeAttemptsTests
{
    private static readonly Probe s_http = new()
    {
        HttpGet = new HttpGetAction { Path = "ready", Scheme = "HTTPS", HttpHeaders = [new HttpHeader("Authorization", "hidden")] },
    };

    [Fact]
    public async Task Failures_AreToldAtEachStepWithTheirNumber_AndForgottenAfterASuccess()
    {
        var time = new ManualTime();
        var told = new List<string>();
        var attempts = new ProbeAttempts(ProbeAttempts.Describe(s_http, new ProbeTarget("10.0.0.2", 8080)), [TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(10)], time, told.Add);

        await FailAsync(attempts, time, 4);
        Assert.Equal(["status 503 (GET https://10.0.0.2:8080/ready, failed 3 times in 2s)"], told);
        await Assert.ThrowsAsync<OperationCanceledException>(() => attempts.RunAsync(_ => throw new OperationCanceledException(), CancellationToken.None));
        await FailAsync(attempts, time, 20);
        Assert.Equal("status 503 (GET https://10.0.0.2:8080/ready, failed 12 times in 10s)", told[1]);

        await attempts.RunAsync(_ => Task.FromResult(ProbeResult.Success), CancellationToken.None);
        told.Clear();
        await FailAsync(attempts, time, 3);
        Assert.Equal(["status 503 (GET https://10.0.0.2:8080/ready, failed 3 times in 2s)"], told);
    }

    [Fact]
    public void Description_OfACommand_HasNoArguments() =>
        Assert.Equal("command", ProbeAttempts.Describe(new Probe { Exec = new ExecAction { Command = ["login", "secret"] } }, null));

    private static async Task FailAsync(ProbeAttempts attempts, ManualTime time, int times)
    {
        for (var i = 0; i < times; i++)
        {
            await attempts.RunAsync(_ => Task.FromResult(ProbeResult.Failure("status 503")), CancellationToken.None);
            time.Advance(TimeSpan.FromSeconds(1));
        }
    }
}
