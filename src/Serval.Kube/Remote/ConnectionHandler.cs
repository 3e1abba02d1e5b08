using System.Net.Sockets;

namespace Serval.Kube.Remote;

/// <summary>
/// The framework's HTTP client, all of whose broken connections are <see cref="HttpRequestException"/>s. It asks a connection that it has just made for
/// its peer where nothing catches (HttpConnectionPool.ConnectAsync): one that the peer has reset by then fails with a bare <see cref="SocketException"/>.
/// </summary>
/// <param name="inner">Makes the connections; disposed with this.</param>
public sealed class ConnectionHandler(SocketsHttpHandler inner) : DelegatingHandler(inner)
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        try
        {
            return await base.SendAsync(request, cancellationToken);
        }
        catch (SocketException e)
        {
            throw new HttpRequestException(HttpRequestError.ConnectionError, e.Message, e);
        }
    }
}
