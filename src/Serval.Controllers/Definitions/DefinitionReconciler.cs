using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Crds;
using Serval.Kube;

namespace Serval.Controllers.Definitions;

/// <summary>
/// CustomResourceDefinitions: accepts their names, establishes them, and deletes their objects before they go (apiextensions-apiserver:
/// pkg/controller/status, establish, finalizer). For the embedded state only: a real API server has its own.
/// </summary>
internal sealed class DefinitionReconciler(IKubeClient client, TimeProvider time) : IReconciler, IDisposable
{
    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(1);
    private EveryResource? _resources;
    private Action<ObjectKey> _enqueue = static _ => { };

    public string Name => "customresourcedefinition-controller";

    public ResourceKind Kind => Kinds.CustomResourceDefinition;

    /// <summary>One at a time: who asks for a name first gets it.</summary>
    public int Concurrency => 1;

    public void Started(Action<ObjectKey> enqueue)
    {
        _enqueue = enqueue;
        _resources = new EveryResource(client, (kind, change) =>
        {
            if (kind.Shape is not null && change.Type == WatchEventType.Deleted && Find(kind.ResourceName) is { Metadata.IsDeleting: true } definition)
            {
                enqueue(definition.Key);
            }
        });
        _resources.Start();
    }

    public void Dispose() => _resources?.Dispose();

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken ct)
    {
        var present = Find(key.Name);
        if (present is null)
        {
            EnqueueOthers(key.Name); // it has freed its names
        }
        else if (present.Metadata.IsDeleting)
        {
            return await FinishAsync(present, ct);
        }
        else if (OwnDefinitions.Find(key.Name) is null)
        {
            await AcceptAsync(present, ct);
        }
        return ReconcileResult.Done;
    }

    private async Task AcceptAsync(KubeObject present, CancellationToken ct)
    {
        var status = StatusFields.Of(present);
        var before = status["acceptedNames"]?.DeepClone();
        var readable = present.Json.Span.IndexOf("\"caBundle\""u8) < 0 || WebhookBundle.Complaint(present.ToTree()) is null; // few have one, and some are a megabyte
        DefinitionNames.Accept(present.As<CustomResourceDefinition>().Spec.Names, status, Taken(present.Metadata.Name), readable, time.GetUtcNow());
        DefinitionApproval.Tell(present.Metadata, GroupOf(present.Metadata.Name), status, time.GetUtcNow());
        var moved = !JsonNode.DeepEquals(before, status["acceptedNames"]);
        await OwnedObjects.PatchStatusAsync(client, Kind, present, status, Name, ct);
        if (moved)
        {
            EnqueueOthers(present.Metadata.Name);
        }
    }

    private async Task<ReconcileResult> FinishAsync(KubeObject present, CancellationToken ct)
    {
        if (!present.Metadata.Finalizers.Contains(DefinitionConditions.Finalizer))
        {
            return ReconcileResult.Done; // others hold it
        }
        var kind = client.ServedKinds.Resources.FirstOrDefault(k => k.Shape is not null && k.ResourceName == present.Metadata.Name);
        if (kind is null)
        {
            await TellAsync(present, false, "NeverEstablished", "resource was never established", ct);
            await LetGoAsync(present, ct);
            return ReconcileResult.Done;
        }
        // The write comes before the look: by then everything that was on its way is in the store.
        await TellAsync(present, true, "InstanceDeletionInProgress", "CustomResource deletion is in progress", ct);
        var left = client.Cache(kind).List();
        foreach (var instance in left.Where(o => !o.Metadata.IsDeleting))
        {
            await OwnedObjects.DeleteIfPresentAsync(client, kind, instance, ct);
        }
        if (left.Count > 0)
        {
            return ReconcileResult.Done; // each deletion runs this key again
        }
        if ((await client.ListAsync(kind, null, new ListOptions { Limit = 1 }, ct)).Items.Count > 0)
        {
            return ReconcileResult.After(s_look); // another process wrote it: it is on its way into the cache
        }
        await TellAsync(present, false, "InstanceDeletionCompleted", "removed all instances", ct);
        await LetGoAsync(present, ct);
        return ReconcileResult.Done;
    }

    private Task TellAsync(KubeObject present, bool terminating, string reason, string message, CancellationToken ct)
    {
        var status = StatusFields.Of(present);
        ConditionList.Set(status, DefinitionConditions.Terminating, terminating, reason, message, time.GetUtcNow());
        return OwnedObjects.PatchStatusAsync(client, Kind, present, status, Name, ct);
    }

    private Task LetGoAsync(KubeObject present, CancellationToken ct)
    {
        var rest = present.Metadata.Finalizers.Where(f => f != DefinitionConditions.Finalizer).Select(f => (JsonNode)f);
        var patch = new JsonObject { ["metadata"] = new JsonObject { ["finalizers"] = new JsonArray([.. rest]) } };
        return OwnedObjects.PatchAsync(client, Kind, present, patch, WriteOptions.By(Name), ct);
    }

    /// <summary>What others of the group are called: built-in kinds, and what definitions have been granted.</summary>
    private TakenNames Taken(string name)
    {
        var taken = new TakenNames();
        foreach (var kind in KindRegistry.BuiltIn.All.Where(k => k.Group == GroupOf(name)))
        {
            taken.Add(kind.Plural, kind.Singular, kind.ShortNames, kind.Kind, kind.ListKind);
        }
        foreach (var other in Others(name))
        {
            var names = StatusFields.Of(other)["acceptedNames"];
            taken.Add(Text(names, "plural"), Text(names, "singular"), (names?["shortNames"] as JsonArray ?? []).Select(n => (string?)n ?? ""), Text(names, "kind"), Text(names, "listKind"));
        }
        return taken;

        static string Text(JsonNode? names, string field) => (string?)names?[field] ?? "";
    }

    private void EnqueueOthers(string name)
    {
        foreach (var other in Others(name))
        {
            _enqueue(other.Key);
        }
    }

    private IEnumerable<KubeObject> Others(string name) =>
        client.Cache(Kind).List().Where(o => o.Metadata.Name != name && GroupOf(o.Metadata.Name) == GroupOf(name) && OwnDefinitions.Find(o.Metadata.Name) is null);

    private KubeObject? Find(string name) => client.Cache(Kind).Get(ObjectKey.Cluster(name));

    /// <summary>A definition is called <c>plural.group</c>.</summary>
    private static string GroupOf(string name) => name[(name.IndexOf('.', StringComparison.Ordinal) + 1)..];
}
