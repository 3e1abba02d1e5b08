namespace Serval.Node.Probes;

/// <summary>What one run of a probe found.</summary>
internal readonly record struct ProbeResult(bool Ok, string Message)
{
    public static readonly ProbeResult Success = new(true, "");

    public static ProbeResult Failure(string message) => new(false, message);
}
