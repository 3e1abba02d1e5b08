namespace Serval.StoreConformance;

/// <summary>Back-off a hundred times faster; deadlines of requests stay.</summary>
internal sealed class HurriedTime : TimeProvider
{
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        base.CreateTimer(callback, state, dueTime < TimeSpan.FromSeconds(60) ? dueTime / 100 : dueTime, period);
}
