using Serval.Api;
using Serval.Api.Networking;
using Serval.Api.Serving;
using Serval.Controllers.Serving;
using Serval.Kube;

namespace Serval.Controllers.Domains;

/// <summary>DomainMappings by their name, which one of them at most has for itself, and by what they lead to; kept from the changes of the caches.</summary>
internal sealed class MappingIndex
{
    private readonly KeyIndex<string, ObjectKey> _byName = new();
    private readonly KeyIndex<(ResourceKind Kind, ObjectKey Key), ObjectKey> _byTarget = new();

    /// <summary>Changes that run mappings again.</summary>
    internal IEnumerable<ReconcilerWatch> Watches =>
    [
        new ReconcilerWatch(Kinds.DomainMapping, Follow),
        new ReconcilerWatch(Kinds.ClusterDomainClaim, change => Concerned(change.New).Concat(change.Old is { } old ? Concerned(old) : [])),
        .. MappingTarget.Kinds.Select(kind => new ReconcilerWatch(kind, change => _byTarget[(kind, change.New.Key)])),
    ];

    /// <summary>Who wants the claim's name, and the mapping it was made for, which may be gone.</summary>
    internal IEnumerable<ObjectKey> Concerned(KubeObject claim) =>
        _byName[claim.Metadata.Name].Append(new ObjectKey(claim.As<ClusterDomainClaim>().Spec.Namespace, claim.Metadata.Name));

    private IEnumerable<ObjectKey> Follow(CacheChange change)
    {
        var key = change.New.Key;
        if (change.Old is { } old && Target(old) is { } before)
        {
            _byTarget.Remove(before, key);
        }
        if (change.Type == WatchEventType.Deleted)
        {
            _byName.Remove(key.Name, key);
            return [];
        }
        _byName.Add(key.Name, key);
        if (Target(change.New) is { } target)
        {
            _byTarget.Add(target, key);
        }
        return []; // the mapping itself runs anyway
    }

    private static (ResourceKind Kind, ObjectKey Key)? Target(KubeObject mapping)
    {
        var reference = mapping.As<DomainMapping>().Spec.Ref;
        return Kinds.Find(reference.ApiVersion, reference.Kind) is { } kind ? (kind, new ObjectKey(mapping.Metadata.Namespace, reference.Name)) : null;
    }
}
