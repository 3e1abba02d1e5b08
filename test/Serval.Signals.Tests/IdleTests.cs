using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Serval.Api;
using Serval.Kube;

namespace Serval.Signals.Tests;

/// <summary>A node that waits until gateways have nothing in flight at an instance.</summary>
public sealed class IdleTests : IAsyncLifetime
{
    private static readonly ObjectKey s_revision = new("d", "rev");
    private readonly World _world = new();
    private readonly DirectCapacitySignal _node = new();
    private CapacityFeed _told = null!;
    private RemoteDrainGate _gate = null!;

    public Task InitializeAsync()
    {
        _told = new CapacityFeed(_node, _world.Time);
        _gate = new RemoteDrainGate("n", _told, _world.Peers, _world.Client, _world.Time, NullLogger<RemoteDrainGate>.Instance);
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        await _world.DisposeAsync();
        _told.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Instance_IsIdleWhenItIsAtEveryGateway(bool empty)
    {
        await _world.ServeAsync(PeerRole.Node, "n", _told);
        var (one, two) = (await GatewayAsync("one"), await GatewayAsync("two"));
        var idle = empty ? _gate.WhenEmptyAsync(s_revision, "uid", CancellationToken.None) : _gate.WhenIdleAsync(s_revision, "uid", CancellationToken.None);
        Assert.Equal(("d/rev", "uid", empty), await one.AskedAsync());
        await two.AskedAsync();
        one.Idle.SetResult();
        Assert.False(idle.IsCompleted);
        two.Idle.SetResult();
        await idle.WaitAsync(TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task Pod_OfNoRevision_AndANodeWithoutGateways_WaitForNobody()
    {
        Assert.True(_gate.WhenIdleAsync(s_revision, "uid", CancellationToken.None).IsCompletedSuccessfully);
        await GatewayAsync("one");
        Assert.True(_gate.WhenIdleAsync(new ObjectKey("d", ""), "uid", CancellationToken.None).IsCompletedSuccessfully);
    }

    /// <summary>The answer comes over another stream than what the node told before: it must not overtake that.</summary>
    [Fact]
    public async Task Gateway_IsNotIdleBeforeItKnowsWhatTheNodeTold()
    {
        var node = new Scripted("/signals/capacity");
        await _world.ServeAsync(PeerRole.Node, "n", node);
        var gateway = await GatewayAsync("one");
        await node.CameAsync();
        node.Send(Frame(_told.Number, InstanceState.Ready));
        await gateway.HeardAsync(InstanceState.Ready);
        _node.Publish(Instance(InstanceState.Draining));
        gateway.Idle.SetResult();
        var idle = _gate.WhenIdleAsync(s_revision, "uid", CancellationToken.None);
        await _world.Time.WhenAwaitedAsync(LineStream.Pulse).WaitAsync(TimeSpan.FromSeconds(20)); // the endpoint waits
        Assert.False(gateway.IsAsked);
        node.Send(Frame(_told.Number, InstanceState.Draining));
        await idle.WaitAsync(TimeSpan.FromSeconds(20));
        await gateway.HeardAsync(InstanceState.Draining);
    }

    [Fact]
    public async Task Gateway_ThatWasKilled_CountsAsIdleAfterTenSeconds()
    {
        await _world.ServeAsync(PeerRole.Node, "n", _told);
        var gateway = await GatewayAsync("one");
        var idle = _gate.WhenIdleAsync(s_revision, "uid", CancellationToken.None);
        await gateway.AskedAsync();
        await gateway.Served.KillAsync();
        for (var asked = TimeSpan.Zero; asked < LineStream.Silence; asked += TimeSpan.FromMilliseconds(500))
        {
            Assert.False(idle.IsCompleted);
            await _world.Time.AdvanceOnceAsync(TimeSpan.FromMilliseconds(500));
        }
        await idle.WaitAsync(TimeSpan.FromSeconds(20));
    }

    /// <summary>Its Lease tells less than it does itself.</summary>
    [Fact]
    public async Task Gateway_ThatDoesNotRenewItsLease_IsAskedWhileItAnswers()
    {
        await _world.ServeAsync(PeerRole.Node, "n", _told);
        var gateway = await GatewayAsync("one");
        _node.Publish(Instance(InstanceState.Ready));
        await gateway.HeardAsync(InstanceState.Ready);
        var (gate, peers) = Lapsed();
        using var owned = peers;
        var idle = gate.WhenIdleAsync(s_revision, "uid", CancellationToken.None);
        await CutOffAndAskedAgainAsync(gateway, idle);
    }

    [Fact]
    public async Task Gateway_ThatDoesNotRenewItsLease_AndIsOutOfReach_HoldsNothingUp()
    {
        await _world.ServeAsync(PeerRole.Node, "n", _told);
        await (await GatewayAsync("one")).Served.KillAsync();
        var (gate, peers) = Lapsed();
        using var owned = peers;
        var idle = gate.WhenIdleAsync(s_revision, "uid", CancellationToken.None);
        await _world.Time.AdvanceOnceAsync(TimeSpan.FromMilliseconds(500));
        await idle.WaitAsync(TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task Gateway_WhoseAnswerIsCutOff_IsAskedAgain()
    {
        await _world.ServeAsync(PeerRole.Node, "n", _told);
        var gateway = await GatewayAsync("one");
        var idle = _gate.WhenIdleAsync(s_revision, "uid", CancellationToken.None);
        await CutOffAndAskedAgainAsync(gateway, idle);
    }

    /// <summary>While the API server is away, say: it lives, and may have requests in flight.</summary>
    [Fact]
    public async Task Gateway_ThatCannotAnswerYet_IsNotTakenForIdle()
    {
        await _world.ServeAsync(PeerRole.Node, "n", _told);
        var gateway = await GatewayAsync("one");
        _node.Publish(Instance(InstanceState.Ready));
        await gateway.HeardAsync(InstanceState.Ready);
        _world.ReviewFailure = new ApiException(503, "ServiceUnavailable", "out of reach");
        var idle = _gate.WhenIdleAsync(s_revision, "uid", CancellationToken.None);
        for (var asked = TimeSpan.Zero; asked < LineStream.Silence * 2; asked += TimeSpan.FromMilliseconds(500))
        {
            Assert.False(idle.IsCompleted);
            await _world.Time.AdvanceOnceAsync(TimeSpan.FromMilliseconds(500));
        }
        _world.ReviewFailure = null;
        var reached = gateway.AskedAsync();
        while (!reached.IsCompleted)
        {
            // What waits so long may be somebody else's timer: then the next round is the one.
            if (await Task.WhenAny(reached, _world.Time.WhenAwaitedAsync(TimeSpan.FromMilliseconds(500))) != reached)
            {
                _world.Time.Advance(TimeSpan.FromMilliseconds(500));
            }
        }
        await reached;
        gateway.Idle.SetResult();
        await idle.WaitAsync(TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task Gateway_ThatRefusesToAnswer_IsNotTakenForIdle()
    {
        await GatewayAsync("one");
        _world.Allowed = false;
        using var grace = new CancellationTokenSource();
        var idle = _gate.WhenIdleAsync(s_revision, "uid", grace.Token);
        for (var asked = TimeSpan.Zero; asked < LineStream.Silence * 2; asked += TimeSpan.FromMilliseconds(500))
        {
            await _world.Time.AdvanceOnceAsync(TimeSpan.FromMilliseconds(500));
            Assert.False(idle.IsCompleted);
        }
        await grace.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => idle);
    }

    [Fact]
    public async Task Wait_IsGivenUpWithTheGracePeriod()
    {
        await _world.ServeAsync(PeerRole.Node, "n", _told);
        var gateway = await GatewayAsync("one");
        using var limit = new CancellationTokenSource();
        var idle = _gate.WhenIdleAsync(s_revision, "uid", limit.Token);
        await gateway.AskedAsync();
        await limit.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => idle);
        await Poll.UntilAsync(() => gateway.Line.Open == 0);
    }

    [Theory]
    [InlineData("")]
    [InlineData("?namespace=d&revision=rev&pod=u&node=n&after=1&until=never")]
    [InlineData("?namespace=d&revision=rev&pod=u&node=n&after=-1&until=idle")]
    [InlineData("?namespace=d&revision=rev&pod=u&node=n&after=x&until=idle")]
    [InlineData("?namespace=d&revision=rev&pod=u&pod=v&node=n&after=1&until=idle")]
    [InlineData("?namespace=d&revision=&pod=u&node=n&after=1&until=idle")]
    public async Task Question_ThatMakesNoSense_Is400(string query)
    {
        await GatewayAsync("one");
        var refused = await Assert.ThrowsAsync<ApiException>(
            () => _world.Client.SendAsync(_world.Peers.Find(PeerRole.Gateway, "one")!, HttpMethod.Get, "/signals/idle" + query, CancellationToken.None));
        Assert.Equal((400, "BadRequest"), (refused.Code, refused.Reason));
    }

    private static InstanceCapacity Instance(InstanceState state) =>
        new(new ObjectKey("d", "a"), "uid", s_revision, "10.1.0.7", new Dictionary<int, int> { [8080] = 8080 }, state);

    private static string Frame(long number, InstanceState state) => JsonSerializer.Serialize(
        new Frame<InstanceCapacity>(number, state == InstanceState.Ready, state == InstanceState.Ready, [Instance(state)]), SignalJson.Default.FrameInstanceCapacity);

    /// <summary>In whose eyes no gateway's Lease counts any more.</summary>
    private (RemoteDrainGate Gate, PeerDirectory Peers) Lapsed()
    {
        var time = new ManualTime();
        var peers = new PeerDirectory(_world.Kube, time);
        time.Advance(PeerLease.Duration);
        Assert.Empty(peers.Live(PeerRole.Gateway));
        return (new RemoteDrainGate("n", _told, peers, _world.Client, _world.Time, NullLogger<RemoteDrainGate>.Instance), peers);
    }

    private async Task CutOffAndAskedAgainAsync(Gateway gateway, Task idle)
    {
        await gateway.AskedAsync();
        gateway.Line.Cut();
        await _world.Time.AdvanceOnceAsync(TimeSpan.FromMilliseconds(500));
        await gateway.AskedAsync();
        Assert.False(idle.IsCompleted);
        gateway.Idle.SetResult();
        await idle.WaitAsync(TimeSpan.FromSeconds(20));
    }

    private async Task<Gateway> GatewayAsync(string id)
    {
        var signal = new DirectCapacitySignal();
        var gateway = new Gateway(signal);
        var reader = _world.Add(new CapacityReader(_world.Peers, _world.Client, signal, _world.Kube.Cache(Kinds.Pod), _world.Time, new Calm(), NullLogger<CapacityReader>.Instance));
        gateway.Line = new Line(new IdleEndpoint(gateway, reader, _world.Time));
        gateway.Served = await _world.ServeAsync(PeerRole.Gateway, id, gateway.Line);
        return gateway;
    }

    /// <summary>A data plane.</summary>
    private sealed class Gateway : IDrainGate
    {
        private readonly SemaphoreSlim _came = new(0);
        private readonly ConcurrentQueue<(string, string, bool)> _asked = [];
        private volatile InstanceCapacity? _heard;

        public Gateway(ICapacitySignal signal) => signal.Subscribe(c => _heard = c);

        public TaskCompletionSource Idle { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Line Line { get; set; } = null!;

        public World.Served Served { get; set; } = null!;

        public bool IsAsked => !_asked.IsEmpty;

        public Task HeardAsync(InstanceState state) => Poll.UntilAsync(() => _heard?.State == state);

        public async Task<(string Revision, string Pod, bool Empty)> AskedAsync()
        {
            Assert.True(await _came.WaitAsync(TimeSpan.FromSeconds(20)));
            Assert.True(_asked.TryDequeue(out var asked));
            return asked;
        }

        public Task WhenIdleAsync(ObjectKey revision, string podUid, CancellationToken ct) => Ask(revision, podUid, empty: false, ct);

        public Task WhenEmptyAsync(ObjectKey revision, string podUid, CancellationToken ct) => Ask(revision, podUid, empty: true, ct);

        private Task Ask(ObjectKey revision, string pod, bool empty, CancellationToken ct)
        {
            _asked.Enqueue((revision.ToString(), pod, empty));
            _came.Release();
            return Idle.Task.WaitAsync(ct);
        }
    }
}
