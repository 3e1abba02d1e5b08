using Serval.Api.Batch;
using Serval.Api.Core;

namespace Serval.Controllers.Workloads.Jobs;

/// <summary>How a job ends (kubernetes pkg/controller/job/job_controller.go).</summary>
/// <param name="IsSuccess">Whether it did what it was to do.</param>
/// <param name="Reason">Reason of the condition.</param>
/// <param name="Message">Its message.</param>
internal sealed record JobVerdict(bool IsSuccess, string Reason, string Message)
{
    /// <summary>What is said when the end is certain, and what when the last pod has stopped.</summary>
    internal string Early => IsSuccess ? "SuccessCriteriaMet" : "FailureTarget";

    internal string Final => IsSuccess ? "Complete" : "Failed";

    /// <summary>Null: it goes on.</summary>
    /// <param name="job">The job.</param>
    /// <param name="ledger">What has ended.</param>
    /// <param name="active">Pods that have not.</param>
    /// <param name="now">The time.</param>
    internal static JobVerdict? Of(Job job, JobLedger ledger, IReadOnlyCollection<Pod> active, DateTimeOffset now)
    {
        // Said once, it stays.
        if (job.Status.Conditions.FirstOrDefault(c => c is { Type: "SuccessCriteriaMet" or "FailureTarget", Status: "True" }) is { } said)
        {
            return new JobVerdict(said.Type == "SuccessCriteriaMet", said.Reason, said.Message);
        }
        if (ledger.FatalFailure is { } fatal)
        {
            return new JobVerdict(false, "PodFailurePolicy", fatal);
        }
        if (ledger.Failed > job.Spec.BackoffLimit || RestartsTooOften(job, active))
        {
            return new JobVerdict(false, "BackoffLimitExceeded", "Job has reached the specified backoff limit");
        }
        if (Deadline(job) <= now)
        {
            return new JobVerdict(false, "DeadlineExceeded", "Job was active longer than specified deadline");
        }
        var isDone = job.Spec.Completions is { } wanted ? ledger.Succeeded >= wanted : ledger.Succeeded > 0 && active.Count == 0;
        return isDone ? new JobVerdict(true, "CompletionsReached", "Reached expected number of succeeded pods") : null;
    }

    /// <summary>When the job has run for long enough; null when it may run for ever, or does not run.</summary>
    internal static DateTimeOffset? Deadline(Job job) =>
        job is { Spec: { Suspend: false, ActiveDeadlineSeconds: { } seconds }, Status.StartTime: { } start } ? start + TimeSpan.FromSeconds(Math.Min(seconds, int.MaxValue)) : null;

    /// <summary>With restart policy OnFailure a failure is a restart in a pod that stays.</summary>
    private static bool RestartsTooOften(Job job, IEnumerable<Pod> active)
    {
        if (job.Spec.Template.Spec.RestartPolicy != "OnFailure")
        {
            return false;
        }
        var restarts = active.Sum(p => p.Status.ContainerStatuses.Concat(p.Status.InitContainerStatuses).Sum(c => (long)c.RestartCount));
        return job.Spec.BackoffLimit == 0 ? restarts > 0 : restarts >= job.Spec.BackoffLimit;
    }
}
