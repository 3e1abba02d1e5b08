namespace Serval.Proxy;

/// <summary>The proxy cannot listen where it was told to; the message says why and what to change.</summary>
public sealed class ProxyBindException(string message, Exception? inner) : IOException(message, inner);
