using System.Text;
using Serval.Api.Core;
using Serval.Api.Stories;

namespace Serval.Api.Tests.Stories;

/// <summary>What a pod's status says of why it is not ready.</summary>
public sealed class PodTroublesTests
{
    [Theory]
    [InlineData("""{"phase":"Pending"}""", "")]
    [InlineData("""{"containerStatuses":[{"name":"c","state":{"waiting":{"reason":"ContainerCreating"}}}]}""", "")]
    [InlineData("""{"conditions":[{"type":"Ready","status":"True"}],"containerStatuses":[{"name":"c","ready":true,"lastState":{"terminated":{"exitCode":1}}}]}""", "")]
    [InlineData("""{"containerStatuses":[{"name":"c","ready":true,"lastState":{"terminated":{"exitCode":1}}}]}""", "")]
    [InlineData("""{"initContainerStatuses":[{"name":"i","state":{"terminated":{"exitCode":0}}}],"containerStatuses":[{"name":"c"}]}""", "")]
    [InlineData("""{"conditions":[{"type":"PodScheduled","status":"False","reason":"Unschedulable","message":"no room"}]}""", "Failed Unschedulable: no room")]
    [InlineData("""{"initContainerStatuses":[{"name":"i","state":{"terminated":{"exitCode":2}}}]}""", "Failed ExitCode2: ended with exit code 2")]
    [InlineData("""{"containerStatuses":[{"name":"c","restartCount":3,"state":{"waiting":{"reason":"CrashLoopBackOff","message":"back-off 10s"}},"lastState":{"terminated":{"exitCode":3,"message":"first\nlast\n"}}}]}""", "Failed ExitCode3: ended with exit code 3, 3 restarts: last")]
    [InlineData("""{"containerStatuses":[{"name":"c","state":{"terminated":{"exitCode":139,"signal":11}}}]}""", "Failed ExitCode139: ended with exit code 139 (SIGSEGV)")]
    [InlineData("""{"containerStatuses":[{"name":"c","state":{"terminated":{"exitCode":137,"signal":9,"reason":"OOMKilled"}}}]}""", "Failed ExitCode137: ended with exit code 137 (SIGKILL, OOMKilled)")]
    [InlineData("""{"containerStatuses":[{"name":"c","state":{"terminated":{"exitCode":137,"reason":"OOMKilled"}}}]}""", "Failed ExitCode137: ended with exit code 137 (OOMKilled)")]
    [InlineData("""{"containerStatuses":[{"name":"c","state":{"waiting":{"reason":"ErrImagePull","message":"no such image"}}}]}""", "Failed ErrImagePull: no such image")]
    [InlineData("""{"containerStatuses":[{"name":"c","state":{"waiting":{"reason":"CreateContainerError"}}}]}""", "Failed CreateContainerError: CreateContainerError")]
    [InlineData("""{"conditions":[{"type":"Ready","status":"False","message":"containers with unready status: [b c]; container \"b\" has not opened port 80 after 2s; it listens on no port; container \"c\" is not ready: 503"}],"containerStatuses":[{"name":"a","ready":true},{"name":"b"},{"name":"c"}]}""", "Waiting NotListening: has not opened port 80 after 2s; it listens on no port")]
    [InlineData("""{"conditions":[{"type":"Ready","status":"False","message":"containers with unready status: [c]; container \"c\" is not ready: 503"}],"containerStatuses":[{"name":"b","ready":true},{"name":"c"}]}""", "Waiting ProbeFailed: is not ready: 503")]
    public void Of_Status_NamesTheFirstTrouble(string status, string trouble)
    {
        var found = PodTroubles.Of(Pod(status));

        Assert.Equal(trouble, found is null ? "" : $"{found.State} {found.Reason}: {found.Text}");
        Assert.True(found is null || found.Advice.Length > 0);
    }

    [Fact]
    public void Message_OfALongStory_KeepsTheAdvice()
    {
        var pod = Pod("""{"containerStatuses":[{"name":"c","state":{"terminated":{"exitCode":1,"message":"LONG"}}}]}""".Replace("LONG", new string('x', 4000), StringComparison.Ordinal));

        var message = PodTroubles.Message(pod, PodTroubles.Of(pod)!);

        Assert.Equal(PodTroubles.MostOfMessage, message.Length);
        Assert.StartsWith("Pod \"p\": ended with exit code 1: xxx", message, StringComparison.Ordinal);
        Assert.EndsWith("x…; see all that it printed with `serval logs`, correct the program or its settings and deploy again", message, StringComparison.Ordinal);
    }

    internal static Pod Pod(string status) =>
        KubeObject.Parse(Encoding.UTF8.GetBytes($$"""{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"status":{{status}} }""")).As<Pod>();
}
