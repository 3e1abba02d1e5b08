using Serval.Api;
using Serval.Api.Serving;
using Serval.Kube;

namespace Serval.Controllers.Serving;

/// <summary>
/// Which routes a Configuration or Revision concerns, and which of those carry a route's name. A Knative Service's route, configuration and
/// revisions find each other by name and owner; only what stands outside that pattern is kept here, from the changes of the caches.
/// </summary>
internal sealed class RouteIndex(IKubeClient client)
{
    private readonly KeyIndex<ObjectKey, ObjectKey> _byTarget = new(); // routes without owner, by the Configuration or Revision they name
    private readonly KeyIndex<ObjectKey, (ResourceKind Kind, ObjectKey Key)> _carriers = new(); // by route, but of another configuration's name

    internal IEnumerable<ReconcilerWatch> Watches =>
    [
        new ReconcilerWatch(Kinds.Route, Follow),
        new ReconcilerWatch(Kinds.Configuration, change => Follow(Kinds.Configuration, change)),
        new ReconcilerWatch(Kinds.Revision, change => Follow(Kinds.Revision, change)),
    ];

    /// <summary>Configurations and Revisions that carry the route's name.</summary>
    internal IEnumerable<(ResourceKind Kind, KubeObject Object)> Carriers(ObjectKey route)
    {
        if (client.Cache(Kinds.Configuration).Get(route) is { } own)
        {
            foreach (var revision in client.Cache(Kinds.Revision).OwnedBy(own.Metadata.Uid).Where(r => Carries(r, route)))
            {
                yield return (Kinds.Revision, revision);
            }
            if (Carries(own, route))
            {
                yield return (Kinds.Configuration, own);
            }
        }
        foreach (var (kind, key) in _carriers[route])
        {
            if (client.Cache(kind).Get(key) is { } carrier && Carries(carrier, route))
            {
                yield return (kind, carrier);
            }
        }
    }

    /// <summary>Whether the route is neither there nor about to be: a Knative Service makes the one of its name.</summary>
    internal bool IsGone(ObjectKey route) => client.Cache(Kinds.Route).Get(route) is not { Metadata.IsDeleting: false }
        && client.Cache(Kinds.KService).Get(route) is not { Metadata.IsDeleting: false };

    private static bool Carries(KubeObject obj, ObjectKey route) => RouteNames.Of(obj).Contains(route.Name);

    private IEnumerable<ObjectKey> Follow(CacheChange change)
    {
        foreach (var target in Targets(change.Old))
        {
            _byTarget.Remove(target, change.New.Key);
        }
        foreach (var target in change.Type == WatchEventType.Deleted ? [] : Targets(change.New))
        {
            _byTarget.Add(target, change.New.Key);
        }
        return []; // the route itself runs anyway
    }

    private static IEnumerable<ObjectKey> Targets(KubeObject? route) => route is null || route.Metadata.ControllerRef is not null
        ? []
        : route.As<Route>().Spec.Traffic.Select(t => new ObjectKey(route.Metadata.Namespace, t.RevisionName.Length > 0 ? t.RevisionName : t.ConfigurationName));

    /// <summary>Routes that send to the object or to its configuration, and those whose name it carries, whether they still exist or not.</summary>
    private HashSet<ObjectKey> Follow(ResourceKind kind, CacheChange change)
    {
        var key = change.New.Key;
        var configuration = kind == Kinds.Configuration ? key.Name : change.New.Metadata.Label(KnativeNames.ConfigurationLabel) ?? "";
        var own = new ObjectKey(key.Namespace, configuration);
        Keep(kind, key, own.Name, change.Old, change.Type == WatchEventType.Deleted ? null : change.New);

        HashSet<ObjectKey> routes = [.. _byTarget[own]];
        if (kind == Kinds.Revision)
        {
            routes.UnionWith(_byTarget[key]);
        }
        routes.UnionWith(RouteNames.Of(change.New).Select(name => new ObjectKey(key.Namespace, name)));
        routes.Add(own);
        routes.RemoveWhere(route => client.Cache(Kinds.Route).Get(route) is null && (change.Type == WatchEventType.Deleted || !IsGone(route) || !Carries(change.New, route)));
        return routes;
    }

    private void Keep(ResourceKind kind, ObjectKey key, string configuration, KubeObject? before, KubeObject? after)
    {
        foreach (var name in RouteNames.Of(before).Where(n => n != configuration))
        {
            _carriers.Remove(new ObjectKey(key.Namespace, name), (kind, key));
        }
        foreach (var name in RouteNames.Of(after).Where(n => n != configuration))
        {
            _carriers.Add(new ObjectKey(key.Namespace, name), (kind, key));
        }
    }
}
