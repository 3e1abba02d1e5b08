using Serval.Api;
using Serval.ApiServer.Certificates;
using Serval.ApiServer.Http;
using Serval.Kube;

namespace Serval.ApiServer.Access;

/// <summary>
/// Judges requests by the roles and bindings that are stored. The index is made anew by the first request after a change, so a grant taken away is gone
/// for every request after the write's answer. Members of system:masters are asked nothing.
/// </summary>
internal sealed class RbacAuthorizer : IDisposable
{
    private readonly IKubeClient _client;
    private readonly IDisposable[] _watches;
    private readonly Lock _building = new();
    private Snapshot? _snapshot;
    private long _changes;

    public RbacAuthorizer(IKubeClient client)
    {
        _client = client;
        _watches = [.. new[] { AccessKinds.ClusterRole, AccessKinds.Role, AccessKinds.ClusterRoleBinding, AccessKinds.RoleBinding }
            .Select(k => client.Cache(k).Subscribe(_ => Interlocked.Increment(ref _changes)))];
    }

    /// <summary>Every grant there is now.</summary>
    public RbacIndex Index
    {
        get
        {
            var now = Volatile.Read(ref _changes);
            return Volatile.Read(ref _snapshot) is { } snapshot && snapshot.Changes == now ? snapshot.Index : Build();
        }
    }

    public AccessDecision Decide(UserInfo user, in RequestInfo request) => user.IsAdmin ? new(true, "") : Index.Decide(user, request);

    /// <summary>Upstream's 403 (apiserver: endpoints/handlers/responsewriters/errors.go) unless the user may.</summary>
    public AccessDecision Require(UserInfo user, in RequestInfo request)
    {
        var decision = Decide(user, request);
        return decision.Allowed ? decision : throw Failures.Forbidden(user.Name, request, decision.Reason);
    }

    public void Dispose()
    {
        foreach (var watch in _watches)
        {
            watch.Dispose();
        }
    }

    private RbacIndex Build()
    {
        lock (_building)
        {
            var now = Volatile.Read(ref _changes); // before the lists: a change between the two makes the next request look again
            if (_snapshot is { } known && known.Changes == now)
            {
                return known.Index;
            }
            var index = new RbacIndex(
                _client.Cache(AccessKinds.ClusterRole).List(), _client.Cache(AccessKinds.Role).List(),
                _client.Cache(AccessKinds.ClusterRoleBinding).List(), _client.Cache(AccessKinds.RoleBinding).List());
            Volatile.Write(ref _snapshot, new Snapshot(now, index));
            return index;
        }
    }

    private sealed record Snapshot(long Changes, RbacIndex Index);
}
