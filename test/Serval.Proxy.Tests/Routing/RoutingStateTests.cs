using Serval.Routing;

namespace Serval.Proxy.Tests.Routing;

public sealed class RoutingStateTests
{
    private static readonly BackendKey s_key = BackendKey.Revision("n", "r");
    private readonly ManualTime _time = new();
    private readonly RoutingState _state;

    public RoutingStateTests() => _state = new RoutingState(new GateServices(
        _time, new Picker(new Random(1)), new DemandReporter(null, _time), 100, _ => new UpstreamPool(_time, TimeSpan.FromMinutes(1))));

    private static BackendEndpoint E(string id, EndpointState state = EndpointState.Ready) => new("127.0.0.1", 1, id, state);

    private static RouteTable Routed(RevisionPolicy? policy = null) =>
        new RouteTableBuilder().Add("h", new RouteRule { Backends = [new WeightedBackend { Backend = s_key }] }).SetPolicy(s_key, policy ?? new()).Build(1);

    [Fact]
    public void Removed_AndNotRouted_IsForgotten()
    {
        _state.Publish(Routed());
        _state.Set(s_key, EndpointsSnapshot.Of(E("a")));
        var gate = _state.Find(s_key)!;
        _state.Remove(s_key);
        Assert.Same(gate, _state.Find(s_key)); // a route leads there
        _state.Publish(RouteTable.Empty);
        Assert.Equal(0, _state.Count);
        Assert.Null(gate.Hold(again: false, out var refusal)); // for who found it in the table before
        Assert.Equal(RequestOutcome.BackendRemoved, refusal);
    }

    [Fact]
    public void NotRouted_ThenRemoved_IsForgotten_AndLateSignalsDoNotBringItBack()
    {
        _state.Publish(Routed());
        _state.Set(s_key, EndpointsSnapshot.Of(E("a")));
        _state.Publish(RouteTable.Empty);
        Assert.Equal(1, _state.Count); // a revision without traffic
        _state.Remove(s_key);
        Assert.Equal(0, _state.Count);
        _state.SetInstance(s_key, E("a", EndpointState.Gone));
        Assert.Equal(0, _state.Count);
        _state.SetInstance(s_key, E("b")); // was starting
        _state.SetInstance(s_key, E("b", EndpointState.Draining));
        Assert.Equal(1, _state.Count);
        _state.SetInstance(s_key, E("b", EndpointState.Gone));
        Assert.Equal(0, _state.Count);
    }

    [Fact]
    public void Removed_WithARequestInFlight_IsForgottenAfterIt()
    {
        _state.Publish(Routed());
        _state.Set(s_key, EndpointsSnapshot.Of(E("a")));
        var gate = _state.Find(s_key)!;
        Assert.True(gate.TryEnter(out var instance));
        _state.Publish(RouteTable.Empty);
        _state.Remove(s_key);
        Assert.Equal(1, _state.Find(s_key)!.InFlightOf("a"));
        gate.Release(instance);
        _state.SetInstance(s_key, E("a", EndpointState.Gone)); // its pod's end
        Assert.Equal(0, _state.Count);
    }

    [Fact]
    public void Removed_AndMadeAgain_HasItsInstances_AndRoutesLeadThere()
    {
        _state.Publish(Routed());
        for (var i = 0; i < 3; i++)
        {
            _state.Set(s_key, EndpointsSnapshot.Of(E($"i{i}")));
            var rule = _state.Snapshot.Match("h", "/"u8, default(NoHeaders), clusterLocal: true);
            Assert.Same(_state.Find(s_key), rule!.Gates.Single());
            Assert.True(rule.Gates.Single().TryEnter(out var instance));
            Assert.Equal($"i{i}", instance.Id);
            rule.Gates.Single().Release(instance);
            _state.Remove(s_key);
            if (i == 1)
            {
                _state.Publish(RouteTable.Empty);
                _state.Publish(Routed());
            }
        }
    }

    [Fact]
    public void Policies_AreSet_BeforeTheRoutesAreThere()
    {
        _state.Publish(new RouteTableBuilder().SetPolicy(s_key, new RevisionPolicy()).Build(1));
        _time.FailOnce(new InvalidOperationException("while the policy is set"));
        Assert.Throws<InvalidOperationException>(() => _state.Publish(Routed(new RevisionPolicy { ContainerConcurrency = 2 })));
        Assert.Null(_state.Snapshot.Match("h", "/"u8, default(NoHeaders), clusterLocal: true));
        _state.Publish(Routed(new RevisionPolicy { ContainerConcurrency = 2 }));
        var gate = _state.Snapshot.Match("h", "/"u8, default(NoHeaders), clusterLocal: true)!.Gates.Single();
        Assert.Equal(2, gate.Policy.ContainerConcurrency);
    }

    /// <summary>The last signal of one instance, which may end the gate, beside the first level of another.</summary>
    [Fact]
    public async Task Set_WhileTheGateIsRetired_IsNotLost()
    {
        _state.Publish(RouteTable.Empty);
        for (var i = 0; i < 2000; i++)
        {
            var key = BackendKey.Revision("n", $"r{i}");
            _state.SetInstance(key, E("old"));
            using var start = new Barrier(2);
            var ending = Task.Run(() =>
            {
                start.SignalAndWait();
                _state.SetInstance(key, E("old", EndpointState.Gone));
            });
            start.SignalAndWait();
            _state.Set(key, EndpointsSnapshot.Of(E("new")));
            await ending;
            Assert.True(_state.Find(key)?.TryEnter(out _), $"round {i}");
        }
    }

    private readonly struct NoHeaders : IRequestHeaders
    {
        public bool Has(string name, ReadOnlySpan<byte> value) => false;
    }
}
