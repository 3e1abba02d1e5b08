namespace Serval.Controllers;

/// <summary>Ports of the gateway, as URLs name them.</summary>
/// <param name="Public">Where everybody comes in.</param>
/// <param name="Private">Where programs inside the cluster come in, who see cluster-local Routes too.</param>
/// <param name="Secure">Where everybody comes in with TLS.</param>
/// <param name="PrivateSecure">Where programs inside the cluster come in with TLS.</param>
public sealed record GatewayPorts(int Public, int Private, int Secure = 443, int PrivateSecure = 443);
