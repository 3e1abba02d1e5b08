namespace Serval.Kube;

/// <summary>Whether an event needs attention (core/v1: Event.type).</summary>
public enum EventType
{
    Normal,
    Warning,
}
