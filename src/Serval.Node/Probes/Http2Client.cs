using System.Net;
using System.Net.Sockets;
using Serval.Kube.Remote;

namespace Serval.Node.Probes;

/// <summary>Requests of probes over cleartext HTTP/2.</summary>
internal static class Http2Client
{
    // A program that answers without end must not fill the node's memory.
    private const int MostAnswer = 64 * 1024;

    // A probe goes to the instance itself, whatever proxy the environment names for others.
    private static readonly HttpClient s_client = new(new ConnectionHandler(new SocketsHttpHandler
    {
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(1), UseProxy = false, AllowAutoRedirect = false, ConnectCallback = ConnectAsync,
    }))
    { MaxResponseContentBufferSize = MostAnswer };

    private static readonly HttpRequestOptionsKey<ProbeTarget> s_target = new("serval.target");

    public static Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, ProbeTarget target, HttpCompletionOption until, CancellationToken ct)
    {
        request.Version = HttpVersion.Version20;
        request.VersionPolicy = HttpVersionPolicy.RequestVersionExact;
        request.Options.Set(s_target, target);
        return s_client.SendAsync(request, until, ct);
    }

    private static async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken ct) =>
        context.InitialRequestMessage.Options.TryGetValue(s_target, out var target)
            ? new NetworkStream(await target.ConnectAsync(ct), ownsSocket: true)
            : throw new InvalidOperationException("a probe names its target");
}
