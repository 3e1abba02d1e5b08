using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Serval.Api;
using Serval.Controllers.Tests.Autoscaler;
using Serval.Controllers.Workloads;
using Serval.Kube;

namespace Serval.Controllers.Tests.Workloads;

public sealed class EventSweeperTests : IAsyncDisposable
{
    private readonly ManualTime _time = new();
    private readonly FakeKubeClient _client;
    private readonly EventSweeper _sweeper;

    public EventSweeperTests()
    {
        _client = new FakeKubeClient(_time);
        _sweeper = new EventSweeper(_client, _time, NullLogger<EventSweeper>.Instance);
    }

    private int Left => _client.Cache(Kinds.Event).List().Count;

    public async ValueTask DisposeAsync() => await _sweeper.DisposeAsync();

    [Fact]
    public async Task Event_AnHourAfterItLastHappened_Goes()
    {
        await _sweeper.StartAsync(CancellationToken.None);
        Assert.Equal(0, _time.Armed); // without events nothing is waited for
        await CreateAsync("once");
        await CreateAsync("again");
        _time.Advance(TimeSpan.FromMinutes(30));
        await _client.PatchAsync(
            Kinds.Event, new ObjectKey("n1", "again"), new KubePatch(PatchType.Merge, CanonicalJson.Serialize(new JsonObject { ["lastTimestamp"] = Text(_time.GetUtcNow()) })),
            WriteOptions.By("test"));
        _time.Advance(TimeSpan.FromMinutes(29));
        Assert.Equal(2, Left);
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal("again", Assert.Single(_client.Cache(Kinds.Event).List()).Metadata.Name);
        _time.Advance(TimeSpan.FromMinutes(30));
        Assert.Equal(0, Left);
        Assert.Equal(0, _time.Armed);
    }

    [Fact]
    public async Task Events_OfAnEarlierRun_GoSoonAfterTheStart()
    {
        await CreateAsync("old");
        _time.Advance(TimeSpan.FromDays(1));
        await CreateAsync("new");
        await _sweeper.StartAsync(CancellationToken.None);
        _time.Advance(EventSweeper.Pause);
        Assert.Equal("new", Assert.Single(_client.Cache(Kinds.Event).List()).Metadata.Name);
    }

    [Fact]
    public async Task Events_BeyondTheMost_GoBeforeTheirTime()
    {
        await _sweeper.StartAsync(CancellationToken.None);
        await CreateAsync("elsewhere", ns: "n2");
        for (var i = 0; i <= EventSweeper.MostPerNamespace; i++)
        {
            await CreateAsync($"e{i:D4}", i == 0 ? "Warning" : "Normal", _time.GetUtcNow() - TimeSpan.FromSeconds((EventSweeper.MostPerNamespace - i) / 2));
        }
        _time.Advance(EventSweeper.Soon);
        var left = _client.Cache(Kinds.Event).List("n1").Select(e => e.Metadata.Name).ToHashSet();
        Assert.Equal(EventSweeper.MostPerNamespace * 9 / 10, left.Count);
        Assert.Contains("e0000", left); // a warning outlives older and younger normal ones
        Assert.DoesNotContain("e0001", left);
        Assert.Contains($"e{EventSweeper.MostPerNamespace}", left);
        Assert.Single(_client.Cache(Kinds.Event).List("n2"));
    }

    [Fact]
    public async Task Deletion_ThatFails_IsTriedAgain()
    {
        await _sweeper.StartAsync(CancellationToken.None);
        await CreateAsync("e");
        _client.Refuse = w => w.Verb == "delete" ? new ApiException(507, "InternalError", "disk full") : null;
        _time.Advance(EventLife.TimeToLive);
        Assert.Equal(1, Left);
        _client.Refuse = _ => null;
        _time.Advance(EventSweeper.Pause);
        Assert.Equal(0, Left);
    }

    [Fact]
    public async Task Event_WithATimeToCome_GoesAnHourAfterItsCreation()
    {
        await _sweeper.StartAsync(CancellationToken.None);
        await CreateAsync("e", seen: _time.GetUtcNow() + TimeSpan.FromDays(365));
        _time.Advance(EventLife.TimeToLive);
        Assert.Equal(0, Left);
    }

    [Fact]
    public async Task Event_OfANewerReporter_LivesBySeries()
    {
        await _sweeper.StartAsync(CancellationToken.None);
        await _client.CreateAsync(
            Kinds.Event,
            KubeObject.Parse("""{"apiVersion":"v1","kind":"Event","metadata":{"name":"s","namespace":"n1"},"series":{"count":3,"lastObservedTime":"2026-01-01T12:20:00.000000Z"}}"""u8.ToArray()),
            WriteOptions.By("test"));
        _time.Advance(TimeSpan.FromMinutes(79));
        Assert.Equal(1, Left);
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(0, Left);
    }

    private Task CreateAsync(string name, string type = "Normal", DateTimeOffset? seen = null, string ns = "n1") => _client.CreateAsync(
        Kinds.Event,
        KubeObject.From(new JsonObject
        {
            ["apiVersion"] = "v1", ["kind"] = "Event", ["metadata"] = new JsonObject
            {
                ["name"] = name, ["namespace"] = ns, ["creationTimestamp"] = Text(seen < _time.GetUtcNow() ? seen.Value : _time.GetUtcNow()),
            },
            ["type"] = type, ["lastTimestamp"] = Text(seen ?? _time.GetUtcNow()),
        }),
        WriteOptions.By("test"));

    private static string Text(DateTimeOffset at) => at.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
}
