using Microsoft.Extensions.Logging;
using Serval.Api;
using Serval.Api.Config;
using Serval.Api.Core;
using Serval.Api.Serving;

namespace Serval.Kube;

/// <summary>
/// The <c>config-*</c> ConfigMaps of namespace <c>knative-serving</c> as one immutable value, followed live. A bad value is reported and the
/// last good map stays in force.
/// </summary>
public sealed partial class ServingConfigSource : IDisposable
{
    private readonly ILogger<ServingConfigSource> _logger;
    private readonly EventReporter _events;
    private readonly IDisposable _subscription;
    private volatile ServingConfig _current = ServingConfig.Default; // replaced whole by the publisher's thread
    private Action? _changed; // called on the publisher's thread after _current was replaced

    /// <param name="client">Where the maps are.</param>
    /// <param name="logger">Hears of bad values.</param>
    /// <param name="events">Tells of bad values on their map; null where nobody reads them.</param>
    public ServingConfigSource(IKubeClient client, ILogger<ServingConfigSource> logger, IEventRecorder? events = null)
    {
        _logger = logger;
        _events = new EventReporter(events ?? NoEvents.Instance, "serving-config");
        _subscription = client.Cache(Kinds.ConfigMap).Subscribe(Take);
    }

    public ServingConfig Current => _current;

    /// <summary>
    /// Runs every object of <paramref name="kind"/> again whenever new settings are in force, or new ones of the part that matters. For
    /// <see cref="IReconciler.Started"/>.
    /// </summary>
    public void RunAll(IKubeClient client, ResourceKind kind, Action<ObjectKey> enqueue, Func<ServingConfig, object>? part = null)
    {
        var matters = part?.Invoke(_current);
        _changed += () =>
        {
            if (part is not null && Equals(matters, matters = part(_current)))
            {
                return;
            }
            foreach (var obj in client.Cache(kind).List())
            {
                enqueue(obj.Key);
            }
        };
    }

    /// <summary>Calls the handler now and whenever new settings are in force, on the publisher's thread; it must not block.</summary>
    public void Follow(Action<ServingConfig> handler)
    {
        _changed += () => handler(_current);
        handler(_current);
    }

    public void Dispose() => _subscription.Dispose();

    private void Take(CacheChange change)
    {
        var metadata = change.New.Metadata;
        if (metadata.Namespace != KnativeNames.SystemNamespace || !ServingConfig.IsConfigMap(metadata.Name))
        {
            return;
        }
        var data = change.Type == WatchEventType.Deleted ? null : change.New.As<ConfigMap>().Data;
        (_current, var error) = _current.With(metadata.Name, data);
        if (error is not null)
        {
            Log.Rejected(_logger, metadata.Name, error.Message);
            _events.Warning(change.New, "InvalidConfiguration", $"{error.Message}; the last good values of this ConfigMap stay in force");
            return;
        }
        _changed?.Invoke();
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 1101, Level = LogLevel.Warning, Message = "ConfigMap knative-serving/{Name} has a bad value, the last good one stays in force: {Why}")]
        internal static partial void Rejected(ILogger logger, string name, string why);
    }
}
