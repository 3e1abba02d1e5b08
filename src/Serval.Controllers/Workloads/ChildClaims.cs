using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Kube;

namespace Serval.Controllers.Workloads;

/// <summary>
/// Who belongs to whom by selector (apps/v1: controller references). An object that its controller's selector no longer matches is released, one that
/// has no controller is adopted by one that selects it.
/// </summary>
/// <param name="client">The waist.</param>
/// <param name="owners">The controllers' kind.</param>
/// <param name="children">The kind they control.</param>
/// <param name="selectorOf">What a controller selects.</param>
/// <param name="claimable">Whether a child may still change hands.</param>
/// <param name="manager">Field manager of the writes.</param>
internal sealed class ChildClaims(
    IKubeClient client, ResourceKind owners, ResourceKind children, Func<KubeObject, LabelSelector> selectorOf, Func<KubeObject, bool> claimable, string manager)
{
    private readonly SelectorIndex _selectors = new(client.Cache(owners), o => Selects(selectorOf(o)) ? selectorOf(o) : null);
    private readonly LabelIndex _orphans = new(client.Cache(children), c => c.ControllerRef is null);

    /// <summary>What the controllers' reconciler follows.</summary>
    internal IEnumerable<ReconcilerWatch> Watches =>
    [
        _selectors.Watch,
        new ReconcilerWatch(children, Followed),
        ReconcilerWatch.Owned(children, owners),
    ];

    /// <summary>The controller's children after it has let go of what it does not select and taken what nobody has.</summary>
    internal async Task<List<KubeObject>> ClaimAsync(KubeObject owner, CancellationToken ct)
    {
        var uid = owner.Metadata.Uid;
        var selector = selectorOf(owner);
        var selects = Selects(selector);
        var claimed = new List<KubeObject>();
        foreach (var child in client.Cache(children).OwnedBy(uid).Where(c => c.Metadata.ControllerRef?.Uid == uid))
        {
            if (!selects || selector.Matches(child.Metadata.Labels) || !claimable(child))
            {
                claimed.Add(child);
                continue;
            }
            await ReferAsync(child, References(child).Where(r => (string?)r!["uid"] != uid), ct);
        }
        if (selects && !Namespaces.IsClosing(client, owner.Metadata.Namespace))
        {
            var orphans = _orphans.Find(owner.Metadata.Namespace, selector).Where(claimable).ToList();
            if (orphans.Count > 0 && !(await client.Cache(owners).ReadAsync(owner.Key, ct) is { Metadata.IsDeleting: false } present && present.Metadata.Uid == uid))
            {
                return claimed; // whom one that is gone adopts, the garbage collector takes
            }
            foreach (var orphan in orphans)
            {
                claimed.Add(await ReferAsync(orphan, [.. References(orphan).Where(r => (string?)r!["uid"] != uid), OwnedObjects.OwnedBy(owner)[0]], ct));
            }
        }
        return claimed;
    }

    private IEnumerable<ObjectKey> Followed(CacheChange change)
    {
        _orphans.Follow(change);
        var metadata = change.New.Metadata;
        if (change.Type == WatchEventType.Deleted || metadata.ControllerRef is not null || metadata.IsDeleting)
        {
            return [];
        }
        var news = change.Old is not { } old || old.Metadata.ControllerRef is not null || !ReferenceEquals(old.Metadata.Labels, metadata.Labels);
        return news ? _selectors.Matching(metadata.Namespace, metadata.Labels) : [];
    }

    /// <summary>A selector of everything is a mistake, not a claim.</summary>
    private static bool Selects(LabelSelector selector) => selector.MatchLabels.Count + selector.MatchExpressions.Count > 0;

    private static JsonArray References(KubeObject child) => child.ToTree()["metadata"]?["ownerReferences"] as JsonArray ?? [];

    /// <summary>Refused when the child is not as it was read: the list is replaced whole.</summary>
    private Task<KubeObject> ReferAsync(KubeObject child, IEnumerable<JsonNode?> references, CancellationToken ct)
    {
        var kept = new JsonArray([.. references.Select(r => r!.DeepClone())]);
        var patch = new JsonObject
        {
            ["metadata"] = new JsonObject { ["ownerReferences"] = kept.Count == 0 ? null : kept, ["resourceVersion"] = child.Metadata.ResourceVersion },
        };
        return client.PatchAsync(children, child.Key, new KubePatch(PatchType.Merge, CanonicalJson.Serialize(patch)), WriteOptions.By(manager), ct);
    }
}
