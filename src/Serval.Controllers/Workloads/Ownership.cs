using Serval.Api;
using Serval.Kube;

namespace Serval.Controllers.Workloads;

/// <summary>Who owns whom, as the caches have it now (apimachinery meta/v1: ownerReferences, deletion propagation).</summary>
internal sealed class Ownership(IKubeClient client)
{
    /// <summary>Finalizer of an object that goes after its dependents.</summary>
    internal const string Foreground = "foregroundDeletion";

    /// <summary>Finalizer of an object that lets its dependents go first.</summary>
    internal const string Orphan = "orphan";

    internal static bool IsForeground(ObjectMeta metadata) => metadata.Finalizers.Contains(Foreground);

    internal static bool IsOrphaning(ObjectMeta metadata) => metadata.Finalizers.Contains(Orphan);

    /// <summary>The owner a reference of an object in <paramref name="ns"/> names, if it is there.</summary>
    internal (ResourceKind Kind, KubeObject Object)? Find(OwnerReference reference, string ns) =>
        KindOf(reference) is { } kind
        && client.Cache(kind).Get(new ObjectKey(kind.Namespaced ? ns : "", reference.Name)) is { } owner && owner.Metadata.Uid == reference.Uid
            ? (kind, owner)
            : null;

    /// <summary>Whether one of its owners is gone or waits for it to go.</summary>
    internal bool Lacks(ObjectMeta dependent)
    {
        var references = dependent.OwnerReferences;
        for (var i = 0; i < references.Count; i++)
        {
            if (!Holds(references[i], dependent.Namespace))
            {
                return true;
            }
        }
        return false;
    }

    /// <summary>The references to owners that want it kept.</summary>
    internal List<OwnerReference> Holders(ObjectMeta dependent) => [.. dependent.OwnerReferences.Where(o => Holds(o, dependent.Namespace))];

    /// <summary>As <see cref="Holders"/>, of the owner as the server has it: the cache of its kind may be behind the dependent's.</summary>
    internal async Task<bool> HoldsNowAsync(OwnerReference reference, string ns, CancellationToken ct) =>
        KindOf(reference) is { } kind && await client.Cache(kind).ReadAsync(new ObjectKey(kind.Namespaced ? ns : "", reference.Name), ct) is { } owner
        && owner.Metadata.Uid == reference.Uid && !(owner.Metadata.IsDeleting && IsForeground(owner.Metadata));

    /// <summary>Whether an owner waits for it to go.</summary>
    internal bool IsAwaited(ObjectMeta dependent) =>
        dependent.OwnerReferences.Any(o => Find(o, dependent.Namespace) is var (_, owner) && owner.Metadata.IsDeleting && IsForeground(owner.Metadata));

    internal List<(ResourceKind Kind, KubeObject Object)> Dependents(string uid)
    {
        var found = new List<(ResourceKind, KubeObject)>();
        foreach (var kind in client.ServedKinds.Resources)
        {
            foreach (var dependent in client.Cache(kind).OwnedBy(uid))
            {
                found.Add((kind, dependent));
            }
        }
        return found;
    }

    /// <summary>Whether the object is among its dependents' dependents.</summary>
    internal bool OwnsItself(string uid)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var next = new Stack<string>([uid]);
        while (next.TryPop(out var owner))
        {
            foreach (var (_, dependent) in Dependents(owner))
            {
                if (seen.Add(dependent.Metadata.Uid))
                {
                    next.Push(dependent.Metadata.Uid);
                }
            }
        }
        return seen.Contains(uid);
    }

    private bool Holds(OwnerReference reference, string ns)
    {
        if (KindOf(reference) is not { } kind || kind.Namespaced && ns.Length == 0)
        {
            return true; // a kind Serval never served, or one that such an object cannot have, cannot be judged: keep
        }
        return Find(reference, ns) is var (_, owner) && !(owner.Metadata.IsDeleting && IsForeground(owner.Metadata));
    }

    private ResourceKind? KindOf(OwnerReference reference) => client.ServedKinds.FindFormer(reference.ApiVersion, reference.Kind);
}
