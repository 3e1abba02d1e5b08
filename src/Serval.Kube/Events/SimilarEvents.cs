namespace Serval.Kube;

/// <summary>Events about one object that differ in their message only, or in the part of the object they are about.</summary>
internal sealed class SimilarEvents(string reason)
{
    /// <summary>From this many different messages on they are combined.</summary>
    internal const int Many = 10;

    /// <summary>After a pause of more than this, messages count as different anew.</summary>
    internal static readonly TimeSpan Interval = TimeSpan.FromMinutes(10);

    /// <summary>When there are very many, what has not happened for so long is forgotten: its object has expired.</summary>
    private static readonly TimeSpan s_memory = TimeSpan.FromHours(1);
    private const int VeryMany = 3 * Many;

    private readonly List<(CorrelatedEvent Event, int Round)> _events = new(1);
    private CorrelatedEvent? _combined;
    private DateTimeOffset _last;
    private int _round; // messages are different from each other within a round

    internal string Reason { get; } = reason;

    internal CorrelatedEvent Count(in EventNote note, long unique, DateTimeOffset now)
    {
        if (now - _last > Interval)
        {
            _round++;
            if (_events.Count > VeryMany)
            {
                _events.RemoveAll(e => now - e.Event.LastSeen > s_memory);
            }
        }
        _last = now;
        if (IsOneTooMany(note.Message))
        {
            var combined = note with { Message = EventCorrelator.Cut("(combined from similar events): " + note.Message) };
            return (_combined ??= new CorrelatedEvent(combined, unique, now)).Happened(combined.Message, now);
        }
        var index = _events.FindIndex(IsOf(note));
        var seen = index < 0 ? new CorrelatedEvent(note, unique, now) : _events[index].Event;
        if (index < 0)
        {
            _events.Add((seen, _round));
        }
        else
        {
            _events[index] = (seen, _round);
        }
        return seen.Happened(note.Message, now);
    }

    private static Predicate<(CorrelatedEvent Event, int Round)> IsOf(EventNote note) =>
        e => e.Event.FieldPath == note.About.FieldPath && e.Event.Message == note.Message;

    /// <summary>Whether this round has so many other messages already that this one is not worth an object of its own.</summary>
    private bool IsOneTooMany(string message)
    {
        if (_events.Count < Many - 1)
        {
            return false;
        }
        var others = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (seen, round) in _events)
        {
            if (round == _round)
            {
                others.Add(seen.Message);
            }
        }
        return others.Count >= Many - 1 && !others.Contains(message);
    }
}
