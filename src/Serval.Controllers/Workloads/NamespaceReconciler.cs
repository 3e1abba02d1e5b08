using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Admission;
using Serval.Api.Core;
using Serval.Kube;

namespace Serval.Controllers.Workloads;

/// <summary>
/// Namespaces: each has its <c>default</c> ServiceAccount and a ConfigMap with the API server's authority, again when somebody changes or deletes them;
/// one being deleted loses everything in it, then its finalizer. What keeps it is in its conditions.
/// </summary>
/// <param name="client">The waist.</param>
/// <param name="rootCa">The authority's certificate as PEM; null: nobody looks after the ConfigMap.</param>
/// <param name="time">Stamps conditions.</param>
internal sealed class NamespaceReconciler(IKubeClient client, string? rootCa, TimeProvider time) : IReconciler, IDisposable
{
    private const string DefaultAccount = "default";
    private const string Finalizer = "kubernetes";
    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(1);

    private EveryResource? _resources;

    public string Name => "namespace-controller";

    public ResourceKind Kind => Kinds.Namespace;

    public IEnumerable<ResourceKind> Reads => [Kinds.ServiceAccount];

    public void Started(Action<ObjectKey> enqueue)
    {
        _resources = new EveryResource(client, (kind, change) =>
        {
            if ((change.Type == WatchEventType.Deleted || IsRootCa(kind, change.New)) && client.Cache(Kinds.Namespace).Get(ObjectKey.Cluster(change.New.Metadata.Namespace)) is { } ns
                && (ns.Metadata.IsDeleting || kind == Kinds.ServiceAccount && change.New.Metadata.Name == DefaultAccount || IsRootCa(kind, change.New)))
            {
                enqueue(ns.Key);
            }
        });
        _resources.Start();
    }

    public void Dispose() => _resources?.Dispose();

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken ct)
    {
        if (client.Cache(Kinds.Namespace).Get(key) is not { } ns)
        {
            return ReconcileResult.Done;
        }
        if (!ns.Metadata.IsDeleting)
        {
            await EnsureDefaultAccountAsync(key.Name, ct);
            await EnsureRootCaAsync(key.Name, ct);
            return ReconcileResult.Done;
        }
        return await FinishAsync(ns, ct);
    }

    /// <summary>Pods go first: what they use stays until they have ended (KEP-5080).</summary>
    private async Task<ReconcileResult> FinishAsync(KubeObject ns, CancellationToken ct)
    {
        var finalizers = ns.As<Namespace>().Spec.Finalizers;
        if (finalizers.Count == 0)
        {
            return ReconcileResult.Done; // whoever let it go has said that it is empty; it has finalizers of its metadata
        }
        var end = new NamespaceEnd();
        if (await DeleteAllAsync(Kinds.Pod, ns.Metadata.Name, end, ct) is { Count: > 0 })
        {
            await TellAsync(ns, end, ct); // of what runs upstream says nothing
            return Done(end); // each deletion runs this key again
        }
        foreach (var kind in client.ServedKinds.Resources.Where(k => k.Namespaced && k != Kinds.Pod))
        {
            end.Count(kind, await DeleteAllAsync(kind, ns.Metadata.Name, end, ct));
        }
        if (!end.IsEmpty || end.Failures.Length > 0)
        {
            await TellAsync(ns, end, ct);
            return Done(end);
        }
        foreach (var kind in client.ServedKinds.Resources.Where(k => k.Namespaced))
        {
            // What another process wrote before the namespace was closed may not be in the cache yet.
            if ((await client.ListAsync(kind, ns.Metadata.Name, new ListOptions { Limit = 1 }, ct)).Items.Count > 0)
            {
                return ReconcileResult.After(s_look);
            }
        }
        if (finalizers.Any(f => f != Finalizer) || ns.Metadata.Finalizers.Count > 0)
        {
            ns = await TellAsync(ns, end, ct); // it stays, and is seen
        }
        if (!finalizers.Contains(Finalizer))
        {
            return ReconcileResult.Done; // it is empty, and others hold it
        }
        var rest = new JsonArray([.. finalizers.Where(f => f != Finalizer).Select(f => (JsonNode)f)]);
        var final = ns.With(tree => tree["spec"] = new JsonObject { ["finalizers"] = rest });
        await client.UpdateAsync(Kinds.Namespace, final, WriteOptions.By(Name, "finalize"), ct);
        return ReconcileResult.Done;
    }

    /// <summary>What could not be deleted is tried again, with back-off.</summary>
    private static ReconcileResult Done(NamespaceEnd end) =>
        end.Failures.Length == 0 ? ReconcileResult.Done : throw new InvalidOperationException(end.Failures);

    /// <summary>
    /// Deletes all objects of a kind. What is there afterwards is held by finalizers, or takes its time. One that cannot be deleted does not keep
    /// the others: the first of a kind is told.
    /// </summary>
    private async Task<IReadOnlyList<KubeObject>> DeleteAllAsync(ResourceKind kind, string ns, NamespaceEnd end, CancellationToken ct)
    {
        await client.Cache(kind).WaitForSyncAsync(ct);
        var objects = client.Cache(kind).List(ns);
        if (objects.Count == 0)
        {
            return [];
        }
        string? failure = null;
        foreach (var each in objects.Where(o => !o.Metadata.IsDeleting))
        {
            try
            {
                await OwnedObjects.DeleteIfPresentAsync(client, kind, each, ct);
            }
            catch (ApiException e)
            {
                failure ??= e.Message;
            }
        }
        if (failure is not null)
        {
            end.Fail(failure);
        }
        return (await client.ListAsync(kind, ns, new ListOptions(), ct)).Items;
    }

    private Task<KubeObject> TellAsync(KubeObject ns, NamespaceEnd end, CancellationToken ct)
    {
        var status = StatusFields.Of(ns);
        end.Tell(status, time.GetUtcNow());
        return OwnedObjects.PatchStatusAsync(client, Kinds.Namespace, ns, status, Name, ct);
    }

    private static bool IsRootCa(ResourceKind kind, KubeObject obj) => kind == Kinds.ConfigMap && obj.Metadata.Name == AccountMount.RootCa;

    private async Task EnsureRootCaAsync(string ns, CancellationToken ct)
    {
        if (rootCa is not null)
        {
            await OwnedObjects.EnsureAsync(client, Kinds.ConfigMap, new JsonObject
            {
                ["apiVersion"] = "v1", ["kind"] = "ConfigMap", ["metadata"] = new JsonObject { ["name"] = AccountMount.RootCa, ["namespace"] = ns },
                ["data"] = new JsonObject { ["ca.crt"] = rootCa },
            }, Name, ct);
        }
    }

    private async Task EnsureDefaultAccountAsync(string ns, CancellationToken ct)
    {
        if (client.Cache(Kinds.ServiceAccount).Get(new ObjectKey(ns, DefaultAccount)) is null)
        {
            var account = new JsonObject
            {
                ["apiVersion"] = "v1", ["kind"] = "ServiceAccount",
                ["metadata"] = new JsonObject { ["name"] = DefaultAccount, ["namespace"] = ns },
            };
            await client.CreateAsync(Kinds.ServiceAccount, KubeObject.From(account), WriteOptions.By(Name), ct);
        }
    }
}
