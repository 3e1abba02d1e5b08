namespace Serval.Kube;

/// <summary>A connection that can be done with writing while it is read on.</summary>
public interface IHalfConnection
{
    /// <summary>Tells the other end that nothing more comes.</summary>
    Task EndAsync();
}
