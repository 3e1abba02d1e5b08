using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Core;
using Serval.Kube;

namespace Serval.Controllers.Workloads;

/// <summary>ResourceQuota → its status: the limits in force and what the namespace's pods use of them (kubernetes pkg/controller/resourcequota). It trails.</summary>
internal sealed class QuotaReconciler(IKubeClient client, TimeProvider time) : IReconciler, IDisposable
{
    private readonly StatusTrail _trail = new(time);
    private readonly PodLedger _ledger = new(client.Cache(Kinds.Pod), p => p.Metadata.Namespace, PodResources.Usage);

    public string Name => "resourcequota-controller";

    public ResourceKind Kind => Kinds.ResourceQuota;

    public void Started(Action<ObjectKey> enqueue) => _ledger.Moved += ns =>
    {
        foreach (var quota in client.Cache(Kinds.ResourceQuota).List(ns))
        {
            enqueue(quota.Key);
        }
    };

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken ct)
    {
        if (client.Cache(Kinds.ResourceQuota).Get(key) is not { } stored || stored.Metadata.IsDeleting)
        {
            _trail.Forget(key);
            return ReconcileResult.Done;
        }
        var sums = _ledger.Of(key.Namespace);
        var (hard, used) = (new JsonObject(), new JsonObject());
        foreach (var (name, amount) in stored.As<ResourceQuota>().Spec.Hard.Where(h => PodResources.IsCounted(h.Key)))
        {
            hard[name] = PodResources.Read(amount).ToString();
            used[name] = sums.GetValueOrDefault(name).ToString();
        }
        var status = hard.Count > 0 ? new JsonObject { ["hard"] = hard, ["used"] = used } : [];
        if (JsonDiff.MergePatch(StatusFields.Of(stored), status) is not null)
        {
            if (_trail.Wait(key, waking: false) is var wait && wait > TimeSpan.Zero)
            {
                return ReconcileResult.After(wait);
            }
            await OwnedObjects.PatchStatusAsync(client, Kinds.ResourceQuota, stored, status, Name, ct);
        }
        _trail.Forget(key);
        return ReconcileResult.Done;
    }

    public void Dispose() => _ledger.Dispose();
}
