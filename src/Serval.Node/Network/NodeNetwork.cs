using Serval.Node.Agent;

namespace Serval.Node.Network;

/// <summary>How pods of this node are reached, for its Node object.</summary>
/// <param name="Own">Each pod has a network of its own.</param>
/// <param name="Message">In words.</param>
internal sealed record NodeNetwork(bool Own, string Message)
{
    public NodeCondition Condition => new("PodNetwork", Own, Own ? "OwnNamespaces" : "MappedPorts", Message);

    public const string Shared = "pods share the machine's network, and each program listens on the port in its variable PORT";
}
