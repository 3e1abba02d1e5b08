using Serval.Api;
using Serval.Kube;

namespace Serval.Signals;

/// <summary>How far an Ingress is at one gateway; null when it is not there any more.</summary>
internal sealed record IngressReport(ObjectKey Ingress, IngressState? State);
