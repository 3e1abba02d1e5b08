using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Core;

namespace Serval.Node.Agent;

/// <summary>The status of a pod in kubelet's shape, from the state of its containers. Keeps when each condition changed.</summary>
internal sealed class PodStatusBuilder
{
    private readonly Dictionary<string, (string Status, DateTimeOffset Since)> _conditions = new(StringComparer.Ordinal);
    private readonly JsonArray _foreign = [];
    private readonly DateTimeOffset _startTime;
    private long _generation; // of the pod that the status is of

    public PodStatusBuilder(Pod pod, DateTimeOffset now)
    {
        _startTime = pod.Status.StartTime ?? now;
        foreach (var condition in pod.Status.Conditions)
        {
            if (condition.Type is "PodScheduled" or "PodReadyToStartContainers" or "Initialized" or "ContainersReady" or "Ready")
            {
                _conditions[condition.Type] = (condition.Status, condition.LastTransitionTime ?? now);
            }
            else
            {
                _foreign.Add(Observed(new JsonObject
                {
                    ["type"] = condition.Type, ["status"] = condition.Status, ["reason"] = condition.Reason, ["message"] = condition.Message,
                    ["lastTransitionTime"] = Text(condition.LastTransitionTime ?? now), ["lastProbeTime"] = null,
                }, condition.ObservedGeneration));
            }
        }
    }

    /// <summary>When the pod started, as its status tells, also of an earlier run of the agent.</summary>
    public DateTimeOffset StartTime => _startTime;

    /// <summary>The pod's phase. One that fails as a whole has failed when no container of it runs (kubernetes pkg/kubelet/status, mergePodStatus).</summary>
    public static string Phase(IReadOnlyList<ContainerSlot> containers, string restartPolicy, PodFailure? failure)
    {
        if (failure is null)
        {
            return Phase(containers, restartPolicy);
        }
        return containers.All(c => c.Process is null) ? "Failed" : Phase(containers, restartPolicy) == "Pending" ? "Pending" : "Running";
    }

    private static string Phase(IReadOnlyList<ContainerSlot> containers, string restartPolicy)
    {
        var init = containers.Where(c => c.IsInit).ToList();
        var main = containers.Where(c => !c.IsInit).ToList();
        if (restartPolicy == "Never" && init.Any(c => !c.IsSidecar && c.Phase == ContainerPhase.Terminated && !c.Succeeded))
        {
            return "Failed";
        }
        if (!init.All(c => c.LetsOn) || main.Any(c => c is { Phase: ContainerPhase.Waiting, LastTerminated: null }))
        {
            return "Pending";
        }
        var stopped = main.All(c => c.Phase == ContainerPhase.Terminated);
        if (!stopped || restartPolicy == "Always")
        {
            return "Running";
        }
        return main.All(c => c.Succeeded) ? "Succeeded" : restartPolicy == "Never" ? "Failed" : "Running";
    }

    public JsonObject Build(
        Pod pod, string hostAddress, string? address, IReadOnlyList<ContainerSlot> containers, IReadOnlyList<ContainerSlot> added, PodFailure? failure, DateTimeOffset now)
    {
        _generation = pod.Metadata.Generation;
        var phase = Phase(containers, pod.Spec.RestartPolicy, failure);
        var finished = phase is "Succeeded" or "Failed";
        var init = containers.Where(c => c.IsInit).ToList();
        var main = containers.Where(c => !c.IsInit).ToList();
        var unready = containers.Where(c => (!c.IsInit || c.IsSidecar) && !c.Ready).ToList();
        var uninitialized = init.Where(c => !c.LetsOn).Select(c => c.Spec.Name).ToList();
        var reason = unready.Count == 0 ? "" : finished ? phase == "Succeeded" ? "PodCompleted" : "PodFailed" : "ContainersNotReady";
        var message = unready.Count == 0 || phase == "Succeeded" ? "" : NotReady(unready);
        var ready = unready.Count == 0 ? "True" : "False";
        var conditions = new JsonArray
        {
            Condition("PodReadyToStartContainers", finished || address is null ? "False" : "True", "", "", now),
            Condition(
                "Initialized", uninitialized.Count == 0 ? "True" : "False", uninitialized.Count == 0 ? "" : "ContainersNotInitialized",
                uninitialized.Count == 0 ? "" : $"containers with incomplete status: [{string.Join(' ', uninitialized)}]", now),
            Condition("Ready", ready, reason, message, now),
            Condition("ContainersReady", ready, reason, message, now),
            Condition("PodScheduled", "True", "", "", now),
        };
        foreach (var foreign in _foreign)
        {
            conditions.Add(foreign!.DeepClone());
        }
        var status = new JsonObject
        {
            ["phase"] = phase,
            ["conditions"] = conditions,
            ["hostIP"] = hostAddress,
            ["hostIPs"] = new JsonArray { new JsonObject { ["ip"] = hostAddress } },
            ["startTime"] = Text(_startTime),
            ["containerStatuses"] = Containers(main),
        };
        if (address is not null)
        {
            (status["podIP"], status["podIPs"]) = (address, new JsonArray { new JsonObject { ["ip"] = address } });
        }
        if (failure is not null && phase == "Failed")
        {
            (status["reason"], status["message"]) = (failure.Reason, failure.Message);
        }
        if (init.Count > 0)
        {
            status["initContainerStatuses"] = Containers(init);
        }
        if (added.Count > 0)
        {
            status["ephemeralContainerStatuses"] = Containers(added);
        }
        return Observed(status, _generation);
    }

    /// <summary>Says what generation of the pod it is about (kubernetes pkg/api/v1/pod: CalculatePodStatusObservedGeneration); API servers before 1.33 count none.</summary>
    private static JsonObject Observed(JsonObject said, long generation)
    {
        if (generation > 0)
        {
            said["observedGeneration"] = generation;
        }
        return said;
    }

    public static string Text(DateTimeOffset time) => KubeTime.Text(time);

    private static string NotReady(List<ContainerSlot> unready)
    {
        var names = $"containers with unready status: [{string.Join(' ', unready.Select(c => c.Spec.Name))}]";
        var causes = unready.Where(c => c.NotReadyMessage.Length > 0).Select(c => $"container \"{c.Spec.Name}\" {c.NotReadyMessage}");
        return string.Join("; ", causes.Prepend(names));
    }

    private JsonObject Condition(string type, string status, string reason, string message, DateTimeOffset now)
    {
        if (!_conditions.TryGetValue(type, out var known) || known.Status != status)
        {
            _conditions[type] = known = (status, now);
        }
        var condition = new JsonObject
        {
            ["type"] = type, ["status"] = status, ["lastProbeTime"] = null, ["lastTransitionTime"] = Text(known.Since),
        };
        if (reason.Length > 0)
        {
            condition["reason"] = reason;
        }
        if (message.Length > 0)
        {
            condition["message"] = message;
        }
        return Observed(condition, _generation);
    }

    private static JsonArray Containers(IReadOnlyList<ContainerSlot> containers)
    {
        var list = new JsonArray();
        foreach (var c in containers.OrderBy(c => c.Spec.Name, StringComparer.Ordinal))
        {
            var id = c.Process is null ? "" : $"process://{c.Process.Pid}-{c.Process.StartTicks}";
            list.Add(new JsonObject
            {
                ["name"] = c.Spec.Name,
                ["image"] = c.Spec.Image,
                ["imageID"] = c.ImageDigest.Length == 0 ? "" : c.Spec.Image.Split('@')[0] + "@" + c.ImageDigest,
                ["containerID"] = id,
                ["ready"] = c.IsInit && !c.IsSidecar ? c.Succeeded : c.Ready,
                ["started"] = c.Phase == ContainerPhase.Running && c.Started,
                ["restartCount"] = c.RestartCount,
                ["state"] = State(c),
                ["lastState"] = c.LastTerminated is { } last ? new JsonObject { ["terminated"] = Terminated(last) } : [],
            });
        }
        return list;
    }

    private static JsonObject State(ContainerSlot c)
    {
        switch (c.Phase)
        {
            case ContainerPhase.Running:
                return new JsonObject { ["running"] = new JsonObject { ["startedAt"] = Text(c.StartedAt) } };
            case ContainerPhase.Terminated:
                return new JsonObject { ["terminated"] = Terminated(c.Terminated!) };
            default:
                var waiting = new JsonObject { ["reason"] = c.WaitingReason };
                if (c.WaitingMessage.Length > 0)
                {
                    waiting["message"] = c.WaitingMessage;
                }
                return new JsonObject { ["waiting"] = waiting };
        }
    }

    private static JsonObject Terminated(Termination t)
    {
        var state = new JsonObject
        {
            ["exitCode"] = t.ExitCode, ["reason"] = t.Reason, ["startedAt"] = Text(t.StartedAt), ["finishedAt"] = Text(t.FinishedAt),
        };
        if (t.Signal != 0)
        {
            state["signal"] = t.Signal;
        }
        if (t.Message.Length > 0)
        {
            state["message"] = t.Message;
        }
        return state;
    }
}
