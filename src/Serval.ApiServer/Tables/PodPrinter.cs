using System.Text.Json;

namespace Serval.ApiServer.Tables;

/// <summary>Pods: the status is the most telling reason of the pod or its containers, as Kubernetes prints it.</summary>
internal static class PodPrinter
{
    public static readonly TableLayout Layout = new(
        [
            TableLayout.Name, new("Ready"), new("Status"), new("Restarts"), TableLayout.Age,
            new("IP", Priority: 1), new("Node", Priority: 1), new("Nominated Node", Priority: 1), new("Readiness Gates", Priority: 1),
        ],
        Print);

    private static void Print(JsonElement pod, DateTimeOffset now, List<object?> cells)
    {
        var summary = Summarize(pod);
        var restarts = summary.Restarts > 0 && summary.LastRestart is { } last
            ? $"{summary.Restarts} ({HumanDuration.Since(last, now)} ago)"
            : $"{summary.Restarts}";
        cells.Add(pod.Text("metadata", "name"));
        cells.Add($"{summary.Ready}/{summary.Total}");
        cells.Add(summary.Reason);
        cells.Add(restarts);
        cells.Add(TableLayout.AgeOf(pod, now));
        cells.Add(pod.Text("status", "podIP").OrNone());
        cells.Add(pod.Text("spec", "nodeName").OrNone());
        cells.Add(pod.Text("status", "nominatedNodeName").OrNone());
        cells.Add(Gates(pod));
    }

    private static Summary Summarize(JsonElement pod)
    {
        var summary = new Summary { Total = pod.Size("spec", "containers") };
        summary.Reason = pod.Text("status", "reason") is { Length: > 0 } reason ? reason : pod.Text("status", "phase");
        summary.Reason = summary.Reason.Length == 0 ? "Unknown" : summary.Reason;
        if (!Initializing(pod, ref summary))
        {
            Containers(pod, ref summary);
        }
        if (pod.Has("metadata", "deletionTimestamp"))
        {
            summary.Reason = pod.Text("status", "reason") == "NodeLost" ? "Unknown" : "Terminating";
        }
        return summary;
    }

    private static bool Initializing(JsonElement pod, ref Summary summary)
    {
        var total = pod.Size("spec", "initContainers");
        var index = 0;
        foreach (var status in pod.Items("status", "initContainerStatuses"))
        {
            Count(status, ref summary);
            var state = status.At("state");
            if (state.Has("terminated"))
            {
                if (state.Number("terminated", "exitCode") != 0)
                {
                    summary.Reason = "Init:" + Ended(state.At("terminated"));
                    return true;
                }
            }
            else
            {
                var why = state.Text("waiting", "reason");
                summary.Reason = why.Length > 0 && why != "PodInitializing" ? "Init:" + why : $"Init:{index}/{total}";
                return true;
            }
            index++;
        }
        summary.Restarts = 0; // once they are done only the containers' restarts count
        summary.LastRestart = null;
        return false;
    }

    private static void Containers(JsonElement pod, ref Summary summary)
    {
        var running = false;
        foreach (var status in pod.Items("status", "containerStatuses").Reverse())
        {
            Count(status, ref summary);
            var state = status.At("state");
            if (state.Text("waiting", "reason") is { Length: > 0 } waiting)
            {
                summary.Reason = waiting;
            }
            else if (state.Has("terminated"))
            {
                summary.Reason = Ended(state.At("terminated"));
            }
            else if (status.Flag("ready") && state.Has("running"))
            {
                running = true;
                summary.Ready++;
            }
        }
        if (running && summary.Reason == "Completed")
        {
            summary.Reason = IsReady(pod) ? "Running" : "NotReady";
        }
    }

    private static void Count(JsonElement status, ref Summary summary)
    {
        summary.Restarts += status.Number("restartCount");
        var ended = status.Time("lastState", "terminated", "finishedAt");
        if (ended > (summary.LastRestart ?? DateTimeOffset.MinValue))
        {
            summary.LastRestart = ended;
        }
    }

    private static string Ended(JsonElement terminated) =>
        terminated.Text("reason") is { Length: > 0 } reason ? reason
        : terminated.Number("signal") != 0 ? $"Signal:{terminated.Number("signal")}"
        : $"ExitCode:{terminated.Number("exitCode")}";

    private static bool IsReady(JsonElement pod) =>
        pod.Items("status", "conditions").Any(c => c.Text("type") == "Ready" && c.Text("status") == "True");

    private static string Gates(JsonElement pod)
    {
        var gates = pod.Items("spec", "readinessGates").Select(g => g.Text("conditionType")).ToList();
        if (gates.Count == 0)
        {
            return "<none>";
        }
        var open = gates.Count(g => pod.Items("status", "conditions").Any(c => c.Text("type") == g && c.Text("status") == "True"));
        return $"{open}/{gates.Count}";
    }

    private struct Summary
    {
        public string Reason;
        public int Ready;
        public int Total;
        public long Restarts;
        public DateTimeOffset? LastRestart;
    }
}
