using Serval.Kube;

namespace Serval.Node.Tests;

/// <summary>Events as a test reads them, and a way to wait for one: <c>Warning Unhealthy spec.containers{app}: Readiness probe failed: …</c>.</summary>
internal sealed class HeardEvents : IEventRecorder
{
    private readonly Lock _lock = new();
    private readonly List<string> _lines = [];
    private readonly List<(string Text, TaskCompletionSource Found)> _waiting = [];

    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (_lock)
            {
                return [.. _lines];
            }
        }
    }

    /// <summary>Who said it, about what.</summary>
    public EventNote Last { get; private set; }

    public void Record(in EventNote note)
    {
        lock (_lock)
        {
            Last = note;
            var line = $"{note.Type} {note.Reason} {(note.About.FieldPath.Length > 0 ? note.About.FieldPath : note.About.Kind)}: {note.Message}";
            _lines.Add(line);
            foreach (var (_, found) in _waiting.Where(w => line.Contains(w.Text, StringComparison.Ordinal)))
            {
                found.TrySetResult();
            }
        }
    }

    /// <summary>Completes when a line holds this.</summary>
    public async Task WhenAsync(string text)
    {
        var found = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            if (_lines.Exists(l => l.Contains(text, StringComparison.Ordinal)))
            {
                return;
            }
            _waiting.Add((text, found));
        }
        try
        {
            await found.Task.WaitAsync(TimeSpan.FromSeconds(20));
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"no event holds '{text}': {string.Join("; ", Lines)}", e);
        }
    }
}
