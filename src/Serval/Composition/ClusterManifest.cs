using System.Text.Json.Nodes;
using Serval.Api.Access;
using Serval.Api.Config;
using Serval.Api.Crds;
using Serval.Api.Schema;
using Serval.Api.Serving;

namespace Serval.Composition;

/// <summary>What a Kubernetes cluster needs before Serval's controllers, gateways and nodes work on it, in the order it is to be made.</summary>
internal static class ClusterManifest
{
    /// <param name="workloads">Whether the controllers are to look after pods, Deployments and garbage too.</param>
    public static IEnumerable<JsonObject> Objects(bool workloads)
    {
        foreach (var name in (string[])[KnativeNames.SystemNamespace, "cert-manager"]) // there Knative looks for its authority's key
        {
            yield return Ours(new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Namespace", ["metadata"] = new JsonObject { ["name"] = name } });
        }
        foreach (var definition in OwnDefinitions.All)
        {
            yield return Ours(definition.With(tree => tree["spec"] = CrdGenerator.Spec(OwnDefinitions.Find(definition.Metadata.Name)!)).ToTree());
        }
        foreach (var map in DefaultConfigMaps.All)
        {
            yield return Ours(map.With(tree => tree.Remove("data")).ToTree()); // what is not set has its default, and what a user sets stays when this is applied again
        }
        foreach (var role in BootstrapRoles.ClusterRoles().Where(r => r.Metadata.Name.StartsWith("knative-", StringComparison.Ordinal)).Concat(BootstrapRoles.ProcessClusterRoles(workloads)))
        {
            yield return Ours(role.ToTree());
        }
        foreach (var (_, grant) in BootstrapRoles.ProcessGrants(accounts: true))
        {
            yield return Ours(grant.ToTree());
        }
    }

    // The marks of what an API server brings itself do not belong on it.
    private static JsonObject Ours(JsonObject tree)
    {
        var metadata = tree["metadata"]!.AsObject();
        metadata.Remove("annotations");
        if (metadata["labels"] is not JsonObject labels)
        {
            metadata["labels"] = labels = [];
        }
        labels.Remove("kubernetes.io/bootstrapping");
        labels["app.kubernetes.io/part-of"] = "serval";
        return tree;
    }
}
