using Serval.Api;
using Serval.Kube;

namespace Serval.Controllers.Workloads;

/// <summary>What a scheduler tells of pods. There is none of its own here, but its events are where users look (kube-scheduler).</summary>
internal sealed class BindingReport(IEventRecorder events)
{
    private readonly EventReporter _events = new(events, "default-scheduler");

    internal void Bound(KubeObject pod, string node) => _events.Normal(pod, "Scheduled", $"Successfully assigned {pod.Key} to {node}");

    internal void NoPlace(KubeObject pod, string why) => _events.Warning(pod, "FailedScheduling", why);
}
