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
    public void SharedSlots_AreKeptTo_AndALargerShareIsTakenAtOnce()
    {
        _state.Publish(Routed(new RevisionPolicy { ContainerConcurrency = 5 }));
        _state.Set(s_key, EndpointsSnapshot.Of(E("a")));
        _state.ShareSlots(1, 2);
        var gate = _state.Find(s_key)!;
        Assert.True(gate.TryEnter(out _));
        Assert.True(gate.TryEnter(out _));
        Assert.False(gate.TryEnter(out _)); // the other gateway has three
        var waiters = Enumerable.Range(0, 4).Select(_ => gate.Hold(again: false, out var _)!).ToList();
        _state.ShareSlots(0, 1); // it is alone now
        Assert.Equal([true, true, true, false], waiters.Select(w => w.Settled.IsCompleted));
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

    [Fact]
    public void RuleOfTwoHosts_IsKept_WhileOneHasIt()
    {
        RouteRule[] rules = [new RouteRule { Backends = [new WeightedBackend { Backend = s_key }] }];
        var table = RouteTable.Empty.With(1, [new("a", rules), new("b", rules)], []);
        _state.Publish(table);
        var compiled = Matched("a");
        Assert.Same(compiled, Matched("b"));
        _state.Publish(table = table.With(2, [new("a", null)], []));
        Assert.Null(Matched("a"));
        Assert.Same(compiled, Matched("b"));
        _state.Publish(table.With(3, [new("b", null)], []));
        Assert.Equal(0, _state.Count);
    }

    /// <summary>Tables that were made of the one before, and such as were not, come to what the newest one says.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Changes_InAnyOrder_ComeToWhatTheNewestTableSays(int seed)
    {
        var random = new Random(seed);
        var table = RouteTable.Empty;
        string[] hosts = ["a", "b", "c", "*.d", "*"];
        RouteRule[] rules = [.. Enumerable.Range(0, 4).Select(i => new RouteRule { Backends = [Share(i), Share(random.Next(4))] })];
        for (var version = 1; version < 500; version++)
        {
            var changes = random.GetItems(hosts, random.Next(4)).Select(h =>
                KeyValuePair.Create(h, random.Next(3) == 0 ? null : (IReadOnlyList<RouteRule>)random.GetItems(rules, random.Next(1, 3)))).ToList();
            var policies = random.GetItems([0, 1, 2, 3], random.Next(2)).Select(i =>
                KeyValuePair.Create(Key(i), random.Next(2) == 0 ? null : new RevisionPolicy { ContainerConcurrency = version })).ToList();
            table = table.With(version, changes, policies);
            if (random.Next(4) > 0)
            {
                _state.Publish(table); // else the next one was made of a table this proxy never saw
                foreach (var host in (string[])["a", "b", "c", "x.d", "e"])
                {
                    var wanted = table.Match(host, "/", clusterLocal: true);
                    Assert.Equal(wanted?.Backends.Where(b => b.Weight > 0).Select(b => b.Backend), Matched(host)?.Gates.Select(g => g.Key));
                    Assert.All(Matched(host)?.Gates ?? [], g => Assert.Same(_state.Find(g.Key), g));
                }
                Assert.All(table.Policies, p => Assert.Equal(p.Value, _state.Find(p.Key)!.Policy));
                var named = table.Hosts.Values.Concat(table.WildcardHosts).SelectMany(h => h.Rules).SelectMany(r => r.Backends).Where(b => b.Weight > 0).Select(b => b.Backend).Concat(table.Policies.Keys).Distinct();
                Assert.Equal(named.Count(), _state.Count);
            }
        }

        static BackendKey Key(int i) => BackendKey.Revision("n", $"r{i}");
        static WeightedBackend Share(int i) => new() { Backend = Key(i), Weight = i };
    }

    private CompiledRule? Matched(string host) => _state.Snapshot.Match(host, "/"u8, default(NoHeaders), clusterLocal: true);

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
