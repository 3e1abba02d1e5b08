using Microsoft.Extensions.Logging;
using Serval.Api;
using Serval.Controllers.Tests.Autoscaler;
using Serval.Controllers.Tests.TestServices;
using Serval.Kube;

namespace Serval.Controllers.Tests.Runtime;

public sealed class ControllerHostTests
{
    private static readonly Dictionary<string, Exception> s_failures = new()
    {
        ["refusal"] = new ApiException(503, "ServiceUnavailable", "no"),
        ["disk"] = new IOException("no"),
        ["owner"] = new OwnerConflictException(Kinds.ConfigMap, new ObjectKey("n1", "a"), null),
        ["defect"] = new InvalidOperationException("no"),
        ["missing"] = new KeyNotFoundException("no"),
        ["race"] = ApiException.Conflict(Kinds.ConfigMap, "a", "no"),
        ["closing"] = ApiException.NamespaceTerminating(Kinds.Pod, "", "n1"),
    };

    /// <summary>Whoever scans logs for errors must find defects there, and only them.</summary>
    [Theory]
    [InlineData("refusal", LogLevel.Warning)]
    [InlineData("disk", LogLevel.Warning)]
    [InlineData("owner", LogLevel.Warning)]
    [InlineData("defect", LogLevel.Error)]
    [InlineData("missing", LogLevel.Error)]
    public async Task FailedRun_IsAWarning_AndADefectAnError(string failure, LogLevel expected)
    {
        var (log, events, _) = await RunAsync(failure);
        Assert.Equal($"{expected}: failing n1/a: failed, will be tried again: {s_failures[failure].Message}", Assert.Single(log));
        Assert.Equal($"Warning InternalError ConfigMap/a: {s_failures[failure].Message}", Assert.Single(events));
    }

    /// <summary>Neither is worth a word: a race is run again, and a namespace that goes ends the work.</summary>
    [Theory]
    [InlineData("race", 1)]
    [InlineData("closing", 0)]
    public async Task FailedRun_ThatIsNobodysFault_IsNotTold(string failure, int retries)
    {
        var (log, events, pending) = await RunAsync(failure);
        Assert.All(log, line => Assert.StartsWith("Debug: ", line, StringComparison.Ordinal));
        Assert.Empty(events);
        Assert.Equal(retries, pending);
    }

    [Fact]
    public async Task RunAll_RunsTheObjectsOfAKindAgain_OnceStarted()
    {
        var time = new ManualTime();
        var client = new FakeKubeClient(time);
        await client.CreateAsync(Kinds.ConfigMap, KubeObject.Parse("""{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"n1"} }"""u8.ToArray()), WriteOptions.By("test"));
        var counting = new Counting();
        await using var host = new ControllerHost(client, new RecordedEvents(), time, new LogLines<ControllerHost>()).Add(counting);
        host.RunAll(Kinds.ConfigMap);
        Assert.Equal(0, host.Pending);
        await host.StartAsync(CancellationToken.None);
        await Poll.UntilAsync(() => host.Pending == 0);
        host.RunAll(Kinds.Secret);
        host.RunAll(Kinds.ConfigMap);
        await Poll.UntilAsync(() => host.Pending == 0);
        Assert.Equal(2, counting.Runs);
    }

    private static async Task<(IReadOnlyCollection<string> Log, IReadOnlyList<string> Events, int Pending)> RunAsync(string failure)
    {
        var time = new ManualTime();
        var client = new FakeKubeClient(time);
        var log = new LogLines<ControllerHost>();
        var events = new RecordedEvents();
        await client.CreateAsync(Kinds.ConfigMap, KubeObject.Parse("""{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"n1"} }"""u8.ToArray()), WriteOptions.By("test"));
        await using var host = new ControllerHost(client, events, time, log).Add(new Failing(s_failures[failure]));
        await host.StartAsync(CancellationToken.None);
        await Poll.UntilAsync(() => host.Pending <= time.Armed);
        return (log.Lines, events.Take(), host.Pending);
    }

    private sealed class Counting : IReconciler
    {
        private int _runs;

        public int Runs => _runs;

        public string Name => "counting";

        public ResourceKind Kind => Kinds.ConfigMap;

        public Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken ct)
        {
            Interlocked.Increment(ref _runs);
            return Task.FromResult(ReconcileResult.Done);
        }
    }

    private sealed class Failing(Exception failure) : IReconciler
    {
        public string Name => "failing";

        public ResourceKind Kind => Kinds.ConfigMap;

        public Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken ct) => throw failure;
    }
}
