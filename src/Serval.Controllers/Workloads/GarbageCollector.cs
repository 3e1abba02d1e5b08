using System.Text.Json.Nodes;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Serval.Api;
using Serval.Kube;

namespace Serval.Controllers.Workloads;

/// <summary>
/// Deletes what no owner is left of, and finishes Foreground and Orphan deletions (apimachinery: garbage collection). Level-based: a start looks
/// at every object once; afterwards deletions and new objects are enough.
/// </summary>
public sealed partial class GarbageCollector(IKubeClient client, ILogger<GarbageCollector> logger) : IAsyncDisposable
{
    private const string Foreground = "foregroundDeletion";
    private const string Orphan = "orphan";
    private const string Manager = "garbage-collector";

    private readonly Channel<(ResourceKind Kind, CacheChange Change)> _work =
        Channel.CreateUnbounded<(ResourceKind, CacheChange)>(new UnboundedChannelOptions { SingleReader = true });

    private readonly List<IDisposable> _subscriptions = [];
    private readonly CancellationTokenSource _stop = new();
    private Task _loop = Task.CompletedTask;

    public async Task StartAsync(CancellationToken ct)
    {
        await Task.WhenAll(Kinds.All.Select(k => client.Cache(k).WaitForSyncAsync(ct)));
        _loop = Task.Run(RunAsync, CancellationToken.None);
        foreach (var kind in Kinds.All)
        {
            _subscriptions.Add(client.Cache(kind).Subscribe(change =>
            {
                if (change.Type == WatchEventType.Deleted || change.New.Metadata.IsDeleting || change.New.Metadata.OwnerReferences.Count > 0 && change.Old is null)
                {
                    _work.Writer.TryWrite((kind, change));
                }
            }));
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var subscription in _subscriptions)
        {
            subscription.Dispose();
        }
        _work.Writer.TryComplete();
        await _stop.CancelAsync();
        await _loop;
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            await foreach (var (kind, change) in _work.Reader.ReadAllAsync(_stop.Token))
            {
                try
                {
                    await ProcessAsync(kind, change, _stop.Token);
                }
                catch (ApiException e)
                {
                    Log.Postponed(logger, kind.Kind, change.New.Key, e.Message);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // stopping
        }
    }

    private async Task ProcessAsync(ResourceKind kind, CacheChange change, CancellationToken ct)
    {
        var metadata = change.New.Metadata;
        if (change.Type == WatchEventType.Deleted)
        {
            await DeleteDependentsAsync(metadata.Uid, onlyBlocking: false, ct);
            foreach (var owner in metadata.OwnerReferences)
            {
                await FinishOwnerAsync(owner, metadata.Namespace, ct);
            }
        }
        else if (metadata.IsDeleting && metadata.Finalizers.Contains(Orphan))
        {
            await OrphanAsync(kind, change.New, ct);
        }
        else if (metadata.IsDeleting && metadata.Finalizers.Contains(Foreground))
        {
            await DeleteDependentsAsync(metadata.Uid, onlyBlocking: false, ct);
            await FinishForegroundAsync(kind, change.New.Key, ct);
        }
        else if (!metadata.IsDeleting && metadata.OwnerReferences.Count > 0 && !metadata.OwnerReferences.Any(o => Exists(o, metadata.Namespace)))
        {
            await OwnedObjects.DeleteIfPresentAsync(client, kind, change.New, ct);
        }
    }

    private async Task DeleteDependentsAsync(string uid, bool onlyBlocking, CancellationToken ct)
    {
        foreach (var kind in Kinds.All)
        {
            foreach (var dependent in client.Cache(kind).OwnedBy(uid))
            {
                var metadata = dependent.Metadata;
                var others = metadata.OwnerReferences.Any(o => o.Uid != uid && Exists(o, metadata.Namespace));
                var blocks = metadata.OwnerReferences.Any(o => o.Uid == uid && o.BlockOwnerDeletion == true);
                if (!others && !metadata.IsDeleting && (blocks || !onlyBlocking))
                {
                    await OwnedObjects.DeleteIfPresentAsync(client, kind, dependent, ct);
                }
            }
        }
    }

    private async Task FinishOwnerAsync(OwnerReference owner, string ns, CancellationToken ct)
    {
        if (Kinds.Find(owner.ApiVersion, owner.Kind) is { } kind)
        {
            await FinishForegroundAsync(kind, new ObjectKey(kind.Namespaced ? ns : "", owner.Name), ct);
        }
    }

    private async Task FinishForegroundAsync(ResourceKind kind, ObjectKey key, CancellationToken ct)
    {
        if (client.Cache(kind).Get(key) is not { } owner || !owner.Metadata.IsDeleting || !owner.Metadata.Finalizers.Contains(Foreground))
        {
            return;
        }
        var blocked = Kinds.All.Any(k => client.Cache(k).OwnedBy(owner.Metadata.Uid)
            .Any(d => d.Metadata.OwnerReferences.Any(o => o.Uid == owner.Metadata.Uid && o.BlockOwnerDeletion == true)));
        if (!blocked)
        {
            await RemoveFinalizerAsync(kind, owner, Foreground, ct);
        }
    }

    private async Task OrphanAsync(ResourceKind kind, KubeObject owner, CancellationToken ct)
    {
        foreach (var dependentKind in Kinds.All)
        {
            foreach (var dependent in client.Cache(dependentKind).OwnedBy(owner.Metadata.Uid))
            {
                var rest = dependent.ToTree()["metadata"]!["ownerReferences"]!.AsArray()
                    .Where(o => (string?)o!["uid"] != owner.Metadata.Uid).Select(o => o!.DeepClone());
                await PatchMetadataAsync(dependentKind, dependent.Key, "ownerReferences", new JsonArray([.. rest]), ct);
            }
        }
        await RemoveFinalizerAsync(kind, owner, Orphan, ct);
    }

    private Task RemoveFinalizerAsync(ResourceKind kind, KubeObject owner, string finalizer, CancellationToken ct)
    {
        var rest = owner.Metadata.Finalizers.Where(f => f != finalizer).Select(f => (JsonNode)f);
        return PatchMetadataAsync(kind, owner.Key, "finalizers", new JsonArray([.. rest]), ct);
    }

    private async Task PatchMetadataAsync(ResourceKind kind, ObjectKey key, string field, JsonArray value, CancellationToken ct)
    {
        var patch = new JsonObject { ["metadata"] = new JsonObject { [field] = value.Count == 0 ? null : value } };
        try
        {
            await client.PatchAsync(kind, key, new KubePatch(PatchType.Merge, CanonicalJson.Serialize(patch)), WriteOptions.By(Manager), ct);
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            // gone meanwhile
        }
    }

    private bool Exists(OwnerReference owner, string ns) =>
        Kinds.Find(owner.ApiVersion, owner.Kind) is not { } kind // a kind Serval does not serve cannot be judged: keep
        || client.Cache(kind).Get(new ObjectKey(kind.Namespaced ? ns : "", owner.Name))?.Metadata.Uid == owner.Uid;

    private static partial class Log
    {
        [LoggerMessage(EventId = 2101, Level = LogLevel.Warning, Message = "garbage collection of {Kind} {Key} did not finish: {Why}")]
        internal static partial void Postponed(ILogger logger, string kind, ObjectKey key, string why);
    }
}
