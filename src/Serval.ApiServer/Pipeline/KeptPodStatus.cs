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
    private readonly Dictionary<string, Queue<long>> _conditions = new(StringComparer.Ordinal); // generations, by type

    private KeptPodStatus(JsonObject? status)
    {
        _qosClass = (string?)status?["qosClass"] ?? "";
        _generation = Generation(status);
        foreach (var condition in (status?["conditions"] as JsonArray ?? []).OfType<JsonObject>())
        {
            var type = Type(condition);
            if (!_conditions.TryGetValue(type, out var generations))
            {
                _conditions[type] = generations = new Queue<long>(1);
            }
            generations.Enqueue(Generation(condition));
        }
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
            if (_conditions.TryGetValue(Type(condition), out var generations) && generations.TryDequeue(out var generation))
            {
                Complete(condition, generation);
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
