using Serval.Kube;

namespace Serval.Controllers.Tests.TestServices;

/// <summary>Events as a test reads them: <c>Normal Created Service/hello: Created Route "hello"</c>.</summary>
internal sealed class RecordedEvents : IEventRecorder
{
    private readonly Lock _lock = new();
    private readonly List<EventNote> _notes = [];

    public void Record(in EventNote note)
    {
        lock (_lock)
        {
            _notes.Add(note);
        }
    }

    /// <summary>What came since the last call.</summary>
    public IReadOnlyList<string> Take()
    {
        lock (_lock)
        {
            var lines = _notes.Select(n => $"{n.Type} {n.Reason} {n.About.Kind}/{n.About.Name}: {n.Message}").ToArray();
            _notes.Clear();
            return lines;
        }
    }

    public IReadOnlyList<string> Components()
    {
        lock (_lock)
        {
            return [.. _notes.Select(n => n.Source.Component).Distinct()];
        }
    }
}
