using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Serval.Cli;
using Serval.Kn;
using Serval.Tests.Remote;

namespace Serval.Tests.Kn;

public sealed class WaitTests : ServedVerbTests
{
    [Fact]
    public void See_StatesInTurn_TellsEachMessageOnce()
    {
        var story = new ReadyStory();

        Assert.Null(story.See(State("False", "of before", observed: 1)));
        Assert.Null(story.Failure);
        Assert.Equal("starting", story.See(State("Unknown", "starting")));
        Assert.Equal("...", story.See(State("Unknown", "starting")));
        Assert.Equal("gone wrong", story.See(State("False", "gone wrong")));
        Assert.Equal(("Because: gone wrong", false), (story.Failure, story.IsReady));
        Assert.Null(story.See(State("True", "")));
        Assert.Equal((null, true), (story.Failure, story.IsReady));
    }

    [Fact]
    public async Task Wait_FailureThatPasses_IsNone()
    {
        Watch(hang: false, State("False", "not yet"), State("Unknown", "better"), State("True", ""));

        var result = await Line.RunAsync("service", "wait", "hello", "--wait-window", "600");

        Assert.Equal((ExitCodes.Ok, "Service 'hello' in namespace 'default' is ready.\n"), (result.Code, result.Out));
        Assert.Matches(@"^ +\d+\.\d{3}s not yet\n +\d+\.\d{3}s better\n +\d+\.\d{3}s Ready to serve\.\n$", result.Error);
    }

    [Fact]
    public async Task Wait_FailureThatStays_EndsWithItsReason()
    {
        Watch(hang: true, State("False", "gone wrong"));

        var result = await Line.RunAsync("service", "wait", "hello", "--wait-window", "0");

        Assert.Equal(ExitCodes.Failed, result.Code);
        Assert.Contains("error: Because: gone wrong; see `serval service describe hello", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Wait_NothingHappens_IsATimeout()
    {
        Watch(hang: true, State("Unknown", "starting"));

        var result = await Line.RunAsync("service", "wait", "hello", "--wait-timeout", "0");

        Assert.Equal(ExitCodes.Timeout, result.Code);
        Assert.Contains("timeout: service 'hello' not ready after 0 seconds", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Update_OtherWriterInBetween_TriesAgainOnTheNewState()
    {
        var puts = 0;
        Server.Answers[$"GET {Services}/hello"] = (context, _) => context.Response.WriteAsync(State("True", "", version: puts == 0 ? "1" : "2").ToJsonString());
        Server.Answers[$"PUT {Services}/hello"] = (context, body) =>
        {
            context.Response.StatusCode = puts++ == 0 ? 409 : 200;
            return context.Response.WriteAsync(puts == 1 ? """{"reason":"Conflict","message":"changed"}""" : body!.ToJsonString());
        };

        var result = await Line.RunAsync("service", "update", "hello", "--label-service", "a=b");

        Assert.Equal((ExitCodes.Ok, "Service 'hello' updated in namespace 'default'.\nNo new revision has been created.\n"), (result.Code, result.Out));
        Assert.Equal(["1", "2"], Server.Requests.Where(r => r.Line.StartsWith("PUT", StringComparison.Ordinal)).Select(r => (string?)r.Body!["metadata"]!["resourceVersion"]));
    }

    private static JsonObject State(string ready, string message, int observed = 2, string version = "1") => Edits.Tree(
        $"{{metadata: {{name: hello, namespace: default, generation: 2, resourceVersion: '{version}'}}, status: {{observedGeneration: {observed}, conditions: [{{type: Ready, status: '{ready}', reason: Because, message: {message}}}]}}}}");

    private void Watch(bool hang, params JsonObject[] states)
    {
        Server.Json($"GET {Services}/hello", states[0].ToJsonString());
        Server.Answers[$"GET {Services}"] = async (context, _) =>
        {
            foreach (var state in states)
            {
                await context.Response.WriteAsync(new JsonObject { ["type"] = "MODIFIED", ["object"] = state.DeepClone() }.ToJsonString() + "\n");
            }
            await context.Response.Body.FlushAsync();
            if (hang)
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
            }
        };
    }
}
