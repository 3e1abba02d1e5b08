using System.Text.Json;
using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using Serval.Api;
using Serval.Kube;

namespace Serval.Signals.Tests;

/// <summary>Instances from nodes to gateways.</summary>
public sealed class CapacityTests : IAsyncLifetime
{
    private static readonly TimeSpan s_afterGood = TimeSpan.FromMilliseconds(50);
    private readonly World _world = new();
    private readonly DirectCapacitySignal _node = new();
    private readonly Channel<InstanceCapacity> _heard = Channel.CreateUnbounded<InstanceCapacity>();
    private CapacityFeed _feed = null!;
    private Line _line = null!;

    public Task InitializeAsync()
    {
        _feed = new CapacityFeed(_node, _world.Time);
        _line = new Line(_feed);
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        await _world.DisposeAsync();
        _feed.Dispose();
    }

    [Fact]
    public async Task Instances_AreToldAtOnce_AndANewReaderHearsThoseThatAre()
    {
        _node.Publish(Instance("a", InstanceState.Ready));
        _node.Publish(Instance("b", InstanceState.Ready));
        _node.Publish(Instance("b", InstanceState.Draining));
        _node.Publish(Instance("c", InstanceState.Ready));
        _node.Publish(Instance("c", InstanceState.Gone));
        await _world.ServeAsync(PeerRole.Node, "n", _line);
        Read();
        var first = await NextAsync();
        Assert.Equal(("d/a", "uid-a", "d/rev", "10.1.0.7", 41000, InstanceState.Ready),
            (first.Pod.ToString(), first.PodUid, first.Revision.ToString(), first.Host, first.Ports[8080], first.State));
        Assert.Equal(("uid-b", InstanceState.Draining), Told(await NextAsync()));
        _node.Publish(Instance("a", InstanceState.Draining));
        Assert.Equal(("uid-a", InstanceState.Draining), Told(await NextAsync()));
        _node.Publish(Instance("a", InstanceState.Gone));
        Assert.Equal(("uid-a", InstanceState.Gone), Told(await NextAsync()));
    }

    [Fact]
    public async Task Instance_ThatWentWhileTheLineWasCut_IsGone()
    {
        _node.Publish(Instance("a", InstanceState.Ready));
        _node.Publish(Instance("b", InstanceState.Ready));
        await _world.ServeAsync(PeerRole.Node, "n", _line);
        Read();
        await NextAsync();
        await NextAsync();
        _line.Cut();
        await _world.Time.WhenAwaitedAsync(s_afterGood).WaitAsync(TimeSpan.FromSeconds(20));
        _node.Publish(Instance("a", InstanceState.Gone));
        _world.Time.Advance(s_afterGood);
        Assert.Equal(("uid-b", InstanceState.Ready), Told(await NextAsync()));
        Assert.Equal(("uid-a", InstanceState.Gone), Told(await NextAsync()));
    }

    [Fact]
    public async Task Node_IsNotBelievedAboutPodsOfAnother()
    {
        foreach (var (pod, node) in ((string, string)[])[("a", "other"), ("b", "n")])
        {
            var created = await _world.Kube.CreateAsync(Kinds.Pod, KubeObject.Parse(System.Text.Encoding.UTF8.GetBytes(
                $$$"""{"apiVersion":"v1","kind":"Pod","metadata":{"name":"{{{pod}}}","namespace":"d"},"spec":{"nodeName":"{{{node}}}"}}""")), WriteOptions.By("test"));
            _node.Publish(Instance(pod, InstanceState.Ready) with { PodUid = created.Metadata.Uid });
        }
        await _world.ServeAsync(PeerRole.Node, "n", _line);
        Read();
        Assert.Equal("b", (await NextAsync()).Pod.Name);
        Assert.False(_heard.Reader.TryRead(out _));
    }

    [Fact]
    public async Task Reader_ThatFailedAsNobodyExpected_ReadsOn()
    {
        var failed = false;
        var gateway = new DirectCapacitySignal();
        gateway.Subscribe(c =>
        {
            if (!failed)
            {
                failed = true;
                throw new ObjectDisposedException("unforeseen");
            }
            _heard.Writer.TryWrite(c);
        });
        _node.Publish(Instance("a", InstanceState.Ready));
        await _world.ServeAsync(PeerRole.Node, "n", _line);
        _world.Add(new CapacityReader(_world.Peers, _world.Client, gateway, _world.Kube.Cache(Kinds.Pod), _world.Time, new Calm(), NullLogger<CapacityReader>.Instance));
        await Poll.UntilAsync(() =>
        {
            _world.Time.Advance(TimeSpan.FromMilliseconds(100));
            return _heard.Reader.TryPeek(out _);
        });
        Assert.Equal(("uid-a", InstanceState.Ready), Told(await NextAsync()));
    }

    [Fact]
    public async Task Node_ThatIsLost_KeepsWhatItSaid()
    {
        var node = new Scripted("/signals/capacity");
        await _world.ServeAsync(PeerRole.Node, "n", node);
        var reader = Read();
        await node.CameAsync();
        node.Send(JsonSerializer.Serialize(new Frame<InstanceCapacity>(7, true, true, [Instance("a", InstanceState.Ready)]), SignalJson.Default.FrameInstanceCapacity));
        await NextAsync();
        var later = reader.WhenReachedAsync("n", 8, CancellationToken.None);
        _world.Time.Advance(LineStream.Silence);
        await later.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.False(_heard.Reader.TryRead(out _));
    }

    /// <summary>More than one frame takes.</summary>
    [Fact]
    public async Task Instances_OfALargeNode_ComeInSeveralFrames()
    {
        const int Count = (Feed<string, InstanceCapacity>.MostItems * 2) + 1;
        for (var i = 0; i < Count; i++)
        {
            _node.Publish(Instance($"p{i}", InstanceState.Ready));
        }
        await _world.ServeAsync(PeerRole.Node, "n", _line);
        var reader = Read();
        await reader.WhenReachedAsync("n", _feed.Number, CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal(Count, _heard.Reader.Count);
        var frames = new List<Frame<InstanceCapacity>>();
        await foreach (var line in _world.Client.LinesAsync(_world.Peers.Find(PeerRole.Node, "n")!, _feed.Path, CancellationToken.None))
        {
            frames.Add(JsonSerializer.Deserialize(line, SignalJson.Default.FrameInstanceCapacity)!);
            if (frames[^1].Synced)
            {
                break;
            }
        }
        Assert.Equal([(true, false, 0), (false, false, 0), (false, true, _feed.Number)], frames.Select(f => (f.Full, f.Synced, f.Number)));
    }

    private static InstanceCapacity Instance(string pod, InstanceState state) =>
        new(new ObjectKey("d", pod), $"uid-{pod}", new ObjectKey("d", "rev"), "10.1.0.7", new Dictionary<int, int> { [8080] = 41000 }, state);

    private static (string Uid, InstanceState State) Told(InstanceCapacity capacity) => (capacity.PodUid, capacity.State);

    private Task<InstanceCapacity> NextAsync() => _heard.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20));

    private CapacityReader Read()
    {
        var gateway = new DirectCapacitySignal();
        gateway.Subscribe(c => _heard.Writer.TryWrite(c));
        return _world.Add(new CapacityReader(_world.Peers, _world.Client, gateway, _world.Kube.Cache(Kinds.Pod), _world.Time, new Calm(), NullLogger<CapacityReader>.Instance));
    }
}
