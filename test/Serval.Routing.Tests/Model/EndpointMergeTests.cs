namespace Serval.Routing.Tests.Model;

public sealed class EndpointMergeTests
{
    private readonly EndpointMerge _merge = new();
    private TimeSpan _now;

    private static BackendEndpoint E(string id, EndpointState state = EndpointState.Ready) => new("127.0.0.1", 1000, id, state);

    private void Level(params BackendEndpoint[] endpoints) => _merge.SetLevel(EndpointsSnapshot.Of(endpoints), _now);

    private void Signal(string id, EndpointState state) => _merge.SetInstance(E(id, state), _now);

    private string Now() => string.Join(' ', _merge.Current.Endpoints.Select(e => $"{e.InstanceId}:{e.State}"));

    [Fact]
    public void ReadySignal_BeforeLevel_IsNotHiddenByAStaleLevel()
    {
        Signal("a", EndpointState.Ready);
        Level();
        Assert.Equal("a:Ready", Now());
        Level(E("a"));
        Assert.False(_merge.HasUnconfirmed);
        Level();
        Assert.Equal("", Now());
    }

    [Fact]
    public void GoneSignal_IsFinal()
    {
        Level(E("a"), E("b"));
        Signal("a", EndpointState.Gone);
        Assert.Equal("b:Ready", Now());
        Level(E("a"), E("b"));
        Assert.Equal("b:Ready", Now());
        Signal("a", EndpointState.Ready);
        Level(E("b"));
        Level(E("a"), E("b"));
        Assert.Equal("b:Ready", Now());
    }

    [Fact]
    public void DrainingSignal_HoldsAgainstAStaleReadyLevel()
    {
        Level(E("a"));
        Signal("a", EndpointState.Draining);
        Level(E("a"), E("b"));
        Assert.Equal("a:Draining b:Ready", Now());
        Level(E("a", EndpointState.Draining), E("b"));
        Level(E("a"), E("b"));
        Assert.Equal("a:Ready b:Ready", Now());
    }

    [Fact]
    public void UnconfirmedSignal_Expires_GoneDoesNot()
    {
        Signal("ghost", EndpointState.Ready);
        Signal("dead", EndpointState.Gone);
        _now += EndpointMerge.SignalLife;
        Level(E("dead"), E("b"));
        Assert.Equal("b:Ready", Now());
        Assert.False(_merge.HasUnconfirmed);
    }

    [Fact]
    public void GoneIds_AreForgottenOnlyWhenTheLevelNoLongerNamesThem()
    {
        Level([.. Enumerable.Range(0, 200).Select(i => E($"i{i}"))]);
        for (var i = 0; i < 200; i++)
        {
            Signal($"i{i}", EndpointState.Gone);
        }
        Assert.Equal("", Now());
        Level([.. Enumerable.Range(0, 200).Select(i => E($"i{i}"))]);
        Assert.Equal("", Now());
    }

    /// <summary>Whatever the interleaving of both sources, each in its own order, the end is what both agree on.</summary>
    [Fact]
    public void AnyInterleaving_Converges()
    {
        for (var seed = 0; seed < 500; seed++)
        {
            var random = new Random(seed);
            var merge = new EndpointMerge();
            var history = new List<BackendEndpoint[]> { Array.Empty<BackendEndpoint>() };
            var signals = new Queue<BackendEndpoint>();
            var state = new SortedDictionary<string, EndpointState>(StringComparer.Ordinal);
            for (var step = 0; step < 30; step++)
            {
                var id = $"i{random.Next(6)}";
                var next = state.TryGetValue(id, out var was) ? (EndpointState)random.Next(3) : EndpointState.Ready;
                if (was == EndpointState.Gone && state.ContainsKey(id))
                {
                    continue;
                }
                state[id] = next;
                signals.Enqueue(E(id, next));
                history.Add([.. state.Where(s => s.Value != EndpointState.Gone).Select(s => E(s.Key, s.Value))]);
            }
            var levels = new Queue<BackendEndpoint[]>(history);
            while (levels.Count + signals.Count > 0)
            {
                if (signals.Count > 0 && (levels.Count == 0 || random.Next(2) == 0))
                {
                    merge.SetInstance(signals.Dequeue(), TimeSpan.Zero);
                }
                else
                {
                    merge.SetLevel(EndpointsSnapshot.Of(levels.Dequeue()), TimeSpan.Zero);
                }
            }
            merge.Expire(EndpointMerge.SignalLife);
            Assert.Equal(history[^1].Order(Comparer).ToArray(), merge.Current.Endpoints.Order(Comparer).ToArray());
        }
    }

    private static readonly Comparer<BackendEndpoint> Comparer =
        Comparer<BackendEndpoint>.Create((a, b) => string.CompareOrdinal(a.InstanceId, b.InstanceId));
}
