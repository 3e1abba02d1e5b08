using System.Text.Json.Nodes;

namespace Serval.ApiServer.Pipeline;

/// <summary>
/// What a write of a pod's status cannot take away: <c>qosClass</c>, and each <c>observedGeneration</c>, its own and those of its conditions.
/// (kubernetes pkg/registry/core/pod: podStatusStrategy.PrepareForUpdate.)
/// </summary>
internal sealed class KeptPodStatus
{
    private readonly string _qosClass;
    private readonly long _generation;
    private readonly List<(string Type, long Generation)> _conditions;

    private KeptPodStatus(JsonObject? status)
    {
        _qosClass = (string?)status?["qosClass"] ?? "";
        _generation = Generation(status);
        _conditions = [.. (status?["conditions"] as JsonArray ?? []).OfType<JsonObject>().Select(c => (Type(c), Generation(c)))];
    }

    /// <summary>Read before the write: what is written may be the same tree.</summary>
    internal static KeptPodStatus Of(JsonObject? status) => new(status);

    /// <summary>Gives back what <paramref name="status"/> leaves out. A condition has it of the next one of its type, as there may be several.</summary>
    internal void Complete(JsonObject status)
    {
        if (_qosClass.Length > 0 && (string?)status["qosClass"] is null or "")
        {
            status["qosClass"] = _qosClass;
        }
        Complete(status, _generation);
        foreach (var condition in (status["conditions"] as JsonArray ?? []).OfType<JsonObject>())
        {
            var type = Type(condition);
            var known = _conditions.FindIndex(c => c.Type == type);
            if (known >= 0)
            {
                Complete(condition, _conditions[known].Generation);
                _conditions.RemoveAt(known);
            }
        }
    }

    private static void Complete(JsonObject said, long generation)
    {
        if (generation != 0 && Generation(said) == 0)
        {
            said["observedGeneration"] = generation;
        }
    }

    private static string Type(JsonObject condition) => (string?)condition["type"] ?? "";

    private static long Generation(JsonObject? said) => (long?)said?["observedGeneration"] ?? 0;
}
