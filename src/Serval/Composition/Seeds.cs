using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Config;
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
        foreach (var map in DefaultConfigMaps.All)
        {
            await PlantAsync(client, Kinds.ConfigMap, map, ct);
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
