using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Serval.Api;
using Serval.Kube;
using Serval.Node.Agent;

namespace Serval.Node.Tests;

/// <summary>What the Node of a machine says.</summary>
public sealed class NodeRegistrationTests
{
    // An API server that is not Serval's takes the first address of a type, and the port beside it (kubernetes pkg/kubelet/client).
    [Theory]
    [InlineData("10.1.2.3", """[{"type":"InternalIP","address":"10.1.2.3"},{"type":"InternalIP","address":"10.248.0.1"},{"type":"Hostname","address":"n1"}]""")]
    [InlineData("10.248.0.1", """[{"type":"InternalIP","address":"10.248.0.1"},{"type":"Hostname","address":"n1"}]""")]
    public async Task Door_IsFoundAtTheFirstAddress(string address, string addresses)
    {
        var (kube, key) = (new FakeKube(), ObjectKey.Cluster("n1"));
        await NodeRegistration.RegisterAsync(kube, "n1", "10.248.0.1", Path.GetTempPath(), [], TimeProvider.System, CancellationToken.None);
        var registered = kube.Cache(Kinds.Node).Get(key)!.ToTree()["status"]!;
        Assert.Equal("10.248.0.1", (string?)registered["addresses"]![0]!["address"]);
        Assert.Null(registered["daemonEndpoints"]);

        await NodeRegistration.TellDoorAsync(kube, "n1", IPAddress.Parse(address), 10250, "10.248.0.1", CancellationToken.None);

        var told = kube.Cache(Kinds.Node).Get(key)!.ToTree()["status"]!;
        Assert.Equal(Canonical(addresses), Canonical(told["addresses"]!.ToJsonString()));
        Assert.Equal("""{"kubeletEndpoint":{"Port":10250}}""", told["daemonEndpoints"]!.ToJsonString());
        Assert.Equal("Ready", (string?)told["conditions"]![0]!["type"]);
    }

    // kube-controller-manager says so of a node whose Lease stood still, and does not take it back.
    [Fact]
    public async Task Node_TakenForLost_SaysAgainThatItIsReady()
    {
        var (kube, key, time) = (new FakeKube(), ObjectKey.Cluster("n1"), new ManualTime());
        NodeCondition[] conditions = [NodeCondition.Limits("")];
        await NodeRegistration.RegisterAsync(kube, "n1", "10.248.0.1", Path.GetTempPath(), conditions, time, CancellationToken.None);
        var registered = Conditions();
        await using var heartbeat = new NodeHeartbeat(kube, "n1", conditions, time, NullLogger.Instance);
        time.Advance(NodeHeartbeat.Period);
        await kube.PatchAsync(
            Kinds.Node, key, new KubePatch(PatchType.Merge, """{"status":{"conditions":[{"type":"Ready","status":"Unknown"},{"type":"ResourceLimits","status":"True","lastTransitionTime":"2026-01-01T00:00:00Z"},{"type":"MemoryPressure","status":"Unknown"}]}}"""u8.ToArray()),
            WriteOptions.By("test", "status"));

        time.Advance(NodeHeartbeat.Period);
        await Poll.UntilAsync(() => Conditions()[0] is [_, "True", _]);

        Assert.Equal(["Ready", "ResourceLimits"], Conditions().Select(c => c[0]));
        Assert.NotEqual(registered[0][2], Conditions()[0][2]);
        Assert.Equal("2026-01-01T00:00:00Z", Conditions()[1][2]);

        List<string[]> Conditions() =>
            [.. kube.Cache(Kinds.Node).Get(key)!.ToTree()["status"]!["conditions"]!.AsArray().Select(c => (string[])[(string)c!["type"]!, (string)c["status"]!, (string?)c["lastTransitionTime"] ?? ""])];
    }

    // Whoever else watches over a machine has conditions of its own there (kubernetes/node-problem-detector), and writes when it likes.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Conditions_OfOthers_Stay(bool registers)
    {
        var (kube, key, time) = (new FakeKube(), ObjectKey.Cluster("n1"), new ManualTime());
        await RegisterAsync();
        Write("""[{"type":"Ready","status":"Unknown"},{"type":"DiskPressure","status":"Unknown"},{"type":"KernelDeadlock","status":"False","reason":"Fine"}]""");
        kube.BeforePatch = () =>
        {
            kube.BeforePatch = null;
            Write("""[{"type":"Ready","status":"Unknown"},{"type":"DiskPressure","status":"Unknown"},{"type":"KernelDeadlock","status":"True","reason":"Hung"}]""");
        };

        await (registers ? RegisterAsync() : NodeRegistration.RestoreAsync(kube, "n1", [], time, CancellationToken.None));

        Assert.Equal(
            ["Ready True NodeAgentReady", "KernelDeadlock True Hung"],
            kube.Cache(Kinds.Node).Get(key)!.ToTree()["status"]!["conditions"]!.AsArray().Select(c => $"{c!["type"]} {c["status"]} {c["reason"]}"));

        Task RegisterAsync() => NodeRegistration.RegisterAsync(kube, "n1", "10.248.0.1", Path.GetTempPath(), [], time, CancellationToken.None);

        void Write(string conditions) => _ = kube.PatchAsync(
            Kinds.Node, key, new KubePatch(PatchType.Merge, Encoding.UTF8.GetBytes($$$"""{"status":{"conditions":{{{conditions}}}}}""")), WriteOptions.By("test", "status"));
    }

    // A fault of any kind ends no heartbeat; its first look is told, those that follow are not, and that it is over is.
    [Fact]
    public async Task Failures_AreToldOnce_AndTheirEndToo()
    {
        var (kube, time, log) = (new FakeKube(), new ManualTime(), new LogLines());
        await NodeRegistration.RegisterAsync(kube, "n1", "10.248.0.1", Path.GetTempPath(), [], time, CancellationToken.None);
        await using var heartbeat = new NodeHeartbeat(kube, "n1", [], time, log);
        kube.GetFailure = new InvalidOperationException("broken");
        await LookAsync(1);
        await LookAsync(2);
        kube.GetFailure = null;
        await LookAsync(3);
        Assert.Equal([LogLevel.Warning, LogLevel.Debug, LogLevel.Information], log.Levels);

        async Task LookAsync(int lines)
        {
            time.Advance(NodeHeartbeat.Period);
            await Poll.UntilAsync(() => log.Levels.Count == lines);
        }
    }

    private sealed class LogLines : ILogger
    {
        private readonly ConcurrentQueue<LogLevel> _levels = [];

        public IReadOnlyCollection<LogLevel> Levels => _levels;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => _levels.Enqueue(logLevel);
    }

    private static string Canonical(string json) => Encoding.UTF8.GetString(CanonicalJson.Serialize(JsonNode.Parse(json)!));
}
