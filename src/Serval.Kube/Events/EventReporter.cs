using Serval.Api;

namespace Serval.Kube;

/// <summary>One component's pen: records under its name.</summary>
public sealed class EventReporter(IEventRecorder recorder, EventSource source)
{
    public EventReporter(IEventRecorder recorder, string component)
        : this(recorder, new EventSource(component))
    {
    }

    /// <summary>Something went as it should.</summary>
    public void Normal(KubeObject about, string reason, string message) => Normal(EventSubject.Of(about), reason, message);

    /// <inheritdoc cref="Normal(KubeObject, string, string)"/>
    public void Normal(in EventSubject about, string reason, string message) =>
        recorder.Record(new EventNote(source, about, EventType.Normal, reason, message));

    /// <summary>Something may need attention.</summary>
    public void Warning(KubeObject about, string reason, string message) => Warning(EventSubject.Of(about), reason, message);

    /// <inheritdoc cref="Warning(KubeObject, string, string)"/>
    public void Warning(in EventSubject about, string reason, string message) =>
        recorder.Record(new EventNote(source, about, EventType.Warning, reason, message));
}
