using Serval.Api;
using Serval.Api.Core;
using Serval.Kube;

namespace Serval.ApiServer.Pipeline;

/// <summary>
/// Refuses a pod that would exceed a ResourceQuota of its namespace (kubernetes apiserver admission/plugin/resourcequota). It costs a look at the
/// namespace's quotas; the pods are followed from the first quota on.
/// </summary>
internal sealed class QuotaAdmission(IKubeClient client) : IDisposable
{
    // A container has to say how much of these it needs, where a quota counts them.
    private static readonly string[] s_toBeSaid = ["cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"];

    private readonly PodLedger _ledger = new(client.Cache(Kinds.Pod), p => p.Metadata.Namespace, PodResources.Usage);

    /// <summary>Holds what the pod counts for until it is stored; null when nothing is counted. Forbidden when it is too much.</summary>
    internal IDisposable? Admit(KubeObject pod)
    {
        var quotas = client.Cache(Kinds.ResourceQuota).List(pod.Metadata.Namespace);
        if (quotas.Count == 0)
        {
            return null;
        }
        var spec = pod.As<Pod>().Spec;
        var usage = PodResources.Usage(spec);
        string? refusal = null;
        var held = _ledger.Hold(pod.Metadata.Namespace, usage, used => (refusal = Refusal(quotas, spec, usage, used)) is null);
        return held ?? throw new ApiException(403, "Forbidden", $"pods \"{pod.Metadata.Name}\" is forbidden: {refusal}");
    }

    public void Dispose() => _ledger.Dispose();

    private static string? Refusal(
        IReadOnlyList<KubeObject> quotas, PodSpec spec, IReadOnlyDictionary<string, Quantity> usage, IReadOnlyDictionary<string, Quantity> used)
    {
        foreach (var quota in quotas)
        {
            var hard = quota.As<ResourceQuota>().Spec.Hard.Where(h => PodResources.IsCounted(h.Key)).ToDictionary(h => h.Key, h => PodResources.Read(h.Value));
            if (Unsaid(spec, hard) is { Length: > 0 } unsaid)
            {
                return $"failed quota: {quota.Metadata.Name}: must specify {unsaid}";
            }
            var over = hard.Where(h => usage.TryGetValue(h.Key, out var more) && used.GetValueOrDefault(h.Key) + more > h.Value)
                .Select(h => h.Key).Order(StringComparer.Ordinal).ToList();
            if (over.Count > 0)
            {
                return $"exceeded quota: {quota.Metadata.Name}, requested: {List(over, usage)}, used: {List(over, used)}, limited: {List(over, hard)}";
            }
        }
        return null;
    }

    private static string Unsaid(PodSpec spec, Dictionary<string, Quantity> hard) => string.Join("; ", s_toBeSaid.Where(hard.ContainsKey)
        .Select(name => (Name: name, Who: spec.Containers.Concat(spec.InitContainers).Where(c => !PodResources.Says(c, name))
            .Select(c => c.Name).Distinct().Order(StringComparer.Ordinal).ToList()))
        .Where(u => u.Who.Count > 0).Select(u => $"{u.Name} for: {string.Join(',', u.Who)}"));

    private static string List(List<string> names, IReadOnlyDictionary<string, Quantity> amounts) =>
        string.Join(',', names.Select(n => $"{n}={amounts.GetValueOrDefault(n)}"));
}
