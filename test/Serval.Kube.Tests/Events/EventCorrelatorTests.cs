namespace Serval.Kube.Tests.Events;

public sealed class EventCorrelatorTests
{
    private readonly EventCorrelator _correlator = new(1000);
    private DateTimeOffset _now = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void SameNote_Again_RaisesTheCountOfTheSameEvent()
    {
        var first = Observe("a");
        _now += TimeSpan.FromSeconds(5);
        var again = Observe("a");
        Assert.Same(first, again);
        var tree = again!.ToObject().ToTree();
        Assert.Equal(2, (int)tree["count"]!);
        Assert.Equal("2026-01-01T12:00:00Z", (string?)tree["firstTimestamp"]);
        Assert.Equal("2026-01-01T12:00:05Z", (string?)tree["lastTimestamp"]);
        Assert.Equal("""{"count":2,"lastTimestamp":"2026-01-01T12:00:05Z","message":"a"}""", System.Text.Encoding.UTF8.GetString(again.ToPatch().Body.Span));
    }

    [Theory]
    [InlineData("other message", "Reason", "p", "uid", "", EventType.Normal, "kubelet")]
    [InlineData("a", "Other", "p", "uid", "", EventType.Normal, "kubelet")]
    [InlineData("a", "Reason", "q", "uid", "", EventType.Normal, "kubelet")]
    [InlineData("a", "Reason", "p", "another", "", EventType.Normal, "kubelet")]
    [InlineData("a", "Reason", "p", "uid", "spec.containers{main}", EventType.Normal, "kubelet")]
    [InlineData("a", "Reason", "p", "uid", "", EventType.Warning, "kubelet")]
    [InlineData("a", "Reason", "p", "uid", "", EventType.Normal, "default-scheduler")]
    public void Note_ThatDiffers_IsAnotherEvent(string message, string reason, string name, string uid, string path, EventType type, string component)
    {
        var first = Observe("a")!;
        var other = Observe(message, reason, name, uid, path, type, component)!;
        Assert.NotSame(first, other);
        Assert.NotEqual(first.Key, other.Key);
        Assert.StartsWith(name + ".", other.Key.Name, StringComparison.Ordinal);
    }

    [Fact]
    public void Messages_FromTheTenthOn_ShareOneEvent()
    {
        var single = Enumerable.Range(1, 9).Select(i => Observe($"pod {i}")).ToList();
        Assert.Equal(9, single.Distinct().Count());
        var tenth = Observe("pod 10")!;
        var eleventh = Observe("pod 11")!;
        Assert.Same(tenth, eleventh);
        Assert.DoesNotContain(tenth, single);
        Assert.Equal("(combined from similar events): pod 11", Message(eleventh));
        Assert.Same(single[3], Observe("pod 4")); // a known one still counts for itself
        Assert.NotSame(tenth, Observe("pod 12", reason: "Other"));
    }

    [Fact]
    public void Messages_AfterTenQuietMinutes_StandAloneAgain()
    {
        for (var i = 0; i < 12; i++)
        {
            Observe($"pod {i}");
        }
        _now += TimeSpan.FromMinutes(10);
        Assert.StartsWith("(combined", Message(Observe("pod 13")!), StringComparison.Ordinal);
        _now += TimeSpan.FromMinutes(10) + TimeSpan.FromSeconds(1);
        Assert.Equal("pod 14", Message(Observe("pod 14")!));
    }

    [Fact]
    public void Messages_OfManyRounds_DoNotPileUp()
    {
        for (var i = 0; i < 1000; i++)
        {
            _now += TimeSpan.FromMinutes(11);
            Assert.Equal(1, Observe($"pod {i}")!.Count);
        }
        Assert.Equal(2, Observe("pod 999")!.Count);
        Assert.Equal(1, Observe("pod 1")!.Count); // forgotten long ago
    }

    [Fact]
    public void Source_AfterTwentyFiveWrites_MayWriteOnceInFiveMinutes()
    {
        Assert.All(Enumerable.Range(0, 25), _ => Assert.NotNull(Observe("a")));
        Assert.All(Enumerable.Range(0, 10), _ => Assert.Null(Observe("a")));
        Assert.NotNull(Observe("a", type: EventType.Warning)); // warnings have a budget of their own
        Assert.NotNull(Observe("a", uid: "another"));
        _now += TimeSpan.FromMinutes(5);
        Assert.Equal(36, Observe("a")!.Count); // what was kept back is in the count
        Assert.Null(Observe("a"));
        _now += TimeSpan.FromHours(24);
        Assert.All(Enumerable.Range(0, 25), _ => Assert.NotNull(Observe("a"))); // it never saves up more than a burst
        Assert.Null(Observe("a"));
    }

    [Fact]
    public void Event_ThatWaitsForItsWrite_CostsNoFurtherOne()
    {
        Observe("a")!.Queued = true;
        Assert.All(Enumerable.Range(0, 1000), _ => Assert.NotNull(Observe("a")));
        Assert.NotNull(Observe("b"));
    }

    [Fact]
    public void Memory_IsBounded_AndForgetsTheLeastRecentlyUsed()
    {
        var first = Observe("a");
        var second = Observe("a", name: "second");
        Assert.Same(first, Observe("a"));
        for (var i = 0; i < 999; i++)
        {
            Observe("a", name: $"p{i}");
        }
        Assert.Same(first, Observe("a"));
        Assert.NotSame(second, Observe("a", name: "second"));
    }

    [Fact]
    public void Message_ThatIsTooLong_IsCutBetweenCharacters()
    {
        Assert.Equal(new string('x', 1024), Message(Observe(new string('x', 1024))!));
        Assert.Equal(new string('x', 1021) + "...", Message(Observe(new string('x', 1025), name: "q")!));
        Assert.Equal(new string('x', 1020) + "...", Message(Observe(new string('x', 1020) + "😀😀😀", name: "r")!));
    }

    [Fact]
    public void Name_OfALongObject_StaysASubdomain()
    {
        var name = Observe("a", name: new string('n', 253))!.Key.Name;
        Assert.Equal(253, name.Length);
        Assert.Matches("^n+[.][0-9a-f]{16}$", name);
    }

    /// <summary>Whatever comes in whatever order: nobody writes more than the budget, and there are few events.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void RandomNotes_KeepToTheBudget(int seed)
    {
        var random = new Random(seed);
        var events = new HashSet<CorrelatedEvent>();
        var writes = new Dictionary<string, int>();
        var begin = _now;
        for (var i = 0; i < 5000; i++)
        {
            _now += TimeSpan.FromSeconds(random.Next(4));
            var name = $"p{random.Next(5)}";
            if (Observe($"m{random.Next(15)}", $"R{random.Next(3)}", name) is { } seen)
            {
                events.Add(seen);
                writes[name] = writes.GetValueOrDefault(name) + 1;
            }
        }
        var budget = 25 + (_now - begin) / TimeSpan.FromMinutes(5);
        Assert.All(writes, w => Assert.True(w.Value <= budget, $"seed {seed}: {w.Key} wrote {w.Value} of {budget}"));
        Assert.True(events.Count <= 5 * 3 * 10, $"seed {seed}: {events.Count} events");
        Assert.Equal(events.Count, events.Select(e => e.Key).Distinct().Count());
    }

    /// <summary>Seldom enough for every one to be written, each note is counted in one event.</summary>
    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    public void RandomNotes_AreAllCounted(int seed)
    {
        var random = new Random(seed);
        var events = new HashSet<CorrelatedEvent>();
        for (var i = 0; i < 2000; i++)
        {
            _now += TimeSpan.FromMinutes(5) + TimeSpan.FromSeconds(random.Next(60));
            events.Add(Observe($"m{random.Next(12)}", $"R{random.Next(2)}", $"p{random.Next(2)}") ?? throw new InvalidOperationException($"seed {seed}: kept back"));
        }
        Assert.Equal(2000, events.Sum(e => e.Count));
        Assert.True(events.Count <= 12 * 2 * 2 + 4, $"seed {seed}: {events.Count} events");
    }

    private static string Message(CorrelatedEvent seen) => (string)seen.ToObject().ToTree()["message"]!;

    private CorrelatedEvent? Observe(
        string message, string reason = "Reason", string name = "p", string uid = "uid", string path = "", EventType type = EventType.Normal,
        string component = "kubelet") =>
        _correlator.Observe(
            new EventNote(new EventSource(component), new EventSubject("v1", "Pod", "default", name, uid, "7", path), type, reason, message), _now);
}
