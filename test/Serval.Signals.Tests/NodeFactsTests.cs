using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Serval.Api;
using Serval.Api.Core;
using Serval.Kube;

namespace Serval.Signals.Tests;

/// <summary>What others ask nodes: what pods use, what images are; and what gateways tell them: lines of request logs.</summary>
public sealed class NodeFactsTests : IAsyncLifetime
{
    private readonly World _world = new();

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await _world.DisposeAsync();

    [Fact]
    public async Task Usage_ComesFromWhicheverNodeRunsThePod_AndIsForgottenWithIt()
    {
        var (first, second) = (new Usages(), new Usages());
        await _world.ServeAsync(PeerRole.Node, "n1", new UsageEndpoint(first));
        var other = await _world.ServeAsync(PeerRole.Node, "n2", new UsageEndpoint(second));
        first.Of["a"] = new PodUsage(TimeSpan.FromSeconds(1.5), 7);
        second.Of["b"] = new PodUsage(TimeSpan.FromMilliseconds(3), 1L << 40);
        await using var usage = new RemotePodUsage(_world.Peers, _world.Client, _world.Time, NullLogger<RemotePodUsage>.Instance);

        Assert.Null(usage.UsageOf("a"));
        Assert.Null(usage.UsageOf("b"));
        await _world.Time.AdvanceOnceAsync(RemotePodUsage.Period); // the first time, perhaps, the one pod alone was asked about
        await Poll.UntilAsync(() => usage.UsageOf("a")?.Age == TimeSpan.Zero && usage.UsageOf("b")?.Age == TimeSpan.Zero);
        Assert.Equal(first.Of["a"], usage.UsageOf("a"));
        Assert.Equal(second.Of["b"], usage.UsageOf("b"));
        Assert.Null(usage.UsageOf("c"));

        await other.KillAsync();
        second.Of.Clear();
        first.Of["a"] = new PodUsage(TimeSpan.FromSeconds(2), 8);
        await _world.Time.AdvanceOnceAsync(RemotePodUsage.Period);
        await Poll.UntilAsync(() => usage.UsageOf("a")?.Memory == 8);
        Assert.Equal(RemotePodUsage.Period, usage.UsageOf("b")?.Age);
        _world.Time.Advance(TimeSpan.FromSeconds(8));
        Assert.Null(usage.UsageOf("b"));
    }

    [Fact]
    public async Task Usage_OfManyPods_IsKnownOfAll()
    {
        var node = new Usages();
        var pods = Enumerable.Range(0, 200).Select(_ => Guid.NewGuid().ToString()).ToList();
        pods.ForEach(p => node.Of[p] = new PodUsage(TimeSpan.FromSeconds(1), 7));
        await _world.ServeAsync(PeerRole.Node, "n1", new UsageEndpoint(node));
        await using var usage = new RemotePodUsage(_world.Peers, _world.Client, _world.Time, NullLogger<RemotePodUsage>.Instance);
        pods.ForEach(p => usage.UsageOf(p));
        await Poll.UntilAsync(() => node.Asked > 0);
        await _world.Time.AdvanceOnceAsync(RemotePodUsage.Period); // now all are asked about at once
        await Poll.UntilAsync(() => pods.All(p => usage.UsageOf(p) is not null));
    }

    [Fact]
    public async Task Usage_IsAskedForOnlyWhileSomebodyWantsToKnow()
    {
        var node = new Usages();
        await _world.ServeAsync(PeerRole.Node, "n1", new UsageEndpoint(node));
        await using var usage = new RemotePodUsage(_world.Peers, _world.Client, _world.Time, NullLogger<RemotePodUsage>.Instance);
        usage.UsageOf("a");
        await Poll.UntilAsync(() => node.Asked > 0);
        await Poll.UntilAsync(() =>
        {
            _world.Time.Advance(RemotePodUsage.Period);
            return !usage.IsAsking;
        });
        var asked = node.Asked;

        _world.Time.Advance(TimeSpan.FromSeconds(10)); // less than a Lease lives

        Assert.Equal(asked, node.Asked);
        usage.UsageOf("a");
        Assert.True(usage.IsAsking);
    }

    [Fact]
    public async Task Image_IsAskedOfOneNodeAfterTheOther()
    {
        var none = new Images(null);
        await _world.ServeAsync(PeerRole.Node, "n1", new ImageEndpoint(none));
        var resolver = new RemoteImageResolver(_world.Peers, _world.Client);
        Assert.Equal("no a/b:c&d here", (await Assert.ThrowsAsync<ImageNotFoundException>(async () => await resolver.ResolveAsync("a/b:c&d", default))).Message);

        var dead = await _world.ServeAsync(PeerRole.Node, "n0", new ImageEndpoint(none));
        await dead.KillAsync();
        await _world.ServeAsync(PeerRole.Node, "n2", new ImageEndpoint(new Images("sha256:1")));

        Assert.Equal(new ResolvedImage("sha256:1", "a/b:c&d@sha256:1"), await resolver.ResolveAsync("a/b:c&d", default));
    }

    [Fact]
    public async Task Image_ThatNoNodeCanBeAskedAbout_IsNotCalledMissing()
    {
        var resolver = new RemoteImageResolver(_world.Peers, _world.Client);
        var refusal = await Assert.ThrowsAsync<ApiException>(async () => await resolver.ResolveAsync("x", default));
        Assert.Equal((503, "no node says what it is: no node is there"), (refusal.Code, refusal.Message));

        await (await _world.ServeAsync(PeerRole.Node, "n0", new ImageEndpoint(new Images(null)))).KillAsync();
        Assert.Equal(503, (await Assert.ThrowsAsync<ApiException>(async () => await resolver.ResolveAsync("x", default))).Code);
    }

    [Fact]
    public async Task RequestLog_LinesComeWholeToThePodsNode()
    {
        var taken = new StringBuilder();
        var pieces = 0;
        await _world.ServeAsync(PeerRole.Node, "n1", new RequestLogEndpoint((pod, lines) =>
        {
            if (pod != "u1")
            {
                return false;
            }
            var text = Encoding.UTF8.GetString(lines.Span);
            Assert.EndsWith("\n", text, StringComparison.Ordinal);
            taken.Append(text);
            pieces++;
            return true;
        }));
        var sender = new RequestLogSender(_world.Peers, _world.Client);
        var lines = string.Concat(Enumerable.Range(0, 200_000).Select(i => $"request {i}\n"));

        Assert.True(await sender.AppendAsync(PodOn("n1", "u1"), Encoding.UTF8.GetBytes(lines), default));
        Assert.Equal(lines, taken.ToString());
        Assert.Equal(3, pieces);
        Assert.False(await sender.AppendAsync(PodOn("n1", "gone"), "x\n"u8.ToArray(), default));
        Assert.False(await sender.AppendAsync(PodOn("n2", "u1"), "x\n"u8.ToArray(), default));
        Assert.False(await sender.AppendAsync(PodOn("n1", "u1"), new byte[(1 << 20) + 1], default)); // no line is as long
    }

    private static Pod PodOn(string node, string uid) => KubeObject.From(new JsonObject
    {
        ["apiVersion"] = "v1", ["kind"] = "Pod", ["metadata"] = new JsonObject { ["name"] = "p", ["namespace"] = "default", ["uid"] = uid }, ["spec"] = new JsonObject { ["nodeName"] = node },
    }).As<Pod>();

    private sealed class Usages : IPodUsage
    {
        private int _asked;

        public System.Collections.Concurrent.ConcurrentDictionary<string, PodUsage> Of { get; } = [];

        public int Asked => Volatile.Read(ref _asked);

        public PodUsage? UsageOf(string uid)
        {
            Interlocked.Increment(ref _asked);
            return Of.TryGetValue(uid, out var used) ? used : null;
        }
    }

    private sealed class Images(string? digest) : IImageResolver
    {
        public ValueTask<ResolvedImage> ResolveAsync(string reference, CancellationToken ct) => digest is null
            ? throw new ImageNotFoundException($"no {reference} here")
            : ValueTask.FromResult(new ResolvedImage(digest, $"{reference}@{digest}"));
    }
}
