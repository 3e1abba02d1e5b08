using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Serval.Api;
using Serval.Kube;

namespace Serval.Signals.Tests;

/// <summary>Demand from gateways to the autoscaler.</summary>
public sealed class DemandTests : IAsyncLifetime
{
    private static readonly ObjectKey s_a = new("d", "a");
    private static readonly ObjectKey s_b = new("d", "b");
    private static readonly TimeSpan s_afterGood = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan s_afterBad = TimeSpan.FromMilliseconds(100);
    private readonly World _world = new();
    private readonly HeardDemand _heard = new();

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await _world.DisposeAsync();

    [Fact]
    public async Task Demand_IsToldAtOnce_AndANewReaderHearsWhatThereIs()
    {
        var feed = new DemandFeed(_world.Time);
        await _world.ServeAsync(PeerRole.Gateway, "g", feed);
        feed.Report("", [new(s_a, 3, 1, 2.5, 7), new(s_b, 1, 0, 1, 1)]);
        feed.Report("", [new(s_b, 0, 0, 0, 0)]);
        Read();
        var (gateway, first) = await _heard.NextAsync();
        Assert.Equal("g", gateway);
        Assert.Equal([new RevisionDemand(s_a, 3, 1, 2.5, 0)], first); // the requests were told to whoever was there
        feed.Report("", [new(s_b, 0, 1, 0.5, 1)]);
        Assert.Equal([new RevisionDemand(s_b, 0, 1, 0.5, 1)], (await _heard.NextAsync()).Demand);
    }

    [Fact]
    public async Task Reader_WhoseLineIsCut_HearsAllOfItAgainAndWhatEndedMeanwhile()
    {
        var feed = new DemandFeed(_world.Time);
        var line = new Line(feed);
        await _world.ServeAsync(PeerRole.Gateway, "g", line);
        feed.Report("", [new(s_a, 1, 0, 1, 0), new(s_b, 1, 0, 1, 0)]);
        Read();
        await _heard.NextAsync();
        line.Cut();
        await _world.Time.WhenAwaitedAsync(s_afterGood).WaitAsync(TimeSpan.FromSeconds(20));
        feed.Report("", [new(s_a, 0, 0, 0, 0)]);
        feed.Report("", [new(s_b, 5, 0, 5, 0)]);
        _world.Time.Advance(s_afterGood);
        Assert.Equal([new RevisionDemand(s_b, 5, 0, 5, 0), new(s_a, 0, 0, 0, 0)], (await _heard.NextAsync()).Demand);
    }

    [Fact]
    public async Task Gateway_ThatFallsSilent_HasNoDemandAfterTenSeconds()
    {
        var gateway = new Scripted("/signals/demand");
        await _world.ServeAsync(PeerRole.Gateway, "g", gateway);
        Read();
        await gateway.CameAsync();
        gateway.Send(Frame(full: true, new RevisionDemand(s_a, 2, 0, 2, 0)));
        await _heard.NextAsync();
        _world.Time.Advance(LineStream.Silence - TimeSpan.FromTicks(1));
        Assert.Equal(2, _heard.Sum(s_a));
        _world.Time.Advance(TimeSpan.FromTicks(1));
        Assert.Equal([new RevisionDemand(s_a, 0, 0, 0, 0)], (await _heard.NextAsync()).Demand);

        await _world.Time.AdvanceOnceAsync(s_afterGood); // and it is asked again
        await gateway.CameAsync();
        gateway.Send(Frame(full: true, new RevisionDemand(s_a, 1, 0, 1, 0)));
        await _heard.NextAsync();
        Assert.Equal(1, _heard.Sum(s_a));
    }

    [Fact]
    public async Task Gateway_ThatOnlySaysThatItLives_KeepsItsDemand()
    {
        var gateway = new Scripted("/signals/demand");
        await _world.ServeAsync(PeerRole.Gateway, "g", gateway);
        Read();
        await gateway.CameAsync();
        gateway.Send(Frame(full: true, new RevisionDemand(s_a, 2, 0, 2, 0)));
        await _heard.NextAsync();
        for (var i = 0; i < 5; i++)
        {
            _world.Time.Advance(LineStream.Pulse);
            gateway.Send("");
            gateway.Send(Frame(full: false, new RevisionDemand(s_b, i + 1, 0, 1, 0))); // heard after the empty line
            Assert.Equal([new RevisionDemand(s_b, i + 1, 0, 1, 0)], (await _heard.NextAsync()).Demand);
        }
        Assert.Equal(2, _heard.Sum(s_a));
    }

    [Fact]
    public async Task Gateway_ThatStops_HasNoDemand()
    {
        var feed = new DemandFeed(_world.Time);
        var gateway = await _world.ServeAsync(PeerRole.Gateway, "g", feed);
        feed.Report("", [new(s_a, 1, 0, 1, 0)]);
        Read();
        await _heard.NextAsync();
        await gateway.DisposeAsync();
        await _world.Time.AdvanceOnceAsync(s_afterGood);
        Assert.Equal([new RevisionDemand(s_a, 0, 0, 0, 0)], (await _heard.NextAsync()).Demand);
    }

    /// <summary>The API server may be away for longer than a Lease holds: who is heard all the same goes on.</summary>
    [Fact]
    public async Task Gateway_WhoseLeaseLapses_IsHeardWhileItsStreamStands()
    {
        var feed = new DemandFeed(_world.Time);
        await _world.ServeAsync(PeerRole.Gateway, "g", feed);
        feed.Report("", [new(s_a, 1, 0, 1, 0)]);
        Read();
        await _heard.NextAsync();
        _world.Kube.PatchFailure = new ApiException(503, "ServiceUnavailable", "out of reach");
        for (var i = 0; _world.Peers.Live(PeerRole.Gateway).Count > 0; i++)
        {
            Assert.True(i < 20);
            _world.Time.Advance(LineStream.Pulse);
            feed.Report("", [new(s_b, i + 1, 0, 1, 0)]);
            Assert.Equal(i + 1, (await _heard.NextAsync()).Demand.Single().InFlight);
        }
        Assert.Equal(1, _heard.Sum(s_a));
    }

    [Fact]
    public async Task Gateways_AreSummed_ByTheirNames()
    {
        var (one, two) = (new DemandFeed(_world.Time), new DemandFeed(_world.Time));
        await _world.ServeAsync(PeerRole.Gateway, "one", one);
        Read();
        one.Report("", [new(s_a, 1, 0, 1, 0)]);
        await Poll.UntilAsync(() => _heard.Sum(s_a) == 1);
        var second = await _world.ServeAsync(PeerRole.Gateway, "two", two); // comes later
        two.Report("", [new(s_a, 4, 1, 5, 0)]);
        await Poll.UntilAsync(() => _heard.Sum(s_a) == 6);
        await second.DisposeAsync();
        await _world.Time.AdvanceOnceAsync(s_afterGood);
        await Poll.UntilAsync(() => _heard.Sum(s_a) == 1);
    }

    public static TheoryData<string> Garbage() =>
    [
        "nonsense", "null", "[]", "{}", """{"number":1,"full":true,"synced":true,"items":null}""", """{"number":1,"full":true,"synced":true,"items":[null]}""",
        """{"number":1,"full":true,"synced":true,"items":[{"revision":null,"inFlight":1,"held":0,"averageConcurrency":0,"requests":0}]}""",
        """{"number":1,"full":true,"synced":true,"items":[{"revision":{"namespace":"d","name":null},"inFlight":1,"held":0,"averageConcurrency":0,"requests":0}]}""",
        """{"number":1,"full":true,"synced":true,"items":[{"revision":{"namespace":"d","name":"a"},"inFlight":-1,"held":0,"averageConcurrency":0,"requests":0}]}""",
        """{"number":1,"full":true,"synced":true,"items":[{"revision":{"namespace":"d","name":"a"},"inFlight":99999999999,"held":0,"averageConcurrency":0,"requests":0}]}""",
        """{"number":1,"full":true,"synced":true,"items":[{"revision":{"namespace":"d","name":"a"},"inFlight":0,"held":0,"averageConcurrency":1e999,"requests":0}]}""",
        """{"number":1,"full":false,"synced":false,"items":[]}""", // begins in the middle
        new string('[', 100_000),
        new string(' ', 9 << 20), // no end in sight
    ];

    [Theory]
    [MemberData(nameof(Garbage))]
    public async Task Garbage_EndsTheConnection_NotTheProcess(string line)
    {
        var gateway = new Scripted("/signals/demand");
        await _world.ServeAsync(PeerRole.Gateway, "g", gateway);
        Read();
        await gateway.CameAsync();
        gateway.Send(line);
        await _world.Time.AdvanceOnceAsync(s_afterBad);
        await gateway.CameAsync();
        gateway.Send(Frame(full: true, new RevisionDemand(s_a, 1, 0, 1, 0)));
        Assert.Equal([new RevisionDemand(s_a, 1, 0, 1, 0)], (await _heard.NextAsync()).Demand);
    }

    [Fact]
    public async Task Peer_WithAnotherCertificate_IsNotHeard()
    {
        var feed = new DemandFeed(_world.Time);
        feed.Report("", [new(s_a, 1, 0, 1, 0)]);
        var served = await _world.ServeAsync(PeerRole.Gateway, "g", feed);
        await _world.Kube.PatchAsync(Kinds.Lease, new ObjectKey("knative-serving", "serval-gateway-g"),
            new KubePatch(PatchType.Merge, Encoding.UTF8.GetBytes("""{"metadata":{"annotations":{"serval.dev/signals-certificate":"HASH"}}}""".Replace("HASH", new string('a', 64), StringComparison.Ordinal))), new WriteOptions());
        Read();
        await _world.Time.WhenAwaitedAsync(s_afterBad).WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal(0, _heard.Sum(s_a));
        Assert.Empty(_world.Asked);
    }

    /// <summary>A reader that takes nothing holds nobody up, and gets the latest of each when it goes on.</summary>
    [Fact]
    public async Task Reader_ThatIsSlow_HoldsNobodyUpAndGetsTheLatest()
    {
        const int Reports = 5000;
        const int Revisions = 200;
        var feed = new DemandFeed(_world.Time);
        await _world.ServeAsync(PeerRole.Gateway, "g", feed);
        var lines = _world.Client.LinesAsync(_world.Peers.Find(PeerRole.Gateway, "g")!, "/signals/demand", CancellationToken.None).GetAsyncEnumerator();
        Assert.True(await lines.MoveNextAsync());
        for (var i = 1; i <= Reports; i++)
        {
            feed.Report("", [.. Enumerable.Range(0, Revisions).Select(r => new RevisionDemand(new ObjectKey("d", $"r{r}"), i, 0, 0, 1))]);
        }
        var last = new Dictionary<ObjectKey, RevisionDemand>();
        var (items, requests) = (0, 0L);
        while (last.Count < Revisions || last.Values.Any(d => d.InFlight < Reports))
        {
            Assert.True(await lines.MoveNextAsync());
            foreach (var item in lines.Current.Length == 0 ? [] : JsonSerializer.Deserialize(lines.Current, SignalJson.Default.FrameRevisionDemand)!.Items)
            {
                last[item.Revision] = item;
                requests += item.Requests;
                items++;
            }
        }
        await lines.DisposeAsync();
        Assert.Equal((long)Reports * Revisions, requests);
        Assert.True(items < Reports * Revisions, $"{items} of {Reports * Revisions} were sent one by one");
    }

    /// <summary>Reports, cut lines, gateways that stop and come: in the end the autoscaler has what the gateways have.</summary>
    [Fact]
    public async Task Demand_OfManyGateways_IsTrueInTheEnd()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        var gateways = new List<(string Id, DemandFeed Feed, Line Line, World.Served Served, Dictionary<ObjectKey, int> Truth)>();
        Read();
        var (named, free) = (0, new Queue<string>());
        for (var step = 0; step < 300; step++)
        {
            var act = random.Next(10);
            if (gateways.Count == 0 || (act == 0 && gateways.Count < 4))
            {
                var feed = new DemandFeed(_world.Time);
                var line = new Line(feed);
                var id = free.TryDequeue(out var known) ? known : $"g{named++}"; // one may come back
                gateways.Add((id, feed, line, await _world.ServeAsync(PeerRole.Gateway, id, line), []));
            }
            else if (act == 1)
            {
                gateways[random.Next(gateways.Count)].Line.Cut();
            }
            else if (act == 2 && gateways.Count > 1)
            {
                await gateways[0].Served.DisposeAsync();
                free.Enqueue(gateways[0].Id);
                gateways.RemoveAt(0);
            }
            else if (act == 3)
            {
                _world.Time.Advance(TimeSpan.FromMilliseconds(random.Next(200)));
            }
            else
            {
                var (_, feed, _, _, truth) = gateways[random.Next(gateways.Count)];
                var (revision, inFlight) = (new ObjectKey("d", $"r{random.Next(5)}"), random.Next(3));
                truth[revision] = inFlight;
                feed.Report("", [new(revision, inFlight, 0, inFlight, 0)]);
            }
        }
        for (var r = 0; r < 5; r++)
        {
            var revision = new ObjectKey("d", $"r{r}");
            var wanted = gateways.Sum(g => g.Truth.GetValueOrDefault(revision));
            await Poll.UntilAsync(
                () =>
                {
                    _world.Time.Advance(TimeSpan.FromMilliseconds(10));
                    return _heard.Sum(revision) == wanted;
                },
                $"seed {seed}: {revision} has {wanted}");
        }
    }

    private void Read() => _world.Add(new DemandReader(_world.Peers, _world.Client, _heard, _world.Time, new Calm(), NullLogger<DemandReader>.Instance));

    private static string Frame(bool full, params RevisionDemand[] items) =>
        JsonSerializer.Serialize(new Frame<RevisionDemand>(1, full, full, items), SignalJson.Default.FrameRevisionDemand);
}
