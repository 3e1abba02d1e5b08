namespace Serval.Kube;

/// <summary>What one source told of one object, in one type.</summary>
internal sealed class SubjectEvents(DateTimeOffset now)
{
    internal const int SpamBurst = 25;
    internal static readonly TimeSpan SpamRefill = TimeSpan.FromMinutes(5);

    private readonly List<SimilarEvents> _byReason = new(1);
    private TokenBucket _budget = new(SpamBurst, SpamRefill, now);

    /// <summary>The note's event, which it raises the count of.</summary>
    internal CorrelatedEvent Count(in EventNote note, long unique, DateTimeOffset now)
    {
        foreach (var similar in _byReason)
        {
            if (similar.Reason == note.Reason)
            {
                return similar.Count(note, unique, now);
            }
        }
        var added = new SimilarEvents(note.Reason);
        _byReason.Add(added);
        return added.Count(note, unique, now);
    }

    internal bool MayWrite(DateTimeOffset now) => _budget.TryTake(now);
}
