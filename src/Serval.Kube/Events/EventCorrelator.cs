using Serval.Api;

namespace Serval.Kube;

/// <summary>
/// Decides which Event object a note belongs to, and whether it is worth a write. The rules and figures are client-go's (tools/record: EventCorrelator):
/// the same note again only raises a count; from the tenth different message of one reason on, none of them ten minutes after the one before, they
/// share one object; and a source may write 25 times about an object, then once in five minutes. Pure; the caller brings the time and sees to it
/// that one thread is in it.
/// </summary>
/// <param name="capacity">How many objects (each with source and type) are remembered; what is forgotten begins anew.</param>
internal sealed class EventCorrelator(int capacity)
{
    private readonly LruCache<SubjectId, SubjectEvents> _subjects = new(capacity);
    private long _unique;

    /// <summary>The event with this note counted in; null when it is not to be written for now.</summary>
    internal CorrelatedEvent? Observe(in EventNote note, DateTimeOffset now)
    {
        var about = note.About;
        var id = new SubjectId(note.Source, note.Type, about.Kind, about.Namespace, about.Name, about.Uid);
        if (!_subjects.TryGet(id, out var subject))
        {
            _subjects.Add(id, subject = new SubjectEvents(now));
        }
        // Names end in the time as nanoseconds in hexadecimal (client-go: makeEvent), moved on where two would be equal.
        _unique = Math.Max(_unique + 1, (now - DateTimeOffset.UnixEpoch).Ticks * TimeSpan.NanosecondsPerTick);
        var seen = subject.Count(note with { Message = Cut(note.Message) }, _unique, now);
        // What already waits for its write costs none more.
        return seen.Queued || subject.MayWrite(now) ? seen : null;
    }

    internal static string Cut(string message)
    {
        const string Ellipsis = "...";
        if (message.Length <= EventRecorder.LongestMessage)
        {
            return message;
        }
        return TextLimit.First(message, EventRecorder.LongestMessage - Ellipsis.Length) + Ellipsis;
    }

    private readonly record struct SubjectId(EventSource Source, EventType Type, string Kind, string Namespace, string Name, string Uid);
}
