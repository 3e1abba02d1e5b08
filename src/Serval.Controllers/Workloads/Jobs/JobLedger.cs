using Serval.Api.Batch;
using Serval.Api.Core;

namespace Serval.Controllers.Workloads.Jobs;

/// <summary>
/// How many pods of a job have ended, those that are gone included. Each is counted once, when it is seen to have ended. After a restart the pods
/// that are there and the status tell what was counted: a pod that ended and was deleted while nobody looked is run again.
/// </summary>
internal sealed class JobLedger
{
    private static readonly TimeSpan s_firstBackoff = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_longestBackoff = TimeSpan.FromMinutes(10);

    private readonly HashSet<string> _seen = new(StringComparer.Ordinal);
    private int _succeeded;
    private int _failuresInARow;
    private DateTimeOffset _lastFailure;

    private JobLedger(string uid) => Uid = uid;

    internal string Uid { get; }

    internal int Succeeded => Indexes is null ? _succeeded : Indexes.Count;

    internal int Failed { get; private set; }

    /// <summary>Completed indexes; null for a job without.</summary>
    internal SortedSet<int>? Indexes { get; private init; }

    /// <summary>A failure that ends the job at once, as the failure policy has it.</summary>
    internal string? FatalFailure { get; private set; }

    internal static JobLedger Open(Job job, IEnumerable<Pod> pods)
    {
        var isIndexed = job.Spec.CompletionMode == "Indexed";
        var completed = isIndexed ? JobIndexes.Parse(job.Status.CompletedIndexes, job.Spec.Completions ?? 0) : [];
        var ledger = new JobLedger(job.Metadata.Uid) { Indexes = isIndexed ? [.. completed] : null };
        ledger.Count(job, pods);
        ledger._succeeded = Math.Max(ledger._succeeded, job.Status.Succeeded);
        ledger.Failed = Math.Max(ledger.Failed, job.Status.Failed);
        return ledger;
    }

    internal void Count(Job job, IEnumerable<Pod> pods)
    {
        var ended = pods.Where(PodFacts.IsFinished).OrderBy(EndOf).ToList();
        _seen.IntersectWith(ended.Select(p => p.Metadata.Uid));
        foreach (var pod in ended.Where(p => _seen.Add(p.Metadata.Uid)))
        {
            if (pod.Status.Phase == "Succeeded")
            {
                Success(job, pod);
            }
            else
            {
                Failure(job, pod);
            }
        }
    }

    /// <summary>How long no new pod is made: 10 s after a failure, doubled with each, 10 minutes at most.</summary>
    internal TimeSpan Backoff(DateTimeOffset now)
    {
        if (_failuresInARow == 0)
        {
            return TimeSpan.Zero;
        }
        var wait = s_firstBackoff * Math.Pow(2, Math.Min(_failuresInARow - 1, 10));
        var left = _lastFailure + (wait < s_longestBackoff ? wait : s_longestBackoff) - now;
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }

    private void Success(Job job, Pod pod)
    {
        _failuresInARow = 0;
        _succeeded++;
        if (JobIndexes.Of(pod) is { } index && index < (job.Spec.Completions ?? 0))
        {
            Indexes?.Add(index);
        }
    }

    private void Failure(Job job, Pod pod)
    {
        var (action, message) = JobFailures.Judge(job, pod);
        if (action == "Ignore")
        {
            return;
        }
        Failed++;
        _failuresInARow++;
        _lastFailure = EndOf(pod);
        if (action == "FailJob")
        {
            FatalFailure ??= message;
        }
    }

    private static DateTimeOffset EndOf(Pod pod) => pod.Status.ContainerStatuses.Select(c => c.State.Terminated?.FinishedAt).Max()
        ?? pod.Status.StartTime ?? pod.Metadata.CreationTimestamp ?? default;
}
