using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Serval.Api;
using Serval.Api.Networking;
using Serval.Kube;

namespace Serval.Signals.Tests;

/// <summary>How far Ingresses are, from gateways to controllers.</summary>
public sealed class RouteTests : IAsyncLifetime
{
    private static readonly ObjectKey s_key = new("d", "a");
    private readonly World _world = new();
    private readonly ConcurrentQueue<ObjectKey> _changed = [];
    private RemoteIngressStates _states = null!;

    public Task InitializeAsync()
    {
        _states = _world.Add(new RemoteIngressStates(_world.Peers, _world.Client, _world.Time, new Calm(), NullLogger<RemoteIngressStates>.Instance));
        _states.Changed = _changed.Enqueue;
        return Task.CompletedTask;
    }

    public async Task DisposeAsync() => await _world.DisposeAsync();

    [Fact]
    public async Task State_ComesWholeAndGoes()
    {
        Assert.Null(_states.StateOf(s_key)); // no gateway
        var gateway = new Gateway();
        var state = State(2) with { Error = "e", ServesOlder = true, Conflicts = [new HostConflict("h", new ObjectKey("d", "old"))], Warnings = ["w"], TlsProblems = ["t"] };
        await _world.Kube.CreateAsync(Kinds.KIngress, Ingress(), new WriteOptions());
        gateway.States[s_key] = state; // before anybody listens
        await _world.ServeAsync(PeerRole.Gateway, "g", new RoutesFeed(gateway, _world.Kube, _world.Time));
        await Poll.UntilAsync(() => _states.StateOf(s_key) is not null);
        var told = _states.StateOf(s_key)!;
        Assert.Equal(state.Conflicts, told.Conflicts);
        Assert.Equal(state.Warnings, told.Warnings);
        Assert.Equal(state.TlsProblems, told.TlsProblems);
        Assert.Equal(state with { Conflicts = [], Warnings = [], TlsProblems = [] }, told with { Conflicts = [], Warnings = [], TlsProblems = [] });
        Assert.Equal([s_key], _changed);
        gateway.Set(s_key, null);
        await Poll.UntilAsync(() => _states.StateOf(s_key) is null);
        await Poll.UntilAsync(() => _changed.Count == 2);
    }

    [Fact]
    public async Task State_IsTheWorstOfAllGateways_AndNoneWhileTheyDiffer()
    {
        var (one, two) = (new Gateway(), new Gateway());
        await _world.ServeAsync(PeerRole.Gateway, "one", new RoutesFeed(one, _world.Kube, _world.Time));
        await _world.ServeAsync(PeerRole.Gateway, "two", new RoutesFeed(two, _world.Kube, _world.Time));
        var other = new ObjectKey("d", "other"); // tells that a gateway was heard
        one.Set(other, State(1));
        two.Set(other, State(1));
        await Poll.UntilAsync(() => _states.StateOf(other) is not null);

        one.Set(s_key, State(1));
        one.Set(other, State(2));
        await Poll.UntilAsync(() => _states.StateOf(other) is null);
        Assert.Null(_states.StateOf(s_key)); // two has not come to it
        two.Set(s_key, State(1) with { Warnings = ["w"] });
        await Poll.UntilAsync(() => _states.StateOf(s_key)?.Warnings.Count == 1);
        one.Set(s_key, State(1) with { Error = "bad" });
        await Poll.UntilAsync(() => _states.StateOf(s_key)?.Error == "bad");
        two.Set(s_key, State(1) with { Uid = "another" });
        await Poll.UntilAsync(() => _states.StateOf(s_key) is null);
    }

    [Fact]
    public async Task Gateway_ThatIsLost_HoldsUpNobody()
    {
        var (one, two) = (new Gateway(), new Gateway());
        await _world.ServeAsync(PeerRole.Gateway, "one", new RoutesFeed(one, _world.Kube, _world.Time));
        var second = await _world.ServeAsync(PeerRole.Gateway, "two", new RoutesFeed(two, _world.Kube, _world.Time));
        one.Set(s_key, State(1));
        two.Set(s_key, State(1));
        await Poll.UntilAsync(() => _states.StateOf(s_key) is { Generation: 1 });
        one.Set(s_key, State(2));
        await Poll.UntilAsync(() => _states.StateOf(s_key) is null);
        _changed.Clear();
        await second.DisposeAsync();
        await _world.Time.AdvanceOnceAsync(TimeSpan.FromMilliseconds(50));
        await Poll.UntilAsync(() => _states.StateOf(s_key) is { Generation: 2 });
        await Poll.UntilAsync(() => _changed.Contains(s_key));
    }

    /// <summary>As when another controller begins to lead.</summary>
    [Fact]
    public async Task Gateway_ThatHasJustAppeared_IsWaitedFor_ButNotForLong()
    {
        var one = new Gateway();
        await _world.ServeAsync(PeerRole.Gateway, "one", new RoutesFeed(one, _world.Kube, _world.Time));
        one.Set(s_key, State(1));
        await Poll.UntilAsync(() => _states.StateOf(s_key) is not null);
        var mute = new Scripted("/signals/routes");
        await _world.ServeAsync(PeerRole.Gateway, "mute", mute);
        await mute.CameAsync();
        Assert.Null(_states.StateOf(s_key));
        _changed.Clear();
        await Poll.UntilAsync(() =>
        {
            _world.Time.Advance(TimeSpan.FromMilliseconds(100)); // in steps: the other one is to be heard meanwhile
            return _states.StateOf(s_key) is not null;
        });
        Assert.Contains(s_key, _changed);
    }

    [Fact]
    public async Task Gateway_WhoseLeaseLapses_HoldsUpNobody_ThoughItIsHeard()
    {
        var time = new ManualTime(); // of Leases alone, but for that of the one that is cut off: it stands still
        using var peers = new PeerDirectory(_world.Kube, time);
        await using var states = new RemoteIngressStates(peers, _world.Client, _world.Time, new Calm(), NullLogger<RemoteIngressStates>.Instance);
        var (one, cutOff) = (new Gateway(), new Gateway());
        await _world.ServeAsync(PeerRole.Gateway, "cut-off", new RoutesFeed(cutOff, _world.Kube, _world.Time));
        await using var server = await _world.StartAsync(new RoutesFeed(one, _world.Kube, _world.Time));
        await using var lease = PeerLease.Keep(_world.Kube, PeerRole.Gateway, "one", server, new Dictionary<string, string>(), time, NullLogger<PeerLease>.Instance);
        one.Set(s_key, State(1));
        cutOff.Set(s_key, State(1));
        await Poll.UntilAsync(() => states.StateOf(s_key) is { Generation: 1 });
        one.Set(s_key, State(2));
        await Poll.UntilAsync(() => states.StateOf(s_key) is null);
        while (peers.Find(PeerRole.Gateway, "cut-off") is not null)
        {
            await time.AdvanceOnceAsync(PeerLease.RenewPeriod);
            await Poll.UntilAsync(() => _world.Kube.Cache(Kinds.Lease).Get(new ObjectKey("knative-serving", "serval-gateway-one"))!.ToTree()["spec"]!["renewTime"]!.ToString() == KubeTime.MicroText(time.GetUtcNow()));
        }
        Assert.NotNull(peers.Find(PeerRole.Gateway, "one"));
        Assert.Equal(2, states.StateOf(s_key)?.Generation);
    }

    private static IngressState State(long generation) => new("uid", generation, "", false, [], [], []);

    private static KubeObject Ingress() => KubeObject.From(new JsonObject
    {
        ["apiVersion"] = Kinds.KIngress.ApiVersion, ["kind"] = Kinds.KIngress.Kind, ["metadata"] = new JsonObject { ["namespace"] = s_key.Namespace, ["name"] = s_key.Name },
    });

    /// <summary>A data plane.</summary>
    private sealed class Gateway : IIngressStates
    {
        public ConcurrentDictionary<ObjectKey, IngressState> States { get; } = [];

        public Action<ObjectKey>? Changed { get; set; }

        public IngressState? StateOf(ObjectKey ingress) => States.GetValueOrDefault(ingress);

        public void Set(ObjectKey ingress, IngressState? state)
        {
            if (state is null)
            {
                States.TryRemove(ingress, out _);
            }
            else
            {
                States[ingress] = state;
            }
            Changed?.Invoke(ingress);
        }
    }
}
