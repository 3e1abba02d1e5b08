using System.Text.Json;

namespace Serval.Api.Core;

/// <summary>What a whole pod asks for and is limited to. Pure.</summary>
public static class PodResources
{
    /// <summary>Resource name of the number of pods.</summary>
    public const string Pods = "pods";

    private static readonly Quantity s_one = Quantity.Parse("1");
    private static readonly Dictionary<string, Quantity> s_onlyAPod = new() { [Pods] = s_one };

    // Of these a quota counts both sides; a bare name is the request (kubernetes pkg/quota/v1/evaluator/core: podComputeUsageHelper).
    private static readonly string[] s_counted = ["cpu", "memory", "ephemeral-storage"];

    /// <summary>
    /// What a node sets aside for it (kubernetes component-helpers resource: PodRequests): of everything the greater of what its containers need
    /// together and what an init container needs at its turn. A request that is not given is the limit, as a stored pod has it. One of <c>pods</c>
    /// is always in it.
    /// </summary>
    public static IReadOnlyDictionary<string, Quantity> Requests(PodSpec pod) =>
        IsBare(pod.Containers) && IsBare(pod.InitContainers) ? s_onlyAPod : Sum(pod, Requested);

    /// <summary>What it counts for in a ResourceQuota, by the names a quota's <c>spec.hard</c> has for it.</summary>
    public static IReadOnlyDictionary<string, Quantity> Usage(PodSpec pod)
    {
        var usage = new Dictionary<string, Quantity> { [Pods] = s_one, ["count/pods"] = s_one };
        foreach (var (name, amount) in Requests(pod))
        {
            if (s_counted.Contains(name))
            {
                usage[name] = amount;
            }
            if (name != Pods)
            {
                usage["requests." + name] = amount;
            }
        }
        foreach (var (name, amount) in Sum(pod, Limited).Where(l => s_counted.Contains(l.Key)))
        {
            usage["limits." + name] = amount;
        }
        return usage;
    }

    /// <summary>Names of a quota's <c>spec.hard</c> that pods count for.</summary>
    public static bool IsCounted(string name) => name is Pods or "count/pods" || s_counted.Contains(name)
        || name.StartsWith("requests.", StringComparison.Ordinal) && name is not "requests.storage"
        || name.StartsWith("limits.", StringComparison.Ordinal) && s_counted.Contains(name["limits.".Length..]);

    /// <summary>Whether the container says how much it needs of a name of a quota's <c>spec.hard</c>.</summary>
    public static bool Says(Container container, string name) => name.StartsWith("limits.", StringComparison.Ordinal)
        ? container.Resources.Limits.ContainsKey(name["limits.".Length..])
        : Requested(container).ContainsKey(name.StartsWith("requests.", StringComparison.Ordinal) ? name["requests.".Length..] : name);

    /// <summary>An amount as JSON has it; 0 when it is none.</summary>
    public static Quantity Read(JsonElement amount) =>
        Quantity.TryParse(amount.ValueKind == JsonValueKind.String ? amount.GetString() : amount.GetRawText(), out var read) ? read : Quantity.Zero;

    private static Dictionary<string, Quantity> Sum(PodSpec pod, Func<Container, IReadOnlyDictionary<string, JsonElement>> of)
    {
        var running = new Dictionary<string, Quantity>();
        foreach (var container in pod.Containers)
        {
            Add(running, of(container));
        }
        var beside = new Dictionary<string, Quantity>(); // sidecars: they stay
        var most = new Dictionary<string, Quantity>();
        foreach (var container in pod.InitContainers)
        {
            var turn = new Dictionary<string, Quantity>(beside);
            Add(turn, of(container));
            if (container.RestartPolicy == "Always")
            {
                Add(running, of(container));
                beside = turn;
            }
            Raise(most, turn);
        }
        Raise(running, most);
        running[Pods] = s_one;
        return running;
    }

    private static void Add(Dictionary<string, Quantity> sum, IReadOnlyDictionary<string, JsonElement> amounts)
    {
        foreach (var (name, amount) in amounts)
        {
            sum[name] = sum.GetValueOrDefault(name) + Read(amount);
        }
    }

    private static void Raise(Dictionary<string, Quantity> sum, Dictionary<string, Quantity> least)
    {
        foreach (var (name, amount) in least)
        {
            if (!sum.TryGetValue(name, out var present) || present < amount)
            {
                sum[name] = amount;
            }
        }
    }

    private static bool IsBare(IReadOnlyList<Container> containers)
    {
        foreach (var container in containers)
        {
            if (container.Resources.Requests.Count + container.Resources.Limits.Count > 0)
            {
                return false;
            }
        }
        return true;
    }

    private static IReadOnlyDictionary<string, JsonElement> Limited(Container container) => container.Resources.Limits;

    private static IReadOnlyDictionary<string, JsonElement> Requested(Container container)
    {
        var (requests, limits) = (container.Resources.Requests, container.Resources.Limits);
        if (limits.Count == 0)
        {
            return requests;
        }
        var all = new Dictionary<string, JsonElement>(requests);
        foreach (var (name, limit) in limits)
        {
            all.TryAdd(name, limit);
        }
        return all;
    }
}
