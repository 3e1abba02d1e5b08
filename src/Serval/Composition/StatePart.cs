using System.Net;
using Microsoft.Extensions.Logging;
using Serval.ApiServer;
using Serval.ApiServer.Pipeline;
using Serval.ApiServer.Store;
using Serval.Kube;

namespace Serval.Composition;

/// <summary>The store with the objects every data directory begins with, and the door to it, which is opened when all behind it is ready.</summary>
internal sealed class StatePart
{
    private readonly StartedParts _started;
    private readonly ServalOptions _options;
    private readonly SqliteStore _store;
    private readonly TimeProvider _time;
    private readonly ILoggerFactory _loggers;

    private StatePart(StartedParts started, ServalOptions options, SqliteStore store, TimeProvider time, ILoggerFactory loggers)
    {
        (_started, _options, _store, _time, _loggers) = (started, options, store, time, loggers);
        Client = new EmbeddedKubeClient(store, time, loggers);
    }

    public IKubeClient Client { get; }

    public static async Task<StatePart> StartAsync(StartedParts started, ServalOptions options, TimeProvider time, ILoggerFactory loggers, CancellationToken ct)
    {
        var store = started.Add(await SqliteStore.OpenAsync(
            new StoreOptions { Directory = options.DataDirectory, TimeProvider = time, Logger = loggers.CreateLogger<SqliteStore>() }, ct));
        var state = new StatePart(started, options, store, time, loggers);
        await Task.WhenAll(Seeds.PlantAsync(state.Client, ct), ServiceSeeds.PlantAsync(state.Client, options.ServiceCidr, time, loggers.CreateLogger(typeof(ServiceSeeds)), ct));
        return state;
    }

    /// <summary>Serves the Kubernetes API.</summary>
    /// <param name="streams">Reaches into pods.</param>
    /// <param name="inside">Where pods of networks of their own reach this machine; null when there are none.</param>
    /// <param name="isInside">Whether an address is a pod's or this machine's own.</param>
    /// <param name="ct">Gives up.</param>
    public async Task<ApiServerHost> OpenDoorAsync(IPodStreams streams, IPAddress? inside, Func<IPAddress, bool> isInside, CancellationToken ct) => _started.Add(await ApiServerHost.StartAsync(
        new ApiServerOptions
        {
            DataDirectory = _options.DataDirectory, Client = Client, PodStreams = streams, Address = _options.ListenAddress, Port = _options.ApiPort,
            Audit = _options.Audit, Inside = inside, IsInside = isInside, StoreTakesWrites = () => _store.TakesWrites, TimeProvider = _time, LoggerFactory = _loggers,
        },
        ct));
}
