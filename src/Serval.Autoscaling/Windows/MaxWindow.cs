namespace Serval.Autoscaling;

/// <summary>The greatest value of the last while; values in it descend, so each is stored and dropped once.</summary>
internal sealed class MaxWindow(TimeSpan length)
{
    private readonly LinkedList<(DateTimeOffset At, int Value)> _descending = new();

    /// <summary>Records a value and returns the greatest one still in the window.</summary>
    public int Record(DateTimeOffset now, int value)
    {
        while (_descending.Last is { } last && last.Value.Value <= value)
        {
            _descending.RemoveLast();
        }
        _descending.AddLast((now, value));
        while (_descending.First is { } first && now - first.Value.At >= length && first.Next is not null)
        {
            _descending.RemoveFirst();
        }
        return _descending.First!.Value.Value;
    }
}
