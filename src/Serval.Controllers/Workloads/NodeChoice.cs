using System.Text.Json;
using Serval.Api;
using Serval.Kube;

namespace Serval.Controllers.Workloads;

/// <summary>Which node a pod gets. There is one agent; other Nodes are left from a renamed machine or made by hand.</summary>
internal static class NodeChoice
{
    /// <summary>The only node, or of several the one whose agent said last that it is ready; null when there is none.</summary>
    internal static KubeObject? Pick(IKubeClient client) => client.Cache(Kinds.Node).List() switch
    {
        [] => null,
        [{ } only] => only,
        { } several => several.OrderByDescending(ReadySince).ThenBy(n => n.Metadata.Name, StringComparer.Ordinal).First(),
    };

    private static DateTimeOffset ReadySince(KubeObject node)
    {
        var bytes = node.Member("status");
        if (bytes.IsEmpty)
        {
            return DateTimeOffset.MinValue;
        }
        using var status = CanonicalJson.Document(bytes);
        if (status.RootElement.ValueKind == JsonValueKind.Object
            && status.RootElement.TryGetProperty("conditions", out var conditions) && conditions.ValueKind == JsonValueKind.Array)
        {
            foreach (var condition in conditions.EnumerateArray())
            {
                if (Text(condition, "type") == "Ready" && Text(condition, "status") == "True"
                    && DateTimeOffset.TryParse(Text(condition, "lastHeartbeatTime"), out var heard))
                {
                    return heard;
                }
            }
        }
        return DateTimeOffset.MinValue;
    }

    private static string? Text(JsonElement condition, string name) =>
        condition.ValueKind == JsonValueKind.Object && condition.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
