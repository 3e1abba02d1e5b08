using System.Collections.Frozen;
using System.Text.Json.Nodes;

namespace Serval.Api.Admission;

/// <summary>
/// What objects of built-in kinds always have, empty or not: fields that their types do not leave out (kubernetes staging/src/k8s.io/api: json tags
/// without <c>omitempty</c>). Clients count on it: the ones that are generated read <c>status.x</c> without asking for <c>status</c>.
/// </summary>
public static class ZeroFields
{
    private const string Template = """{"metadata":{},"spec":{"containers":null}}""";

    private static readonly JsonObject s_metadata = new() { ["metadata"] = new JsonObject() };

    private static readonly FrozenDictionary<ResourceKind, JsonObject> s_kinds = new Dictionary<ResourceKind, string>
    {
        [Kinds.Pod] = """{"spec":{"containers":null},"status":{}}""",
        [Kinds.Service] = """{"spec":{},"status":{"loadBalancer":{}}}""",
        [Kinds.Namespace] = """{"spec":{},"status":{}}""",
        [Kinds.ResourceQuota] = """{"spec":{},"status":{}}""",
        [Kinds.EndpointSlice] = """{"endpoints":null,"ports":null}""",
        [Kinds.Event] = """{"eventTime":null,"firstTimestamp":null,"involvedObject":{},"lastTimestamp":null,"reportingComponent":"","reportingInstance":"","source":{}}""",
        [Kinds.Lease] = """{"spec":{}}""",
        [Kinds.Deployment] = $$$"""{"spec":{"selector":null,"strategy":{},"template":{{{Template}}}},"status":{}}""",
        [Kinds.ReplicaSet] = $$$"""{"spec":{"selector":null,"template":{{{Template}}}},"status":{"replicas":0}}""",
        [Kinds.HorizontalPodAutoscaler] =
            """{"spec":{"maxReplicas":0,"scaleTargetRef":{"kind":"","name":""}},"status":{"currentMetrics":null,"desiredReplicas":0}}""",
        [Kinds.HorizontalPodAutoscalerV1] = """{"spec":{"maxReplicas":0,"scaleTargetRef":{"kind":"","name":""}},"status":{"currentReplicas":0,"desiredReplicas":0}}""",
        [Kinds.NamedEvent] = """{"deprecatedFirstTimestamp":null,"deprecatedLastTimestamp":null,"deprecatedSource":{},"eventTime":null,"regarding":{}}""",
        [BatchKinds.Job] = $$$"""{"spec":{"template":{{{Template}}}},"status":{}}""",
        [PolicyKinds.PodDisruptionBudget] = """{"spec":{},"status":{"currentHealthy":0,"desiredHealthy":0,"disruptionsAllowed":0,"expectedPods":0}}""",
        [AccessKinds.Role] = """{"rules":null}""",
        [AccessKinds.ClusterRole] = """{"rules":null}""",
        [AccessKinds.RoleBinding] = """{"roleRef":{"apiGroup":"","kind":"","name":""}}""",
        [AccessKinds.ClusterRoleBinding] = """{"roleRef":{"apiGroup":"","kind":"","name":""}}""",
        [StoredKinds.PriorityClass] = """{"value":0}""",
        [StoredKinds.StatefulSet] = $$$"""{"spec":{"selector":null,"template":{{{Template}}},"updateStrategy":{}},"status":{"availableReplicas":0,"replicas":0}}""",
        [StoredKinds.DaemonSet] = $$$"""
            {"spec":{"selector":null,"template":{{{Template}}},"updateStrategy":{}},
            "status":{"currentNumberScheduled":0,"desiredNumberScheduled":0,"numberMisscheduled":0,"numberReady":0}}
            """,
        [StoredKinds.CronJob] = $$$"""{"spec":{"jobTemplate":{"metadata":{},"spec":{"template":{{{Template}}}}},"schedule":""},"status":{}}""",
        [StoredKinds.ReplicationController] = """{"spec":{},"status":{"replicas":0}}""",
        [StoredKinds.Ingress] = """{"spec":{},"status":{"loadBalancer":{}}}""",
        [StoredKinds.PersistentVolume] = """{"spec":{},"status":{}}""",
        [StoredKinds.PersistentVolumeClaim] = """{"spec":{"resources":{}},"status":{}}""",
        [Kinds.CustomResourceDefinition] = """
            {"spec":{"group":"","names":{"kind":"","plural":""},"scope":"","versions":null},
            "status":{"acceptedNames":{"kind":"","plural":""},"conditions":[],"storedVersions":null}}
            """, // upstream's conditions are null until there is one, at which `kubectl wait` fails
        [StoredKinds.ApiService] = """{"spec":{"groupPriorityMinimum":0,"versionPriority":0},"status":{}}""",
        [StoredKinds.LimitRange] = """{"spec":{"limits":null}}""",
    }.ToFrozenDictionary(p => p.Key, p => (JsonObject)JsonNode.Parse(p.Value)!);

    /// <summary>What a new object of the kind has before anybody wrote it. Not to be changed.</summary>
    public static JsonObject Of(ResourceKind kind) => s_kinds.GetValueOrDefault(kind, s_metadata);

    /// <summary>Puts in what is missing.</summary>
    public static void Fill(ResourceKind kind, JsonObject tree)
    {
        if (s_kinds.TryGetValue(kind, out var always))
        {
            Fill(tree, always);
        }
    }

    private static void Fill(JsonObject tree, JsonObject always)
    {
        foreach (var (name, zero) in always)
        {
            if (!tree.TryGetPropertyValue(name, out var value))
            {
                tree[name] = zero?.DeepClone();
            }
            else if (value is JsonObject inner && zero is JsonObject { Count: > 0 } more)
            {
                Fill(inner, more);
            }
        }
    }
}
