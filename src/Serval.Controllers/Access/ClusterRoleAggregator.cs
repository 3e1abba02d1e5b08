using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Access;
using Serval.Kube;

namespace Serval.Controllers.Access;

/// <summary>ClusterRoles with an aggregationRule → their rules, again whenever a cluster role changes.</summary>
internal sealed class ClusterRoleAggregator(IKubeClient client) : IReconciler
{
    public string Name => "clusterrole-aggregation-controller";

    public ResourceKind Kind => AccessKinds.ClusterRole;

    public IEnumerable<ReconcilerWatch> Watches =>
    [
        new(AccessKinds.ClusterRole, _ => client.Cache(AccessKinds.ClusterRole).List().Where(r => r.As<RoleView>().AggregationRule is not null).Select(r => r.Key)),
    ];

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken ct)
    {
        var roles = client.Cache(AccessKinds.ClusterRole);
        if (roles.Get(key) is { } role && AggregatedRules.Of(role, roles.List()) is { } rules && !JsonNode.DeepEquals(role.ToTree()["rules"] ?? new JsonArray(), rules))
        {
            var patch = CanonicalJson.Serialize(new JsonObject { ["rules"] = rules });
            await client.PatchAsync(AccessKinds.ClusterRole, key, new KubePatch(PatchType.Merge, patch), WriteOptions.By(Name), ct);
        }
        return ReconcileResult.Done;
    }
}
