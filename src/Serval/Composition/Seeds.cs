using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Access;
using Serval.Api.Admission;
using Serval.Api.Config;
using Serval.Api.Crds;
using Serval.Api.Serving;
using Serval.Kube;

namespace Serval.Composition;

/// <summary>Objects every data directory begins with. What is there already is left as the user made it.</summary>
internal static class Seeds
{
    private static readonly string[] s_namespaces = ["default", "kube-system", "kube-public", "kube-node-lease", KnativeNames.SystemNamespace];

    internal static async Task PlantAsync(IKubeClient client, CancellationToken ct)
    {
        foreach (var name in s_namespaces)
        {
            await PlantAsync(client, Kinds.Namespace, KubeObject.From(new JsonObject
            {
                ["apiVersion"] = "v1", ["kind"] = "Namespace", ["metadata"] = new JsonObject { ["name"] = name },
            }), ct);
        }
        // All at once: the store writes them in few batches.
        await Task.WhenAll(
            [.. PriorityRules.System.Select(c => PlantAsync(client, StoredKinds.PriorityClass, c, ct)),
             .. OwnDefinitions.All.Select(definition => PlantAsync(client, Kinds.CustomResourceDefinition, definition, ct)),
             .. DefaultConfigMaps.All.Select(map => PlantAsync(client, Kinds.ConfigMap, map, ct)),
             .. BootstrapRoles.ClusterRoles().Select(role => PlantRoleAsync(client, role, ct)),
             .. BootstrapRoles.ClusterRoleBindings().Select(binding => PlantAsync(client, AccessKinds.ClusterRoleBinding, binding, ct))]);
    }

    /// <summary>What roles in processes of their own need beside <see cref="PlantAsync(IKubeClient, CancellationToken)"/>: their identities and rights.</summary>
    internal static Task PlantProcessesAsync(IKubeClient client, CancellationToken ct) => Task.WhenAll(
        [.. BootstrapRoles.ProcessClusterRoles().Select(role => PlantRoleAsync(client, role, ct)),
         .. BootstrapRoles.ProcessGrants().Select(grant => PlantAsync(client, grant.Kind, grant.Object, ct))]);

    /// <summary>Plants a role, or gives it back what it lacks, be it taken away or new with this version, unless its owner has said not to (Kubernetes: auto-reconciliation).</summary>
    private static async Task PlantRoleAsync(IKubeClient client, KubeObject wanted, CancellationToken ct)
    {
        if (client.Cache(AccessKinds.ClusterRole).Get(wanted.Key) is not { } stored)
        {
            await client.CreateAsync(AccessKinds.ClusterRole, wanted, WriteOptions.By("serval"), ct);
            return;
        }
        if (stored.Member("rules").Span.SequenceEqual(wanted.Member("rules").Span))
        {
            return;
        }
        var rules = stored.ToTree()["rules"] as JsonArray ?? [];
        var lacking = (wanted.ToTree()["rules"] as JsonArray ?? []).Where(r => !rules.Any(o => JsonNode.DeepEquals(o, r))).Select(r => r!.DeepClone()).ToList();
        if (lacking.Count > 0 && stored.Metadata.Annotation(BootstrapRoles.AutoUpdate) != "false" && stored.As<RoleView>().AggregationRule is null)
        {
            var patch = CanonicalJson.Serialize(new JsonObject { ["rules"] = new JsonArray([.. rules.Select(r => r?.DeepClone()), .. lacking]) });
            await client.PatchAsync(AccessKinds.ClusterRole, wanted.Key, new KubePatch(PatchType.Merge, patch), WriteOptions.By("serval"), ct);
        }
    }

    private static async Task PlantAsync(IKubeClient client, ResourceKind kind, KubeObject obj, CancellationToken ct)
    {
        if (client.Cache(kind).Get(obj.Key) is null)
        {
            await client.CreateAsync(kind, obj, WriteOptions.By("serval"), ct);
        }
    }
}
