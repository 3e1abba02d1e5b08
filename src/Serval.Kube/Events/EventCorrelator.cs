namespace Serval.Kube;

/// <summary>
/// Decides which Event object a note belongs to, and whether it is worth a write. The rules and figures are client-go's (tools/record: EventCorrelator):
/// the same note again only raises a count; from the tenth different message of one reason within ten minutes on they share one object; and a
/// source may write 25 times about an object, then once in five minutes. Pure; the caller brings the time and sees to it that one thread is in it.
/// </summary>
/// <param name="capacity">How many events, groups and objects are remembered; what is forgotten begins anew.</param>
internal sealed class EventCorrelator(int capacity)
{
    internal const int SimilarEvents = 10;
    internal const int SpamBurst = 25;
    internal static readonly TimeSpan SimilarInterval = TimeSpan.FromMinutes(10);
    internal static readonly TimeSpan SpamRefill = TimeSpan.FromMinutes(5);

    private const string Combined = "(combined from similar events): ";

    private readonly LruCache<EventId, CorrelatedEvent> _events = new(capacity);
    private readonly LruCache<GroupId, Group> _groups = new(capacity);
    private readonly LruCache<SourceId, TokenBucket> _budgets = new(capacity);
    private long _unique;

    /// <summary>The event with this note counted in; null when it is not to be written for now.</summary>
    internal CorrelatedEvent? Observe(in EventNote note, DateTimeOffset now)
    {
        var about = note.About;
        var source = new SourceId(note.Source, note.Type, about.Kind, about.Namespace, about.Name, about.Uid);
        var group = new GroupId(source, note.Reason);
        var message = Cut(note.Message);
        var id = new EventId(group, about.FieldPath, message);
        if (IsOneTooMany(group, message, now))
        {
            (id, message) = (new EventId(group, "", null), Cut(Combined + message));
        }
        if (!_events.TryGet(id, out var seen))
        {
            // Names end in the time as nanoseconds in hexadecimal (client-go: makeEvent), moved on where two would be equal.
            _unique = Math.Max(_unique + 1, (now - DateTimeOffset.UnixEpoch).Ticks * TimeSpan.NanosecondsPerTick);
            seen = new CorrelatedEvent(note, _unique, now);
            _events.Add(id, seen);
        }
        seen.Happened(message, now);
        // What already waits for its write costs none more.
        return seen.Queued || MayWrite(source, now) ? seen : null;
    }

    /// <summary>Whether so many different messages came lately that this one is not worth an object of its own.</summary>
    private bool IsOneTooMany(GroupId id, string message, DateTimeOffset now)
    {
        if (!_groups.TryGet(id, out var group))
        {
            _groups.Add(id, group = new Group());
        }
        if (now - group.Last > SimilarInterval)
        {
            group.Messages.Clear();
        }
        group.Last = now;
        if (group.Messages.Contains(message))
        {
            return false;
        }
        if (group.Messages.Count + 1 >= SimilarEvents)
        {
            return true;
        }
        group.Messages.Add(message);
        return false;
    }

    private bool MayWrite(SourceId id, DateTimeOffset now)
    {
        if (!_budgets.TryGet(id, out var budget))
        {
            _budgets.Add(id, budget = new TokenBucket(SpamBurst, SpamRefill, now));
        }
        return budget.TryTake(now);
    }

    private static string Cut(string message)
    {
        const string Ellipsis = "...";
        if (message.Length <= EventRecorder.LongestMessage)
        {
            return message;
        }
        var end = EventRecorder.LongestMessage - Ellipsis.Length;
        return string.Concat(message.AsSpan(0, char.IsHighSurrogate(message[end - 1]) ? end - 1 : end), Ellipsis);
    }

    private readonly record struct SourceId(EventSource Source, EventType Type, string Kind, string Namespace, string Name, string Uid);

    private readonly record struct GroupId(SourceId Source, string Reason);

    /// <summary>A null message stands for all that were combined.</summary>
    private readonly record struct EventId(GroupId Group, string FieldPath, string? Message);

    private sealed class Group
    {
        public List<string> Messages { get; } = new(1);

        public DateTimeOffset Last { get; set; }
    }
}
