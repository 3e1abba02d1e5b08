namespace Serval.Cli;

/// <summary>What is done in any case when a second signal ends this program at once.</summary>
internal sealed class ForcedEnd
{
    private volatile Action? _last;

    public void Register(Action last) => _last = last;

    public void Run() => _last?.Invoke();
}
