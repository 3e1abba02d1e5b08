namespace Serval.Proxy;

/// <summary>What connections need of the server.</summary>
internal interface IProxyCore
{
    ProxyOptions Options { get; }

    ProxySnapshot Snapshot { get; }

    Picker Picker { get; }

    ProxyTelemetry Telemetry { get; }

    HandlerUpstream HandlerUpstream { get; }

    /// <summary>Null while nobody logs.</summary>
    IRequestLog? RequestLog { get; }

    /// <summary>The server shuts down: no connection is kept alive.</summary>
    bool Draining { get; }

    /// <summary>Where those go who came without TLS and should not; 0 when there is no such door.</summary>
    int HttpsPort { get; }

    /// <summary>Gives a connection that speaks HTTP/2 to the server that does.</summary>
    bool TryHandOver(SocketTransport transport, byte[] received, bool inside);

    void Ended(Http1Connection connection);
}
