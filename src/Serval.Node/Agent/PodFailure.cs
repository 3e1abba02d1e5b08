namespace Serval.Node.Agent;

/// <summary>Why a pod fails as a whole, whatever its containers do: <c>status.reason</c> and <c>status.message</c>.</summary>
internal sealed record PodFailure(string Reason, string Message);
