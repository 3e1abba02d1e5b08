using Microsoft.Extensions.Logging;
using Serval.Api;
using Serval.Kube;

namespace Serval.Signals;

/// <summary>
/// The door of a node at which another's kube-apiserver finds the pods' logs, programs and ports, as it finds them at a kubelet. Who comes must show a client certificate or a
/// token of the cluster, and have the right to <c>nodes/proxy</c> of this node, which the cluster is asked about.
/// </summary>
public sealed class KubeletServer : IAsyncDisposable
{
    private readonly HttpsServer _server;

    private KubeletServer(HttpsServer server) => _server = server;

    /// <summary>Where it is reached.</summary>
    public Uri Address => _server.Address;

    /// <summary>SHA-256 of its certificate (DER), in hexadecimal digits.</summary>
    internal string Certificate => SignalServer.Hash(_server.Certificate);

    /// <param name="options">Where it listens, and the cluster.</param>
    /// <param name="node">The node's name.</param>
    /// <param name="streams">Its pods.</param>
    /// <param name="ct">Gives up.</param>
    /// <exception cref="InvalidOperationException">The port is taken; with what to do.</exception>
    public static async Task<KubeletServer> StartAsync(SignalServerOptions options, string node, IPodStreams streams, CancellationToken ct)
    {
        await options.Client.Cache(Kinds.ConfigMap).WaitForSyncAsync(ct); // tells who may come
        var server = new HttpsServer(options, "serval-kubelet", [options.Advertise.ToString(), node], asksForCertificates: true);
        try
        {
            var access = new KubeletAccess(node, new ClientAuthorities(options.Client, options.Time), Reviews(), Reviews());
            await server.ListenAsync(
                "what the API server asks of its nodes",
                new KubeletApplication(access, options.Client, streams, options.Time, options.Loggers.CreateLogger<KubeletServer>(), server.Stopping), ct);
            return new KubeletServer(server);
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }

        SignalAccess Reviews() => new(options.Client, audience: null, options.Time);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();
}
