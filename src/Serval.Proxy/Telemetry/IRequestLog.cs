namespace Serval.Proxy;

/// <summary>Who writes a line for each request that reached an instance of a revision.</summary>
public interface IRequestLog
{
    /// <summary>Names of the request's headers it wants to know.</summary>
    IReadOnlyList<string> Headers { get; }

    /// <summary>Whether probes count.</summary>
    bool Probes { get; }

    /// <summary>A request ended. Called on the request's path: it must neither wait nor fail.</summary>
    void Write(RequestRecord record);
}
