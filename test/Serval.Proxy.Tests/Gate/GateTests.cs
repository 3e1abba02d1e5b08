using Serval.Routing;

namespace Serval.Proxy.Tests.Gates;

public sealed class GateTests
{
    private static readonly BackendKey s_key = BackendKey.Revision("n", "r");

    private static Gate NewGate(ManualTime time, int limit, int seed, IDemandSink? sink = null) => new(
        s_key,
        new RevisionPolicy { ContainerConcurrency = limit },
        new GateServices(time, new Picker(new Random(seed)), new DemandReporter(sink, time), 100, _ => new UpstreamPool(time, TimeSpan.FromMinutes(1))));

    private static BackendEndpoint E(string id, EndpointState state = EndpointState.Ready) => new("127.0.0.1", 1, id, state);

    /// <summary>Together the gateways keep to the limit, unless it is less than their number.</summary>
    [Theory]
    [InlineData(0, new[] { 0, 0, 0 })]
    [InlineData(1, new[] { 1, 1, 1 })]
    [InlineData(2, new[] { 1, 1, 1 })]
    [InlineData(3, new[] { 1, 1, 1 })]
    [InlineData(10, new[] { 4, 3, 3 })]
    [InlineData(11, new[] { 4, 4, 3 })]
    public void Slots_AreShared_ByRank(int limit, int[] shares)
    {
        var share = new SlotShare();
        Assert.Equal(limit, share.Of(limit));
        Assert.Equal(shares, shares.Select((_, rank) =>
        {
            share.Set(rank, shares.Length);
            return share.Of(limit);
        }));
    }

    /// <summary>
    /// Random arrivals, departures, cancellations, refusals and instance changes: never more than the limit at one instance, first come first
    /// served, no free slot while somebody waits, nobody forgotten behind instances that refused, and nothing lost at the end.
    /// </summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(10)]
    [InlineData(0)]
    public void AnyHistory_KeepsTheGatesFacts(int limit)
    {
        for (var seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            var time = new ManualTime();
            var gate = NewGate(time, limit, seed);
            var running = new List<Instance>();
            var waiting = new List<Waiter>();
            var state = new Dictionary<string, EndpointState>();
            var known = new Dictionary<string, Instance>();
            for (var step = 0; step < 400; step++)
            {
                switch (random.Next(10))
                {
                    case 0 or 1:
                        Arrive(gate, running, waiting, again: random.Next(10) == 0);
                        break;
                    case 2 or 3 when running.Count > 0:
                        var index = random.Next(running.Count);
                        gate.Release(running[index]);
                        running.RemoveAt(index);
                        break;
                    case 4 when waiting.Count > 0:
                        var victim = waiting[random.Next(waiting.Count)];
                        var cancelled = (gate.Cancel(victim, RequestOutcome.ClientAborted), gate.Cancel(victim, RequestOutcome.ClientAborted));
                        Assert.True(cancelled == (true, false), $"limit {limit}, seed {seed}, step {step}: cancelled {cancelled}");
                        Assert.Equal(RequestOutcome.ClientAborted, victim.Settled.Result.Refusal);
                        waiting.Remove(victim);
                        break;
                    case 5 when random.Next(2) == 0:
                        var id = $"i{random.Next(4)}-{step / 100}";
                        if (state.GetValueOrDefault(id) != EndpointState.Gone) // which is for ever
                        {
                            state[id] = (EndpointState)random.Next(3);
                            gate.SetInstance(E(id, state[id]));
                        }
                        break;
                    case 6 or 7 when running.Count > 0:
                        Refuse(gate, time, running, waiting, random.Next(running.Count), random.Next(9));
                        break;
                    case 8 when running.Count > 0 && random.Next(8) == 0:
                        gate.MarkGood(running[random.Next(running.Count)]);
                        break;
                    case 9:
                        time.Advance(TimeSpan.FromMilliseconds(random.Next(20)));
                        break;
                    default:
                        break;
                }
                Collect(running, waiting);
                Check(gate, running, waiting, limit, $"limit {limit}, seed {seed}, step {step}");
                var idle = state.Where(s => s.Value == EndpointState.Ready).Select(s => s.Key).FirstOrDefault(id => IsIdle(id, time, running, known, limit));
                Assert.True(waiting.Count == 0 || idle is null, $"limit {limit}, seed {seed}, step {step}: {waiting.Count} wait while {idle} has a free slot");
                if (step % 50 == 49)
                {
                    CheckProgress(gate, time, running, waiting, state.ContainsValue(EndpointState.Ready), seed, step);
                }
            }
            gate.SetInstance(E("last"));
            Collect(running, waiting);
            ReleaseAll(gate, running, waiting);
            Assert.True(waiting.Count == 0, $"limit {limit}, seed {seed}: {waiting.Count} wait at the end");
            Assert.True(gate.TakeDemand(out var demand));
            Assert.True((demand.InFlight, demand.Held) == (0, 0), $"limit {limit}, seed {seed}: {demand} at the end");
        }
    }

    [Fact]
    public async Task ManyThreads_NeverExceedTheLimit_AndLoseNothing()
    {
        var time = new ManualTime();
        var gate = NewGate(time, 2, 1);
        gate.SetLevel(EndpointsSnapshot.Of(E("a"), E("b"), E("c")));
        var counts = new int[3];
        async Task RunAsync(int seed)
        {
            var random = new Random(seed);
            for (var i = 0; i < 3000; i++)
            {
                if (!gate.TryEnter(out var instance))
                {
                    var waiter = gate.Hold(again: false, out _)!;
                    if (random.Next(3) == 0 && gate.Cancel(waiter, RequestOutcome.ClientAborted))
                    {
                        continue;
                    }
                    instance = (await waiter.Settled).Instance!;
                }
                var slot = instance.Id[0] - 'a';
                Assert.InRange(Interlocked.Increment(ref counts[slot]), 1, 2);
                if (random.Next(4) == 0)
                {
                    await Task.Yield();
                }
                Interlocked.Decrement(ref counts[slot]);
                gate.Release(instance);
            }
        }
        await Task.WhenAll(Enumerable.Range(0, 16).Select(s => Task.Run(() => RunAsync(s))));
        Assert.Equal(0, gate.Held);
        Assert.True(gate.TryEnter(out _));
    }

    /// <summary>A deleted revision that a route still names: who comes later waits no more than who was there. One made again is waited for.</summary>
    [Fact]
    public void RemovedRevision_HoldsNobody_UntilItIsThereAgain()
    {
        var gate = NewGate(new ManualTime(), 0, 1);
        Assert.NotNull(gate.Hold(again: false, out _)); // not known yet
        gate.SetLevel(EndpointsSnapshot.Empty);
        var waiter = gate.Hold(again: false, out _)!;
        gate.Remove();
        Assert.Equal(RequestOutcome.BackendRemoved, waiter.Settled.Result.Refusal);
        Assert.Null(gate.Hold(again: false, out var refusal));
        Assert.Equal(RequestOutcome.BackendRemoved, refusal);
        gate.SetLevel(EndpointsSnapshot.Empty);
        Assert.NotNull(gate.Hold(again: false, out _));
    }

    [Fact]
    public void NoLimit_TheLessLoadedOfTwo()
    {
        var gate = NewGate(new ManualTime(), 0, 1);
        gate.SetLevel(EndpointsSnapshot.Of([.. Enumerable.Range(0, 10).Select(i => E($"i{i}"))]));
        var counts = new Dictionary<string, int>();
        for (var i = 0; i < 1000; i++)
        {
            Assert.True(gate.TryEnter(out var instance));
            counts[instance.Id] = instance.InFlight;
        }
        Assert.InRange(counts.Values.Max() - counts.Values.Min(), 0, 10);
    }

    [Fact]
    public void FailedInstance_IsTriedByOneRequest_AfterAMoment()
    {
        var time = new ManualTime();
        var gate = NewGate(time, 0, 1);
        gate.SetLevel(EndpointsSnapshot.Of(E("a")));
        Assert.True(gate.TryEnter(out var instance));
        gate.MarkFailed(instance);
        gate.Release(instance);
        Assert.False(gate.TryEnter(out _));
        var waiters = Enumerable.Range(0, 3).Select(_ => gate.Hold(again: false, out var _)!).ToArray();
        time.Advance(TimeSpan.FromMilliseconds(10));
        Assert.Equal([true, false, false], waiters.Select(w => w.Settled.IsCompleted));
        gate.MarkGood(instance);
        Assert.All(waiters, w => Assert.True(w.Settled.IsCompleted));
    }

    [Fact]
    public void FailedInstances_TheOneThatMayBeTriedFirst_IsTriedFirst()
    {
        var time = new ManualTime();
        var gate = NewGate(time, 1, 1);
        gate.SetLevel(EndpointsSnapshot.Of(E("a"), E("b")));
        Assert.True(gate.TryEnter(out var a));
        Assert.True(gate.TryEnter(out var b));
        for (var i = 0; i < 8; i++)
        {
            gate.MarkFailed(b);
            time.Advance(TimeSpan.FromSeconds(1));
        }
        gate.MarkFailed(a);
        gate.MarkFailed(b); // the last to fail, and to be left alone the longest
        gate.Release(a);
        gate.Release(b);
        var waiter = gate.Hold(again: false, out _)!;
        time.Advance(TimeSpan.FromMilliseconds(3));
        Assert.True(waiter.Settled.IsCompleted);
        Assert.Same(a, waiter.Settled.Result.Instance);
    }

    [Fact]
    public void ConnectionsRefusedTogether_CountAsOneFailure()
    {
        var time = new ManualTime();
        var gate = NewGate(time, 0, 1);
        gate.SetLevel(EndpointsSnapshot.Of(E("a")));
        var running = Enumerable.Range(0, 8).Select(_ => gate.TryEnter(out var instance) ? instance : null!).ToList();
        running.ForEach(gate.MarkFailed);
        running.ForEach(i => gate.Release(i));
        Assert.Equal(1, running[0].Failures);
        var waiter = gate.Hold(again: false, out _)!;
        time.Advance(TimeSpan.FromMilliseconds(3));
        Assert.True(waiter.Settled.IsCompleted);
        gate.MarkFailed(running[0]);
        Assert.Equal(2, running[0].Failures);
    }

    [Fact]
    public void Demand_AverageIsTimeWeighted()
    {
        var time = new ManualTime();
        var sink = new RecordingDemand();
        var gate = NewGate(time, 0, 1, sink);
        gate.SetLevel(EndpointsSnapshot.Of(E("a")));
        gate.TryEnter(out var one);
        Assert.Equal(new BackendDemand(s_key, 1, 0, 1, 1), sink.Reports[0]);
        time.Advance(TimeSpan.FromSeconds(0.5));
        gate.TryEnter(out var two);
        time.Advance(TimeSpan.FromSeconds(0.25));
        gate.Release(one!);
        gate.Release(two!);
        time.Advance(TimeSpan.FromSeconds(0.25));
        Assert.Equal(new BackendDemand(s_key, 0, 0, 1, 1), sink.Reports[1]);
    }

    [Theory]
    [InlineData(true, 2, 2, 40)]
    [InlineData(true, 2, 0, 100)] // none is ready: they wait in front
    [InlineData(true, 50, 1, 100)] // the operator's limit stands
    [InlineData(false, 2, 2, 100)]
    public void Queue_AtTheInstances_IsTenForEachSlot(bool atInstances, int limit, int instances, int depth)
    {
        var gate = NewGate(new ManualTime(), limit, 1);
        gate.SetPolicy(new RevisionPolicy { ContainerConcurrency = limit, QueuesAtInstances = atInstances });
        gate.SetLevel(EndpointsSnapshot.Of([.. Enumerable.Range(0, instances).Select(i => E($"i{i}"))]));
        Assert.All(Enumerable.Range(0, limit * instances), _ => Assert.True(gate.TryEnter(out var _)));
        for (var i = 0; i < depth; i++)
        {
            Assert.False(gate.TryEnter(out _));
            Assert.NotNull(gate.Hold(again: false, out _));
        }
        Assert.Null(gate.Hold(again: false, out var refusal));
        Assert.Equal(RequestOutcome.QueueFull, refusal);
    }

    private static void Arrive(Gate gate, List<Instance> running, List<Waiter> waiting, bool again)
    {
        if (gate.TryEnter(out var instance))
        {
            running.Add(instance);
        }
        else if (gate.Hold(again, out var refusal) is { } waiter)
        {
            waiting.Insert(again ? 0 : waiting.Count, waiter);
        }
        else
        {
            Assert.Equal(RequestOutcome.QueueFull, refusal);
        }
    }

    /// <summary>A running request's instance turns out to refuse connections: it waits again, before all others.</summary>
    private static void Refuse(Gate gate, ManualTime time, List<Instance> running, List<Waiter> waiting, int index, int times)
    {
        var instance = running[index];
        running.RemoveAt(index);
        for (var i = 1; i < times; i++)
        {
            gate.MarkFailed(instance);
            time.Advance(TimeSpan.FromMilliseconds(1 << i)); // others tried it meanwhile
        }
        gate.MarkFailed(instance);
        gate.Release(instance);
        Collect(running, waiting);
        if (gate.Hold(again: true, out _) is { } waiter)
        {
            waiting.Insert(0, waiter);
        }
    }

    /// <summary>When all is quiet and there is an instance, the longest back-off later somebody is let in, whoever refused before.</summary>
    private static void CheckProgress(Gate gate, ManualTime time, List<Instance> running, List<Waiter> waiting, bool ready, int seed, int step)
    {
        ReleaseAll(gate, running, waiting);
        if (waiting.Count > 0 && ready)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            Collect(running, waiting);
            Assert.True(running.Count > 0, $"seed {seed}, step {step}: {waiting.Count} wait for ever");
        }
    }

    private static void ReleaseAll(Gate gate, List<Instance> running, List<Waiter> waiting)
    {
        while (running.Count > 0)
        {
            gate.Release(running[^1]);
            running.RemoveAt(running.Count - 1);
            Collect(running, waiting);
        }
    }

    private static void Collect(List<Instance> running, List<Waiter> waiting)
    {
        while (waiting.Count > 0 && waiting[0].Settled.IsCompleted)
        {
            running.Add(waiting[0].Settled.Result.Instance!);
            waiting.RemoveAt(0);
        }
    }

    /// <summary>Whether a ready instance could take a request: it has a free slot, and if it refused before, may be tried again.</summary>
    private static bool IsIdle(string id, ManualTime time, List<Instance> running, Dictionary<string, Instance> known, int limit)
    {
        running.ForEach(i => known[i.Id] = i);
        return (limit == 0 || running.Count(i => i.Id == id) < limit)
            && (!known.TryGetValue(id, out var instance) || instance.Failures == 0 || (!instance.OnTrial && instance.SuspectUntil <= time.GetTimestamp()));
    }

    private static void Check(Gate gate, List<Instance> running, List<Waiter> waiting, int limit, string at)
    {
        Assert.True(waiting.TrueForAll(w => !w.Settled.IsCompleted), $"{at}: not first come, first served");
        Assert.True(waiting.Count == gate.Held, $"{at}: {waiting.Count} wait, the gate holds {gate.Held}");
        foreach (var group in running.GroupBy(i => i))
        {
            Assert.True(group.Count() == group.Key.InFlight, $"{at}: {group.Count()} run, the gate counts {group.Key.InFlight}: a release lost or doubled");
            Assert.True(limit == 0 || group.Count() <= limit, $"{at}: {group.Count()} at one instance");
        }
        if (waiting.Count > 0)
        {
            Assert.False(gate.TryEnter(out _), $"{at}: somebody got in before those who wait");
        }
    }
}
