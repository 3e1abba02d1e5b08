namespace Serval.Api.Networking;

/// <summary>A host that another Ingress has.</summary>
/// <param name="Host">The host.</param>
/// <param name="Winner">The older Ingress, which keeps it.</param>
public sealed record HostConflict(string Host, ObjectKey Winner);
