using Serval.Api.Core;

namespace Serval.Api.Stories;

/// <summary>
/// What keeps a pod from being ready, read from its status: the same words go into <c>serval why</c> and into conditions, so nothing of a container's
/// environment is in them.
/// </summary>
public static class PodTroubles
{
    /// <summary>What a condition's message may hold of a story.</summary>
    public const int MostOfMessage = 1024;

    /// <summary>The first trouble of the pod; null when it is ready, ends, or has only begun.</summary>
    public static Trouble? Of(Pod pod)
    {
        if (pod.Metadata.IsDeleting || IsReady(pod))
        {
            return null;
        }
        if (Condition(pod, "PodScheduled") is { Status: "False" } unscheduled)
        {
            return new Trouble(StepState.Failed, unscheduled.Reason, unscheduled.Message, Remedies.For("Unschedulable"));
        }
        return Containers(pod).Select(c => Of(pod, c)).FirstOrDefault(t => t is not null);
    }

    /// <summary>The trouble of one container; null when it has none.</summary>
    public static Trouble? Of(Pod pod, ContainerStatus container)
    {
        if ((container.State.Terminated ?? (container.Ready ? null : container.LastState.Terminated)) is { } ended && !IsDoneInit(pod, container, ended))
        {
            var reason = $"ExitCode{ended.ExitCode}";
            var again = container.RestartCount > 0 ? $", {container.RestartCount} restarts" : "";
            return new Trouble(StepState.Failed, reason, $"ended with {Ending(ended)}{again}{Said(ended)}", Remedies.For(ended.Reason == Remedies.OutOfMemory ? ended.Reason : reason));
        }
        if (container.State.Waiting is { Reason: not ("" or "ContainerCreating" or "PodInitializing") } waiting)
        {
            return new Trouble(StepState.Failed, waiting.Reason, waiting.Message.Length > 0 ? waiting.Message : waiting.Reason, Remedies.For(waiting.Reason));
        }
        if (!container.Ready && Explanation(pod, container.Name) is { Length: > 0 } why)
        {
            var reason = why.StartsWith("has not opened", StringComparison.Ordinal) ? Remedies.NotListening : Remedies.ProbeFailed;
            return new Trouble(StepState.Waiting, reason, why, Remedies.For(reason));
        }
        return null;
    }

    /// <summary>A pod's trouble as a condition's message: the cause and what to do, and no longer than <see cref="MostOfMessage"/>.</summary>
    public static string Message(Pod pod, Trouble trouble)
    {
        var text = $"Pod \"{pod.Metadata.Name}\": {trouble.Text}";
        var advice = trouble.Advice.Length > 0 ? $"; {trouble.Advice}" : "";
        return Cut(text, MostOfMessage - advice.Length) + advice;
    }

    /// <summary><c>exit code 137 (SIGKILL, OOMKilled)</c>.</summary>
    public static string Ending(TerminatedState ended)
    {
        string[] how = [.. ended.Signal > 0 ? [SignalNames.Of(ended.Signal)] : Array.Empty<string>(), .. ended.Reason == Remedies.OutOfMemory ? [ended.Reason] : Array.Empty<string>()];
        return $"exit code {ended.ExitCode}{(how.Length > 0 ? $" ({string.Join(", ", how)})" : "")}";
    }

    /// <summary>The containers' statuses in the order in which they start.</summary>
    public static IEnumerable<ContainerStatus> Containers(Pod pod) => pod.Status.InitContainerStatuses.Concat(pod.Status.ContainerStatuses);

    public static bool IsReady(Pod pod) => Condition(pod, "Ready") is { Status: "True" };

    internal static Condition? Condition(Pod pod, string type) => pod.Status.Conditions.FirstOrDefault(c => c.Type == type);

    internal static string Cut(string text, int most) => TextLimit.Ellipsis(text, most);

    private static bool IsDoneInit(Pod pod, ContainerStatus container, TerminatedState ended) =>
        ended.ExitCode == 0 && pod.Status.InitContainerStatuses.Contains(container);

    // Its last line: the others are in the log.
    private static string Said(TerminatedState ended) => ended.Message.Trim() is { Length: > 0 } said ? $": {said[(said.LastIndexOf('\n') + 1)..]}" : "";

    // The node says in the Ready condition what it knows of each container: `…; container "a" has not opened port 80; container "b" …`.
    private static string Explanation(Pod pod, string container)
    {
        var message = Condition(pod, "Ready")?.Message ?? "";
        var head = $"; container \"{container}\" ";
        var at = message.IndexOf(head, StringComparison.Ordinal);
        if (at < 0)
        {
            return "";
        }
        var rest = message[(at + head.Length)..];
        var end = rest.IndexOf("; container \"", StringComparison.Ordinal);
        return end < 0 ? rest : rest[..end];
    }
}
