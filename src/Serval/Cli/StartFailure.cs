using System.Net.Sockets;
using Serval.ApiServer.Store;
using Serval.Kube.Remote;
using Serval.Proxy;

namespace Serval.Cli;

/// <summary>Why a server did not start, for people.</summary>
internal static class StartFailure
{
    /// <summary>The exit code and the message of what a part says itself; null of others.</summary>
    public static (int Code, string Message)? Explain(Exception e) => e switch
    {
        ProxyBindException or InvalidOperationException or StoreException or PlatformNotSupportedException => (ExitCodes.Failed, e.Message),
        KubeConfigException => (ExitCodes.Usage, e.Message),
        SocketException or IOException { InnerException: SocketException } =>
            (ExitCodes.Failed, $"cannot listen ({e.Message}); stop what has the port, or choose another address or port (0 is any free one)"),
        _ => null,
    };
}
