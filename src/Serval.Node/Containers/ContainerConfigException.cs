namespace Serval.Node.Containers;

/// <summary>A container cannot be set up from its spec; it is tried again when what it refers to changes.</summary>
/// <param name="message">Cause, object and what to do, as the waiting state shows it.</param>
/// <param name="reason">The waiting state's reason.</param>
internal sealed class ContainerConfigException(string message, string reason = ContainerConfigException.CreateContainerConfigError)
    : Exception(message)
{
    public const string CreateContainerConfigError = nameof(CreateContainerConfigError);
    public const string CreateContainerError = nameof(CreateContainerError);

    public string Reason { get; } = reason;

    /// <summary>The volume that could not be set up; empty when it is something else.</summary>
    public string Volume { get; init; } = "";

    /// <summary>What kubelet says, and what helps.</summary>
    public static ContainerConfigException NotFound(string kind, string name) =>
        new($"{kind} \"{name}\" not found; create it in the pod's namespace, or make the reference optional");
}
