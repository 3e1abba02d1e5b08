namespace Serval.Kube.Remote;

/// <summary>A kubeconfig, or a credential it names, cannot be used; the message says which and why.</summary>
public sealed class KubeConfigException(string message, Exception? cause = null) : Exception(message, cause);
