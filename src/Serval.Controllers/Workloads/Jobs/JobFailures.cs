using Serval.Api.Batch;
using Serval.Api.Core;

namespace Serval.Controllers.Workloads.Jobs;

/// <summary>What a failed pod means to its job (kubernetes pkg/controller/job/pod_failure_policy.go).</summary>
internal static class JobFailures
{
    /// <summary>The action of the first rule that fits, and how it fits; <c>Count</c> when none does.</summary>
    internal static (string Action, string Message) Judge(Job job, Pod pod)
    {
        for (var i = 0; i < job.Spec.PodFailurePolicy.Rules.Count; i++)
        {
            var rule = job.Spec.PodFailurePolicy.Rules[i];
            if ((rule.OnExitCodes is { } codes ? OfExitCode(codes, pod) : OfCondition(rule.OnPodConditions, pod)) is { } fits)
            {
                return (rule.Action, $"{fits} matching {rule.Action} rule at index {i}");
            }
        }
        return ("Count", "");
    }

    private static string? OfExitCode(ExitCodePattern pattern, Pod pod)
    {
        foreach (var container in pod.Status.ContainerStatuses.Concat(pod.Status.InitContainerStatuses))
        {
            if (container.State.Terminated is { ExitCode: not 0 and var code } && (pattern.ContainerName.Length == 0 || pattern.ContainerName == container.Name)
                && pattern.Values.Contains(code) == (pattern.Operator == "In"))
            {
                return $"Container {container.Name} for pod {pod.Metadata.Namespace}/{pod.Metadata.Name} failed with exit code {code}";
            }
        }
        return null;
    }

    private static string? OfCondition(IReadOnlyList<PodConditionPattern> patterns, Pod pod) => patterns
        .Where(p => pod.Status.Conditions.Any(c => c.Type == p.Type && c.Status == p.Status))
        .Select(p => $"Pod {pod.Metadata.Namespace}/{pod.Metadata.Name} has condition {p.Type}").FirstOrDefault();
}
