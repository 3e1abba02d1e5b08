namespace Serval.Routing;

/// <summary>What a backend is.</summary>
public enum BackendKind
{
    /// <summary>A revision: held while at zero, gated by its container concurrency, measured for the autoscaler.</summary>
    Revision,

    /// <summary>Any other Service: balanced, never held.</summary>
    Service,
}

/// <summary>Names a backend.</summary>
/// <param name="Kind">Revision or plain Service.</param>
/// <param name="Namespace">Namespace of the revision or the Service.</param>
/// <param name="Name">Name of the revision or the Service.</param>
/// <param name="Port">Number or name of the Service's port; empty for a revision, which has one serving port.</param>
public readonly record struct BackendKey(BackendKind Kind, string Namespace, string Name, string Port = "")
{
    /// <summary>A revision's key.</summary>
    public static BackendKey Revision(string @namespace, string name) => new(BackendKind.Revision, @namespace, name);

    /// <summary>A plain Service's key.</summary>
    public static BackendKey Service(string @namespace, string name, string port) => new(BackendKind.Service, @namespace, name, port);

    /// <summary><c>namespace/name</c>, with the port of a Service.</summary>
    public override string ToString() => Port.Length == 0 ? $"{Namespace}/{Name}" : $"{Namespace}/{Name}:{Port}";
}
