using System.Text;
using Serval.Api;

namespace Serval.Kube.Tests.Events;

public sealed class EventRecorderTests : IAsyncDisposable
{
    private static readonly EventSubject s_pod = new("v1", "Pod", "n1", "p", "uid-1", "41");

    private readonly ManualTime _time = new();
    private readonly EventStore _store = new();
    private readonly LogLines<EventRecorder> _log = new();
    private readonly EventRecorder _recorder;
    private readonly EventReporter _kubelet;

    public EventRecorderTests()
    {
        _recorder = new EventRecorder(_store, _time, _log);
        _kubelet = new EventReporter(_recorder, new EventSource("kubelet", "node-1"));
    }

    public async ValueTask DisposeAsync() => await _recorder.DisposeAsync();

    [Fact]
    public void Events_AreWrittenTogetherOnceItIsQuiet_AndNotBefore()
    {
        _kubelet.Normal(s_pod, "Created", "Created container: main");
        _time.Advance(EventRecorder.Delay / 2);
        _kubelet.Normal(s_pod, "Started", "Started container main");
        _kubelet.Normal(s_pod, "Started", "Started container main");
        _time.Advance(EventRecorder.Delay / 2);
        Assert.Empty(_store.Writes);
        _time.Advance(EventRecorder.Delay / 2);
        Assert.Equal(["create Created", "create Started"], _store.Writes);
        Assert.Equal(2, (int)_store.Events[1]["count"]!);
        Assert.All(_store.Options, o => Assert.Equal(WriteDurability.Derived, o.Durability));
    }

    [Fact]
    public void Events_ThatNeverPause_AreWrittenAllTheSame()
    {
        for (var waited = TimeSpan.Zero; waited < EventRecorder.LongestDelay; waited += EventRecorder.Delay / 2)
        {
            Assert.Empty(_store.Writes);
            _kubelet.Normal(s_pod, "Started", "Started container main");
            _time.Advance(EventRecorder.Delay / 2);
        }
        Assert.Equal(["create Started"], _store.Writes);
    }

    [Fact]
    public void Event_AsWritten_HasWhatUpstreamPutsIntoIt()
    {
        _kubelet.Warning(s_pod with { FieldPath = "spec.containers{main}" }, "BackOff", "Back-off \"é\"");
        _time.Advance(EventRecorder.Delay);
        var written = _store.LastCreated;
        var name = (string)_store.Events[0]["metadata"]!["name"]!;
        Assert.Matches("^p[.][0-9a-f]{16}$", name);
        Assert.Equal(
            $$$"""
            {"apiVersion":"v1","count":1,"firstTimestamp":"2026-01-01T12:00:00Z","involvedObject":{"apiVersion":"v1","fieldPath":"spec.containers{main}","kind":"Pod","name":"p","namespace":"n1","resourceVersion":"41","uid":"uid-1"},"kind":"Event","lastTimestamp":"2026-01-01T12:00:00Z","message":"Back-off \"é\"","metadata":{"name":"{{{name}}}","namespace":"n1"},"reason":"BackOff","reportingComponent":"kubelet","reportingInstance":"node-1","source":{"component":"kubelet","host":"node-1"},"type":"Warning"}
            """,
            Encoding.UTF8.GetString(written));
        Assert.Equal(CanonicalJson.Rewrite(written), written);
    }

    [Fact]
    public void Event_AboutAClusterObject_LiesInDefault()
    {
        new EventReporter(_recorder, "node-controller").Normal(new EventSubject("v1", "Node", "", "node-1", "u", "1"), "RegisteredNode", "…");
        _time.Advance(EventRecorder.Delay);
        Assert.Equal("default", (string?)_store.Events[0]["metadata"]!["namespace"]);
    }

    [Fact]
    public void SameEvent_LaterAgain_IsPatched()
    {
        Happen(2);
        Assert.Equal(["create Unhealthy", "patch Unhealthy"], _store.Writes);
        var stored = Assert.Single(_store.Events);
        Assert.Equal(2, (int)stored["count"]!);
        Assert.Equal("2026-01-01T12:00:00Z", (string?)stored["firstTimestamp"]);
        Assert.Equal("2026-01-01T12:00:01Z", (string?)stored["lastTimestamp"]);
    }

    [Fact]
    public void Event_ThatExpired_ComesBackWithItsWholeCount()
    {
        Happen(2);
        _store.Clear();
        Happen(2);
        Assert.Equal(["create Unhealthy", "patch Unhealthy", "create Unhealthy", "patch Unhealthy"], _store.Writes);
        Assert.Equal(4, (int)Assert.Single(_store.Events)["count"]!);
    }

    [Fact]
    public void Write_ThatFails_IsToldOnceAndTriedWithTheNext()
    {
        _store.Failure = new ApiException(507, "InternalError", "disk full");
        _kubelet.Warning(s_pod, "BackOff", "a");
        Happen(1);
        Assert.Equal(["Warning: 2 Kubernetes Events could not be written and are lost, the first: disk full"], _log.Lines);
        _store.Failure = null;
        Happen(1);
        Assert.Equal(["create Unhealthy"], _store.Writes);
        Assert.Equal(2, (int)_store.Events[0]["count"]!);
    }

    [Fact]
    public void Namespace_ThatIsClosedOrGone_IsNoNews()
    {
        _store.Failure = ApiException.NamespaceTerminating(Kinds.Event, "p.1", "n1");
        Happen(1);
        _store.Failure = ApiException.NotFound(Kinds.Namespace, "n1");
        Happen(1);
        Assert.Empty(_log.Lines);
    }

    [Theory]
    [InlineData(20, false)]
    [InlineData(300, true)]
    public void Events_AreWrittenAsTheyHappened_ManyInKeyOrder(int count, bool inKeyOrder)
    {
        var names = Enumerable.Range(0, count).Select(i => $"p{i * 37 % count:D3}").ToList();
        names.ForEach(n => _kubelet.Normal(s_pod with { Name = n }, "Started", "Started container main"));
        _time.Advance(EventRecorder.Delay);
        Assert.Equal(inKeyOrder ? names.Order(StringComparer.Ordinal) : names, _store.Events.Select(e => (string?)e["involvedObject"]!["name"]));
    }

    [Fact]
    public void TooManyEvents_AreDroppedAndCounted()
    {
        for (var i = 0; i < EventRecorder.MostWaiting + 3; i++)
        {
            _kubelet.Normal(s_pod with { Name = $"p{i}" }, "Started", "Started container main");
        }
        Assert.Equal(3, _recorder.Dropped);
        _time.Advance(EventRecorder.Delay);
        Assert.Equal(EventRecorder.MostWaiting, _store.Writes.Count);
        Assert.Contains("3 Kubernetes Events were dropped", Assert.Single(_log.Lines), StringComparison.Ordinal);
        _kubelet.Normal(s_pod, "Started", "Started container main");
        _time.Advance(EventRecorder.Delay);
        Assert.Equal(EventRecorder.MostWaiting + 1, _store.Writes.Count);
        Assert.Single(_log.Lines);
    }

    [Fact]
    public async Task Dispose_WritesWhatWaits_AndTakesNothingMore()
    {
        _kubelet.Normal(s_pod, "Killing", "Stopping container main");
        await _recorder.DisposeAsync();
        _kubelet.Normal(s_pod, "Started", "Started container main");
        await _recorder.FlushAsync();
        Assert.Equal(["create Killing"], _store.Writes);
    }

    [Fact]
    public async Task Flush_CompletesWhenAllIsWritten()
    {
        _kubelet.Normal(s_pod, "Started", "Started container main");
        await _recorder.FlushAsync();
        Assert.Equal(["create Started"], _store.Writes);
        _time.Advance(EventRecorder.Delay);
        Assert.Single(_store.Writes);
    }

    private void Happen(int times)
    {
        for (var i = 0; i < times; i++)
        {
            _kubelet.Warning(s_pod, "Unhealthy", "Readiness probe failed: refused");
            _time.Advance(EventRecorder.Delay);
        }
    }
}
