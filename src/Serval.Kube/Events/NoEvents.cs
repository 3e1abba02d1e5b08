namespace Serval.Kube;

/// <summary>Forgets everything: for parts that run where nobody reads events.</summary>
public sealed class NoEvents : IEventRecorder
{
    public static readonly NoEvents Instance = new();

    public void Record(in EventNote note)
    {
        // nothing is kept
    }
}
