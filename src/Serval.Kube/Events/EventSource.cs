namespace Serval.Kube;

/// <summary>Who reports an event (core/v1: EventSource).</summary>
/// <param name="Component">For example <c>replicaset-controller</c> or <c>kubelet</c>: the names upstream's parts report under.</param>
/// <param name="Host">Node it runs on, where that matters.</param>
public readonly record struct EventSource(string Component, string Host = "");
