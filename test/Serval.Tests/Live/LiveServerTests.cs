using System.Text.Json.Nodes;
using Serval.Cli;
using Serval.Composition;
using Serval.Demo;
using Serval.Tests.Cli;

namespace Serval.Tests.Live;

public sealed class LiveServerTests : IDisposable
{
    private readonly TestCli _cli = new();

    public void Dispose() => _cli.Dispose();

    [Fact]
    public async Task ApplyGetDelete_OnTheRealServer_Work()
    {
        await using var host = await LiveHost.StartAsync(_cli.Data);
        var file = Path.Combine(SampleBuilder.FindSource(null), "service.yaml");

        Assert.Equal("service.serving.knative.dev/hello created\n", (await _cli.RunAsync("apply", "-f", file)).Out);
        Assert.Equal("service.serving.knative.dev/hello unchanged\n", (await _cli.RunAsync("apply", "-f", file)).Out);
        var table = (await _cli.RunAsync("get", "ksvc")).Lines;
        Assert.StartsWith("NAME    URL", table[0], StringComparison.Ordinal);
        Assert.StartsWith("hello", table[1], StringComparison.Ordinal);
        var yaml = (await _cli.RunAsync("get", "ksvc", "hello", "-o", "yaml")).Out;
        Assert.Contains("autoscaling.knative.dev/window: 6s", yaml, StringComparison.Ordinal);

        var changed = await _cli.RunAsync(yaml.Replace("window: 6s", "window: 7s", StringComparison.Ordinal), CancellationToken.None, "apply", "-f", "-");
        Assert.Equal(("service.serving.knative.dev/hello configured\n", ""), (changed.Out, changed.Error));
        var wrong = await _cli.RunAsync(
            (await File.ReadAllTextAsync(file)).Replace("containers:", "containerz:", StringComparison.Ordinal), CancellationToken.None, "apply", "-f", "-");
        Assert.Equal(ExitCodes.Refused, wrong.Code);
        Assert.Contains("containerz", wrong.Error, StringComparison.Ordinal);

        Assert.Equal(ExitCodes.Ok, (await _cli.RunAsync("delete", "-f", file)).Code);
        var missing = await _cli.RunAsync("get", "ksvc", "hello");
        Assert.Equal(ExitCodes.NotFound, missing.Code);
        Assert.Contains("hello", missing.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ApplyWait_OnTheRealServer_SeesReadyThroughTheWatch()
    {
        await using var host = await LiveHost.StartAsync(_cli.Data);
        var served = host.ServeAsync("hello");

        var result = await _cli.RunAsync("apply", "-f", Path.Combine(SampleBuilder.FindSource(null), "service.yaml"), "--wait");
        await served;

        Assert.Equal((ExitCodes.Ok, ""), (result.Code, result.Error));
        Assert.Equal("Hello from a test", (await _cli.RunAsync("invoke", "hello", "--gateway", host.GatewayUri.Authority)).Out);
        Assert.Equal(["hello"], (await _cli.RunAsync("get", "ksvc", "-o", "name")).Lines.Select(l => l.Split('/')[1]));
    }

    [Fact]
    public async Task Demo_EveryStep_IsTimedAndCleanedUp()
    {
        await using var host = await LiveHost.StartAsync(_cli.Data);
        var program = Directory.CreateDirectory(_cli["program"]).FullName;
        await File.WriteAllTextAsync(Path.Combine(program, "hello"), "");
        var output = new StringWriter();
        var context = new CliContext { In = TextReader.Null, Out = output, Error = output, RawOut = Stream.Null };
        var controllers = Task.WhenAll(host.ServeAsync("hello"), host.ScaleToZeroAfterAsync(201, "hello"));

        var report = await new DemoScript(context, output, host).RunAsync(
            program, Path.Combine(SampleBuilder.FindSource(null), "service.yaml"), "/dotnet", keep: false, CancellationToken.None);
        await controllers;

        Assert.Equal((200, 0, 0), (report.Burst.Requests, report.Burst.Failed, report.FailedRequests));
        Assert.Equal("hello-00001", report.Revision);
        Assert.All([report.ApplyToReadyMs, report.FirstByteMs, report.Burst.P99Ms, report.ScaleToZeroMs, report.WakeMs], ms => Assert.True(ms > 0));
        foreach (var step in (string[])["image add", "apply → Ready", "first byte", "burst of 200", "scale to zero", "wake from zero", "clean-up"])
        {
            Assert.Contains(step, output.ToString(), StringComparison.Ordinal);
        }
        Assert.Equal("dev.local/hello:latest", Assert.Single(host.Images.List()).Reference);
        Assert.Equal(ExitCodes.NotFound, (await _cli.RunAsync("get", "ksvc", "hello")).Code);
    }

    [Fact]
    public async Task Up_OverTheRealServer_ServesTheRemoteVerbs()
    {
        using var stop = new CancellationTokenSource();
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _cli.StartHost = async (ServalOptions options, CancellationToken _) =>
        {
            var host = await LiveHost.StartAsync(options.DataDirectory);
            started.SetResult();
            return host;
        };

        var running = _cli.RunAsync("", stop.Token, "up");
        await started.Task;
        var list = JsonNode.Parse((await _cli.RunAsync("get", "ns", "-o", "json")).Out);
        await stop.CancelAsync();
        var result = await running;

        Assert.Equal("default", (string?)list!["items"]![0]!["metadata"]!["name"]);
        Assert.Contains("Serval is ready", result.Out, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.NotReachable, (await _cli.RunAsync("get", "ns")).Code);
    }
}
