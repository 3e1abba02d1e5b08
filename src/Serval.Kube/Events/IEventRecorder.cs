namespace Serval.Kube;

/// <summary>Takes note of what happens, for <c>kubectl get events</c> and <c>kubectl describe</c>.</summary>
public interface IEventRecorder
{
    /// <summary>Never blocks, fails or writes: it costs its caller some microseconds. The Event object appears a moment later, or never when there are too many.</summary>
    void Record(in EventNote note);
}
