using System.Net;
using Microsoft.Extensions.Logging;
using Serval.ApiServer;
using Serval.ApiServer.Certificates;
using Serval.Signals;

namespace Serval.Composition;

/// <summary>The API server in a process of its own.</summary>
internal static class ApiServerRole
{
    public static async Task<ApiServerHost> StartAsync(
        StartedParts started, ServalOptions options, TimeProvider time, ILoggerFactory loggers, CancellationToken ct)
    {
        var state = await StatePart.StartAsync(started, options, time, loggers, ct);
        await Seeds.PlantProcessesAsync(state.Client, ct);
        var peers = await PeerPart.StartAsync(started, state.Client, "apiserver", time, ct, ServiceAccountKey.Open(options.DataDirectory, time));
        var api = await state.OpenDoorAsync(new RemotePodStreams(state.Client, peers.Directory, peers.Client, time), inside: null, _ => false, ct);
        api.WriteRoleKubeconfigs();
        await ApiService.EnsureAsync(state.Client, new DnsEndPoint(api.Address.IdnHost, api.Address.Port), routed: false, ct);
        return api;
    }
}
