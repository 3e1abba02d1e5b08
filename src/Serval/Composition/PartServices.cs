using Microsoft.Extensions.Logging;
using Serval.Kube;

namespace Serval.Composition;

/// <summary>What every part works with, whichever process it is in.</summary>
/// <param name="Client">The waist: embedded, or over HTTPS.</param>
/// <param name="Config">The cluster's settings.</param>
/// <param name="Events">Hears what happens.</param>
/// <param name="Time">The clock.</param>
/// <param name="Loggers">Where logs go.</param>
internal sealed record PartServices(IKubeClient Client, ServingConfigSource Config, EventRecorder Events, TimeProvider Time, ILoggerFactory Loggers)
{
    public static PartServices Create(StartedParts started, IKubeClient client, TimeProvider time, ILoggerFactory loggers)
    {
        var events = started.Add(new EventRecorder(client, time, loggers.CreateLogger<EventRecorder>()));
        var config = started.Own(new ServingConfigSource(client, loggers.CreateLogger<ServingConfigSource>(), events));
        return new PartServices(client, config, events, time, loggers);
    }
}
