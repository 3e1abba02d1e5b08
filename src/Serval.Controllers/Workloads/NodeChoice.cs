using System.Text.Json;
using Serval.Api;
using Serval.Api.Core;
using Serval.Kube;

namespace Serval.Controllers.Workloads;

/// <summary>Which nodes a pod may get, and which of them first.</summary>
internal static class NodeChoice
{
    private static readonly string[] s_measures = ["cpu", "memory", PodResources.Pods];

    /// <summary>
    /// The nodes whose agents keep a Lease. Where none does there is one agent, in this process: the only node is its, or of several the one that was heard
    /// of last; the others are left from a renamed machine or made by hand.
    /// </summary>
    internal static IReadOnlyList<KubeObject> Candidates(IKubeClient client) => client.Cache(Kinds.Node).List() switch
    {
        { Count: <= 1 } few => few,
        { } several when several.Any(NodeLife.IsFollowed) => [.. several.Where(NodeLife.IsFollowed)],
        { } several => [several.OrderByDescending(n => ReadySince(n) ?? DateTimeOffset.MinValue).ThenBy(n => n.Metadata.Name, StringComparer.Ordinal).First()],
    };

    /// <summary>Whether the node's agent said, last, that it is ready.</summary>
    internal static bool IsReady(KubeObject node) => ReadySince(node) is not null;

    /// <summary>How much of the node would be free with the needs on it, from 1 down: the mean of what of its CPU, memory and pods would be.</summary>
    internal static double Room(Node node, IReadOnlyDictionary<string, Quantity> taken, IReadOnlyDictionary<string, Quantity> needs) => s_measures.Average(name =>
        node.Status.Allocatable.TryGetValue(name, out var amount) && PodResources.Read(amount) is { IsZero: false } has
            ? 1 - ((double)(taken.GetValueOrDefault(name) + needs.GetValueOrDefault(name)).MilliValue / has.MilliValue)
            : 1);

    private static DateTimeOffset? ReadySince(KubeObject node)
    {
        var bytes = node.Member("status");
        if (bytes.IsEmpty)
        {
            return null;
        }
        using var status = CanonicalJson.Document(bytes);
        if (status.RootElement.ValueKind == JsonValueKind.Object
            && status.RootElement.TryGetProperty("conditions", out var conditions) && conditions.ValueKind == JsonValueKind.Array)
        {
            foreach (var condition in conditions.EnumerateArray())
            {
                if (Text(condition, "type") == "Ready" && Text(condition, "status") == "True")
                {
                    return DateTimeOffset.TryParse(Text(condition, "lastHeartbeatTime"), out var heard) ? heard : DateTimeOffset.MinValue;
                }
            }
        }
        return null;
    }

    private static string? Text(JsonElement condition, string name) =>
        condition.ValueKind == JsonValueKind.Object && condition.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
