namespace Serval.Kube;

/// <summary>Another process works on the data directory: which one, and what to do.</summary>
public sealed class DirectoryInUseException(string message, Exception inner) : InvalidOperationException(message, inner);
