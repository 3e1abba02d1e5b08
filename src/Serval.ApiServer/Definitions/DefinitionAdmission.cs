using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Crds;
using Serval.ApiServer.Http;
using Serval.Kube;

namespace Serval.ApiServer.Definitions;

/// <summary>What is special about writes of CustomResourceDefinitions: Serval's own stay as they are.</summary>
internal static class DefinitionAdmission
{
    /// <summary>Whether it is one of Serval's own, which are not validated: their spec is the program's.</summary>
    public static bool IsOwn(ResourceKind kind, string name) => kind == Kinds.CustomResourceDefinition && OwnDefinitions.Find(name) is not null;

    public static void RefuseDeletion(ResourceKind kind, string name)
    {
        if (IsOwn(kind, name))
        {
            throw ApiException.Forbidden(kind, name, "this kind is built into Serval, its definition may not be deleted");
        }
    }

    /// <summary>A user's manifest of one of our kinds may be applied, with its labels and annotations; the spec is ours.</summary>
    public static void KeepOwnSpec(JsonObject before, JsonObject incoming, WriteOptions options)
    {
        if (!JsonNode.DeepEquals(before["spec"], incoming["spec"]))
        {
            options.Warn?.Invoke($"{incoming["metadata"]!["name"]} is built into Serval: its spec stays as it is");
            incoming["spec"] = before["spec"]?.DeepClone();
        }
    }

    /// <summary>What a definition that begins to go says of itself (apiextensions-apiserver: registry/customresourcedefinition/etcd.go, Delete).</summary>
    public static void MarkTerminating(JsonObject tree, DateTimeOffset now) => ConditionList.Set(
        tree.Below("status"), DefinitionConditions.Terminating, true, "InstanceDeletionPending",
        "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon", now);
}
