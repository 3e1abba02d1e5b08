using Microsoft.Extensions.Logging;
using Serval.Api;

namespace Serval.Kube;

/// <summary>
/// Runs reconcilers over one client: subscribes to their kinds, queues keys, runs, retries. A failure is told by an event on the object, as
/// Knative's reconcilers tell it (knative.dev/pkg: InternalError).
/// </summary>
public sealed partial class ControllerHost(IKubeClient client, IEventRecorder events, TimeProvider time, ILogger<ControllerHost> logger) : IAsyncDisposable
{
    private readonly List<Controller> _controllers = [];
    private readonly List<IDisposable> _subscriptions = [];
    private readonly CancellationTokenSource _stop = new();
    private volatile bool _started;

    /// <summary>Adds a reconciler; call before <see cref="StartAsync"/>.</summary>
    public ControllerHost Add(IReconciler reconciler)
    {
        _controllers.Add(new Controller(reconciler, client, new EventReporter(events, reconciler.Name), time, logger, _stop.Token));
        return this;
    }

    /// <summary>Waits for the caches, then enqueues every present object once and follows changes.</summary>
    public async Task StartAsync(CancellationToken ct)
    {
        await client.WaitForKindsAsync(ct);
        var kinds = _controllers.SelectMany(c => c.Reconciler.Watches.Select(w => w.Kind).Concat(c.Reconciler.Reads).Append(c.Reconciler.Kind)).Append(Kinds.ConfigMap).Distinct(); // settings are in ConfigMaps
        await Task.WhenAll(kinds.Select(k => client.Cache(k).WaitForSyncAsync(ct)));
        _started = true;
        foreach (var controller in _controllers)
        {
            controller.Reconciler.Started(controller.Queue.Enqueue);
            _subscriptions.Add(client.Cache(controller.Reconciler.Kind).Subscribe(change => controller.Queue.Enqueue(change.New.Key)));
            foreach (var watch in controller.Reconciler.Watches)
            {
                _subscriptions.Add(client.Cache(watch.Kind).Subscribe(change =>
                {
                    foreach (var key in watch.Map(change))
                    {
                        controller.Queue.Enqueue(key);
                    }
                }));
            }
        }
    }

    /// <summary>Runs every present object of a kind again, for what is in no object has changed.</summary>
    public void RunAll(ResourceKind kind)
    {
        if (!_started)
        {
            return; // all of them are going to run
        }
        var keys = client.Cache(kind).List().Select(o => o.Key).ToList();
        foreach (var controller in _controllers.Where(c => c.Reconciler.Kind == kind))
        {
            keys.ForEach(controller.Queue.Enqueue);
        }
    }

    /// <summary>How many keys wait, run or back off: 0 means the controllers are at rest.</summary>
    public int Pending => _controllers.Sum(c => c.Queue.Count);

    /// <summary>Stops taking keys and waits for running ones.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var subscription in _subscriptions)
        {
            subscription.Dispose();
        }
        await _stop.CancelAsync();
        foreach (var controller in _controllers)
        {
            await controller.Queue.DisposeAsync();
        }
        foreach (var owner in _controllers.Select(c => c.Reconciler).OfType<IDisposable>())
        {
            owner.Dispose();
        }
        _stop.Dispose();
    }

    private sealed class Controller
    {
        private readonly IKubeClient _client;
        private readonly EventReporter _events;
        private readonly ILogger _logger;
        private readonly CancellationToken _stopping;

        internal Controller(IReconciler reconciler, IKubeClient client, EventReporter events, TimeProvider time, ILogger logger, CancellationToken stopping)
        {
            Reconciler = reconciler;
            (_client, _events, _logger, _stopping) = (client, events, logger, stopping);
            Queue = new WorkQueue<ObjectKey>(reconciler.Concurrency, time, RunAsync);
        }

        internal IReconciler Reconciler { get; }

        internal WorkQueue<ObjectKey> Queue { get; }

        private async Task<WorkOutcome> RunAsync(ObjectKey key)
        {
            try
            {
                var result = await Reconciler.ReconcileAsync(key, _stopping);
                return new WorkOutcome(Failed: false, After: result.RequeueAfter);
            }
            catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
            {
                return new WorkOutcome(Failed: false);
            }
            catch (ApiException e) when (e.IsConflict || e.IsAlreadyExists || e.IsNotFound)
            {
                // Another writer was first; the caches show its write by the time the key runs again.
                Log.Raced(_logger, Reconciler.Name, key, e.Message);
                return new WorkOutcome(Failed: true);
            }
            catch (ApiException e) when (e.IsNamespaceTerminating)
            {
                // What it wanted to make would be deleted at once; the deletion of the key's own object ends its work.
                Log.NamespaceCloses(_logger, Reconciler.Name, key, e.Message);
                return new WorkOutcome(Failed: false);
            }
#pragma warning disable CA1031 // a reconciler's failure is the key's, not the host's: it is reported and retried
            catch (Exception e)
#pragma warning restore CA1031
            {
                Log.Failed(_logger, Failure.LevelOf(e), e, Reconciler.Name, key);
                if (_client.Cache(Reconciler.Kind).Get(key) is { } obj)
                {
                    _events.Warning(obj, "InternalError", e.Message);
                }
                return new WorkOutcome(Failed: true);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 1001, Level = LogLevel.Debug, Message = "{Reconciler} {Key}: another writer was first ({Why}); running again")]
        internal static partial void Raced(ILogger logger, string reconciler, ObjectKey key, string why);

        [LoggerMessage(EventId = 1002, Message = "{Reconciler} {Key}: failed, will be tried again")]
        internal static partial void Failed(ILogger logger, LogLevel level, Exception e, string reconciler, ObjectKey key);

        [LoggerMessage(EventId = 1003, Level = LogLevel.Debug, Message = "{Reconciler} {Key}: stopped, its namespace is being deleted ({Why})")]
        internal static partial void NamespaceCloses(ILogger logger, string reconciler, ObjectKey key, string why);
    }
}
