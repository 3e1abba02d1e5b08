using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Serval.Api;
using Serval.Kube;

namespace Serval.Controllers.Workloads;

/// <summary>
/// Deletes what no owner is left of, and finishes Foreground and Orphan deletions (apimachinery: garbage collection). Level-based: a change only says
/// which object to look at; what is to be done is read from the caches, again and with back-off until it is done.
/// </summary>
public sealed partial class GarbageCollector : IAsyncDisposable
{
    private const string Manager = "garbage-collector";
    private const int Concurrency = 4;

    private readonly IKubeClient _client;
    private readonly Ownership _ownership;
    private readonly ILogger _logger;
    private readonly WorkQueue<Item> _queue;
    private readonly EveryResource _resources;
    private readonly CancellationTokenSource _stop = new();

    public GarbageCollector(IKubeClient client, TimeProvider time, ILogger<GarbageCollector> logger)
    {
        (_client, _logger) = (client, logger);
        _ownership = new Ownership(client);
        _resources = new EveryResource(client, Follow);
        _queue = new WorkQueue<Item>(Concurrency, time, RunAsync);
    }

    /// <summary>How many objects wait, are worked on or back off.</summary>
    internal int Pending => _queue.Count;

    /// <summary>Waits for the caches, looks at every object once and follows changes.</summary>
    public async Task StartAsync(CancellationToken ct)
    {
        await _client.WaitForKindsAsync(ct);
        await Task.WhenAll(_client.ServedKinds.Resources.Select(k => _client.Cache(k).WaitForSyncAsync(ct)));
        _resources.Start();
    }

    public async ValueTask DisposeAsync()
    {
        _resources.Dispose();
        await _stop.CancelAsync();
        await _queue.DisposeAsync();
        _stop.Dispose();
    }

    // Runs on the thread that publishes: costs as much as the object has owners and, once deleted, dependents.
    private void Follow(ResourceKind kind, CacheChange change)
    {
        var metadata = change.New.Metadata;
        if (change.Type == WatchEventType.Deleted)
        {
            EnqueueDependents(metadata.Uid);
            EnqueueWaitingOwners(metadata);
            return;
        }
        var moved = change.Old is { } old && !old.Metadata.OwnerReferences.SequenceEqual(metadata.OwnerReferences);
        if (metadata.IsDeleting ? Ownership.IsOrphaning(metadata) || Ownership.IsForeground(metadata)
            : (moved || change.Old is null) && _ownership.Lacks(metadata))
        {
            _queue.Enqueue(new Item(kind, change.New.Key));
        }
        if (moved)
        {
            EnqueueWaitingOwners(change.Old!.Metadata);
        }
    }

    private void EnqueueDependents(string uid)
    {
        foreach (var kind in _client.ServedKinds.Resources)
        {
            foreach (var dependent in _client.Cache(kind).OwnedBy(uid))
            {
                _queue.Enqueue(new Item(kind, dependent.Key));
            }
        }
    }

    private void EnqueueWaitingOwners(ObjectMeta dependent)
    {
        foreach (var reference in dependent.OwnerReferences)
        {
            if (_ownership.Find(reference, dependent.Namespace) is var (kind, owner) && Ownership.IsForeground(owner.Metadata))
            {
                _queue.Enqueue(new Item(kind, owner.Key));
            }
        }
    }

    private async Task<WorkOutcome> RunAsync(Item item)
    {
        try
        {
            if (_client.Cache(item.Kind).Get(item.Key) is { } present)
            {
                await ProcessAsync(item.Kind, present, _stop.Token);
            }
            return new WorkOutcome(Failed: false);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            return new WorkOutcome(Failed: false);
        }
        catch (ApiException e) when (e.IsNotFound || e.IsConflict)
        {
            return new WorkOutcome(Failed: e.IsConflict); // another writer was first: look again
        }
#pragma warning disable CA1031 // one object's failure is its own, not the collector's: it is reported and retried
        catch (Exception e)
#pragma warning restore CA1031
        {
            Log.Failed(_logger, Failure.LevelOf(e), e, item.Kind.Kind, item.Key);
            return new WorkOutcome(Failed: true);
        }
    }

    private Task ProcessAsync(ResourceKind kind, KubeObject present, CancellationToken ct)
    {
        var metadata = present.Metadata;
        return metadata switch
        {
            { IsDeleting: true } when Ownership.IsOrphaning(metadata) => OrphanAsync(kind, present, ct),
            { IsDeleting: true } when Ownership.IsForeground(metadata) => FinishForegroundAsync(kind, present, ct),
            { IsDeleting: false, OwnerReferences.Count: > 0 } => CollectAsync(kind, present, ct),
            _ => Task.CompletedTask,
        };
    }

    /// <summary>Deletes an object that no owner holds; one that is held lets go of the owners that are gone or wait for it.</summary>
    private async Task CollectAsync(ResourceKind kind, KubeObject present, CancellationToken ct)
    {
        var metadata = present.Metadata;
        var holders = _ownership.Holders(metadata);
        foreach (var missing in metadata.OwnerReferences.Except(holders))
        {
            if (await _ownership.HoldsNowAsync(missing, metadata.Namespace, ct))
            {
                throw ApiException.Conflict(kind, metadata.Name, $"the cache does not show its owner {missing.Kind} {missing.Name} yet");
            }
        }
        if (holders.Count == metadata.OwnerReferences.Count)
        {
            return;
        }
        if (holders.Count > 0)
        {
            await KeepReferencesAsync(kind, present, holders.Contains, ct);
            return;
        }
        if (_ownership.IsAwaited(metadata) && _ownership.Dependents(metadata.Uid).Count > 0)
        {
            // Its own dependents go before it, as the owner wants; unless they wait in a circle, which is cut here.
            await (_ownership.OwnsItself(metadata.Uid) ? UnblockThenDeleteAsync(kind, present, ct) : DeleteAsync(kind, present, "Foreground", ct));
            return;
        }
        var policy = Ownership.IsOrphaning(metadata) ? "Orphan" : Ownership.IsForeground(metadata) ? "Foreground" : "Background";
        await DeleteAsync(kind, present, policy, ct);
    }

    private async Task UnblockThenDeleteAsync(ResourceKind kind, KubeObject present, CancellationToken ct)
    {
        if (present.Metadata.OwnerReferences.Any(o => o.BlockOwnerDeletion == true))
        {
            var references = References(present);
            foreach (var reference in references)
            {
                reference!["blockOwnerDeletion"] = false;
            }
            present = await PatchMetadataAsync(kind, present, "ownerReferences", references, ct);
        }
        await DeleteAsync(kind, present, "Foreground", ct);
    }

    private Task FinishForegroundAsync(ResourceKind kind, KubeObject owner, CancellationToken ct)
    {
        var blocking = _ownership.Dependents(owner.Metadata.Uid)
            .Where(d => d.Object.Metadata.OwnerReferences.Any(o => o.Uid == owner.Metadata.Uid && o.BlockOwnerDeletion == true)).ToList();
        foreach (var (dependentKind, dependent) in blocking)
        {
            if (!dependent.Metadata.IsDeleting)
            {
                _queue.Enqueue(new Item(dependentKind, dependent.Key));
            }
        }
        return blocking.Count == 0 ? RemoveFinalizerAsync(kind, owner, Ownership.Foreground, ct) : Task.CompletedTask; // each that goes enqueues its owner
    }

    private async Task OrphanAsync(ResourceKind kind, KubeObject owner, CancellationToken ct)
    {
        foreach (var (dependentKind, dependent) in _ownership.Dependents(owner.Metadata.Uid))
        {
            await KeepReferencesAsync(dependentKind, dependent, o => o.Uid != owner.Metadata.Uid, ct);
        }
        await RemoveFinalizerAsync(kind, owner, Ownership.Orphan, ct);
    }

    private Task KeepReferencesAsync(ResourceKind kind, KubeObject present, Func<OwnerReference, bool> keep, CancellationToken ct)
    {
        var kept = References(present).Zip(present.Metadata.OwnerReferences).Where(p => keep(p.Second)).Select(p => p.First!.DeepClone());
        return PatchMetadataAsync(kind, present, "ownerReferences", new JsonArray([.. kept]), ct);
    }

    private Task RemoveFinalizerAsync(ResourceKind kind, KubeObject owner, string finalizer, CancellationToken ct)
    {
        var rest = owner.Metadata.Finalizers.Where(f => f != finalizer).Select(f => (JsonNode)f);
        return PatchMetadataAsync(kind, owner, "finalizers", new JsonArray([.. rest]), ct);
    }

    private static JsonArray References(KubeObject present) => present.ToTree()["metadata"]?["ownerReferences"]?.DeepClone() as JsonArray ?? [];

    /// <summary>Writes one list of the metadata; refused when the object is not as it was read, as the list is replaced whole.</summary>
    private Task<KubeObject> PatchMetadataAsync(ResourceKind kind, KubeObject present, string field, JsonArray value, CancellationToken ct)
    {
        var patch = new JsonObject
        {
            ["metadata"] = new JsonObject { [field] = value.Count == 0 ? null : value, ["resourceVersion"] = present.Metadata.ResourceVersion },
        };
        return _client.PatchAsync(kind, present.Key, new KubePatch(PatchType.Merge, CanonicalJson.Serialize(patch)), WriteOptions.By(Manager), ct);
    }

    private Task DeleteAsync(ResourceKind kind, KubeObject present, string policy, CancellationToken ct) => _client.DeleteAsync(
        kind, present.Key,
        new DeleteOptions { PropagationPolicy = policy, Uid = present.Metadata.Uid, ResourceVersion = present.Metadata.ResourceVersion }, ct);

    private readonly record struct Item(ResourceKind Kind, ObjectKey Key);

    private static partial class Log
    {
        [LoggerMessage(EventId = 2101, Message = "garbage collection of {Kind} {Key} did not finish, will be tried again")]
        internal static partial void Failed(ILogger logger, LogLevel level, Exception e, string kind, ObjectKey key);
    }
}
