using Serval.Api;

namespace Serval.Kube;

/// <summary>Gateway → controller: how far Ingresses are in the data plane.</summary>
public interface IIngressStates
{
    /// <summary>Called with each Ingress whose state changed or went; it must not block. One may listen.</summary>
    Action<ObjectKey>? Changed { get; set; }

    /// <summary>How far an Ingress is; null before its first turn.</summary>
    IngressState? StateOf(ObjectKey ingress);
}
