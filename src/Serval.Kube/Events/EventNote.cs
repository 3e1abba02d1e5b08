namespace Serval.Kube;

/// <summary>Something that happened, before it is compared with what happened already.</summary>
/// <param name="Source">Who says so.</param>
/// <param name="About">To what.</param>
/// <param name="Type">Whether it needs attention.</param>
/// <param name="Reason">Short cause in CamelCase, for programs.</param>
/// <param name="Message">Cause in words; what is longer than <see cref="EventRecorder.LongestMessage"/> characters is cut.</param>
public readonly record struct EventNote(EventSource Source, EventSubject About, EventType Type, string Reason, string Message);
