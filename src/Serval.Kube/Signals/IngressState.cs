using Serval.Api.Networking;

namespace Serval.Kube;

/// <summary>How far an Ingress is in the data plane.</summary>
/// <param name="Uid">The object that was tried: one of its name made later has a state of its own.</param>
/// <param name="Generation">The generation that was tried last.</param>
/// <param name="Error">Why that generation could not be compiled; empty when the table in force contains it.</param>
/// <param name="ServesOlder">Whether an older generation still serves in its place.</param>
/// <param name="Conflicts">Hosts that another Ingress has.</param>
/// <param name="Warnings">Fields that are not honoured.</param>
/// <param name="TlsProblems">What is wrong with its certificates.</param>
public sealed record IngressState(
    string Uid, long Generation, string Error, bool ServesOlder, IReadOnlyList<HostConflict> Conflicts, IReadOnlyList<string> Warnings,
    IReadOnlyList<string> TlsProblems);
