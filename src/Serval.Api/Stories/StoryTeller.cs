using Serval.Api.Apps;
using Serval.Api.Serving;

namespace Serval.Api.Stories;

/// <summary>Tells from objects why the first of them is as it is. Pure.</summary>
public static class StoryTeller
{
    private const int MostWarnings = 3;
    private const int MostPods = 3;

    public static Story Tell(StoryScene scene)
    {
        var steps = new List<StoryStep>();
        if (scene.Pods.Count == 0)
        {
            steps.Add(OfSubject(scene));
        }
        if (scene.Configuration is { } configuration)
        {
            steps.Add(OfConditions(1, "Configuration", configuration.Metadata.Name, configuration.Status.Conditions, Latest(configuration), scene.Now));
        }
        if (scene.Route is { } route)
        {
            steps.Add(OfConditions(1, "Route", route.Metadata.Name, route.Status.Conditions, RouteText(route), scene.Now));
        }
        foreach (var revision in scene.Revisions)
        {
            AddRevision(steps, revision, scene);
        }
        AddPods(steps, scene.Pods, awaited: false, scene.Now);
        if (steps.Count == 1)
        {
            AddConditions(steps, scene);
        }
        steps.AddRange(scene.BadSettings.Select(b => new StoryStep(
            1, "ConfigMap", b.ConfigMap, StepState.Waiting, $"what was set before stays in force: {b.Problem}", "correct the value")));
        return new Story(steps, WhenWell(scene));
    }

    private static StoryStep OfSubject(StoryScene scene)
    {
        var subject = scene.Subject;
        var text = scene.Subject.Kind switch
        {
            "Service" => subject.As<KService>().Status.Url,
            "Route" => RouteText(subject.As<Route>()),
            "Configuration" => Latest(subject.As<Configuration>()),
            "Revision" when scene.Revisions.Count > 0 => Scale(scene.Revisions[0]),
            _ => "",
        };
        var step = OfConditions(0, subject.Kind, subject.Metadata.Name, scene.Conditions, text, scene.Now);
        return scene.IsCurrent || step.State != StepState.Well
            ? step
            : step with { State = StepState.Waiting, Text = "its last change has not been looked at yet" };
    }

    // Of an object with nothing below it that is known here.
    private static void AddConditions(List<StoryStep> steps, StoryScene scene) => steps.AddRange(scene.Conditions
        .Where(c => c.Type != "Ready" && c.Severity.Length == 0)
        .Select(c => OfConditions(1, "Condition", c.Type, [c with { Type = "Ready" }], c.Reason, scene.Now)));

    private static StoryStep OfConditions(int depth, string kind, string name, IReadOnlyList<Condition> conditions, string whenReady, DateTimeOffset now)
    {
        var ready = conditions.FirstOrDefault(c => c.Type == "Ready");
        var said = string.Join(": ", new[] { ready?.Reason, ready?.Message }.Where(t => !string.IsNullOrEmpty(t)));
        return ready?.Status switch
        {
            "True" => new StoryStep(depth, kind, name, StepState.Well, whenReady),
            "False" => new StoryStep(depth, kind, name, StepState.Failed, $"not ready{Spans.Since(ready.LastTransitionTime, now)}: {said}", Remedies.For(ready.Reason)),
            _ => new StoryStep(depth, kind, name, StepState.Waiting, said.Length > 0 ? said : "not looked at yet"),
        };
    }

    private static void AddRevision(List<StoryStep> steps, RevisionScene scene, StoryScene all)
    {
        var revision = scene.Revision;
        if (all.Subject.Metadata.Uid != revision.Metadata.Uid)
        {
            steps.Add(OfConditions(2, "Revision", revision.Metadata.Name, revision.Status.Conditions, Scale(scene), all.Now));
        }
        AddImages(steps, revision);
        if (scene.Deployment is { } deployment)
        {
            steps.Add(OfDeployment(deployment, all.Now));
            steps.AddRange(scene.ReplicaSets.SelectMany(OfReplicaSet));
        }
        if (scene.Autoscaler is { } autoscaler)
        {
            var active = autoscaler.Status.Conditions.FirstOrDefault(c => c.Type == "Active");
            steps.Add(new StoryStep(3, "Autoscaler", autoscaler.Metadata.Name, active?.Status == "Unknown" ? StepState.Waiting : StepState.Well, Wants(autoscaler, active)));
        }
        AddPods(steps, scene.Pods, awaited: revision.Status.Conditions.Any(c => c is { Type: "Ready", Status: "Unknown" }), all.Now);
    }

    private static void AddImages(List<StoryStep> steps, Revision revision)
    {
        var missing = revision.Status.Conditions.FirstOrDefault(c => c is { Type: "ContainerHealthy", Status: "False", Reason: "ContainerMissing" });
        var digests = revision.Status.InitContainerStatuses.Concat(revision.Status.ContainerStatuses).ToLookup(s => s.Name, s => s.ImageDigest);
        foreach (var container in revision.Spec.InitContainers.Concat(revision.Spec.Containers))
        {
            var digest = digests[container.Name].FirstOrDefault() ?? "";
            steps.Add(missing is not null && missing.Message.Contains($"\"{container.Image}\"", StringComparison.Ordinal)
                ? new StoryStep(3, "Image", container.Image, StepState.Failed, missing.Message, Remedies.For(missing.Reason))
                : new StoryStep(3, "Image", container.Image, digest.Length > 0 ? StepState.Well : StepState.Waiting, digest.Length > 0 ? digest[(digest.IndexOf('@', StringComparison.Ordinal) + 1)..] : "not resolved yet"));
        }
    }

    private static StoryStep OfDeployment(Deployment deployment, DateTimeOffset now)
    {
        var (status, want) = (deployment.Status, deployment.Spec.Replicas ?? 1);
        var step = new StoryStep(3, "Deployment", deployment.Metadata.Name, StepState.Well, $"{status.AvailableReplicas} of {want} available");
        if (status.Conditions.FirstOrDefault(c => c is { Type: "ReplicaFailure", Status: "True" }) is { } refused)
        {
            return step with { State = StepState.Failed, Text = refused.Message, Advice = Remedies.For("FailedCreate") };
        }
        if (want == 0 || status.AvailableReplicas > 0)
        {
            return step;
        }
        var progress = status.Conditions.FirstOrDefault(c => c.Type == "Progressing");
        if (progress is { Status: "False" })
        {
            return step with { State = StepState.Failed, Text = $"{step.Text}: {progress.Message}", Advice = Remedies.For(progress.Reason) };
        }
        var deadline = TimeSpan.FromSeconds(deployment.Spec.ProgressDeadlineSeconds ?? 600);
        var since = progress?.LastUpdateTime ?? progress?.LastTransitionTime ?? deployment.Metadata.CreationTimestamp;
        var left = since is { } start ? $"; it fails in {Spans.Text(start + deadline - now)} if none is" : "";
        return step with { State = StepState.Waiting, Text = $"{step.Text}{left} (progress deadline {Spans.Text(deadline)})" };
    }

    private static IEnumerable<StoryStep> OfReplicaSet(ReplicaSet set) =>
        set.Status.Conditions.FirstOrDefault(c => c is { Type: "ReplicaFailure", Status: "True" }) is { } refused
            ? [new StoryStep(4, "ReplicaSet", set.Metadata.Name, StepState.Failed, $"no pod can be created: {refused.Message}", Remedies.For("FailedCreate"))]
            : [];

    /// <param name="steps">Added to.</param>
    /// <param name="pods">Those of one revision.</param>
    /// <param name="awaited">Whether they still have time to become ready.</param>
    /// <param name="now">Times count up to this.</param>
    private static void AddPods(List<StoryStep> steps, IReadOnlyList<PodScene> pods, bool awaited, DateTimeOffset now)
    {
        var ready = pods.Where(p => PodTroubles.IsReady(p.Pod)).ToList();
        if (ready.Count > 0)
        {
            steps.Add(new StoryStep(4, "Pod", ready.Count == 1 ? ready[0].Pod.Metadata.Name : $"{ready.Count} pods", StepState.Well, "ready"));
        }
        foreach (var pod in pods.Except(ready).Take(MostPods))
        {
            // Beside one that serves, a pod's trouble is not its service's.
            AddPod(steps, pod, ready.Count > 0 ? StepState.Waiting : StepState.Failed, awaited, now);
        }
    }

    private static void AddPod(List<StoryStep> steps, PodScene scene, StepState worst, bool awaited, DateTimeOffset now)
    {
        var pod = scene.Pod;
        var containers = PodTroubles.Containers(pod).Select(c => (Container: c, Trouble: PodTroubles.Of(pod, c))).ToList();
        var own = containers.TrueForAll(c => c.Trouble is null) ? PodTroubles.Of(pod) : null;
        var text = pod.Metadata.IsDeleting ? "ends" : own is not null ? $"{own.Reason}: {own.Text}" : $"{pod.Status.Phase}, not ready";
        steps.Add(new StoryStep(4, "Pod", pod.Metadata.Name, pod.Metadata.IsDeleting ? StepState.Well : own is null ? StepState.Waiting : worst, text, own?.Advice ?? "")
        {
            Lines = [.. scene.Warnings.Distinct().TakeLast(MostWarnings).Select(w => $"warning: {w}")],
        });
        foreach (var (container, its) in containers.Where(_ => !pod.Metadata.IsDeleting))
        {
            var state = its is null ? container.Ready ? StepState.Well : StepState.Waiting
                : awaited && its.State < worst ? its.State : worst;
            steps.Add(new StoryStep(5, "Container", container.Name, state, its is null ? Running(container, now) : $"{its.Reason}: {its.Text}", its?.Advice ?? "")
            {
                Lines = its is null ? [] : scene.Logs.GetValueOrDefault(container.Name) ?? [],
            });
        }
    }

    private static string Running(Core.ContainerStatus container, DateTimeOffset now) =>
        container.State.Running is { } running ? $"runs{Spans.Since(running.StartedAt, now)}"
        : container.State.Terminated is { } ended ? $"ended with {PodTroubles.Ending(ended)}"
        : container.State.Waiting?.Reason ?? "waiting";

    private static string Scale(RevisionScene scene)
    {
        var ready = scene.Pods.Count(p => PodTroubles.IsReady(p.Pod));
        var wanted = scene.Revision.Status.DesiredReplicas ?? 0;
        return ready > 0 ? $"{ready} {(ready == 1 ? "instance" : "instances")} ready"
            : wanted > 0 ? $"no instance ready, {wanted} wanted"
            : "scaled to zero: the next request starts an instance";
    }

    private static string Wants(Autoscaling.PodAutoscaler autoscaler, Condition? active)
    {
        var status = autoscaler.Status;
        var why = active is { Status: not "True", Reason.Length: > 0 } ? $" ({active.Reason}: {active.Message})" : "";
        return $"wants {(status.DesiredScale is >= 0 and { } want ? want : "?")}, has {status.ActualScale ?? 0}{why}";
    }

    private static string Latest(Configuration configuration) =>
        configuration.Status.LatestReadyRevisionName is { Length: > 0 } ready ? $"latest ready revision {ready}" : "";

    private static string RouteText(Route route)
    {
        var shares = route.Status.Traffic.Select(t => $"{t.Percent ?? 0}% {t.RevisionName}{(t.Tag.Length > 0 ? $" #{t.Tag}" : "")}");
        return string.Join(", ", shares) is { Length: > 0 } text ? $"{text}; {route.Status.Url}" : route.Status.Url;
    }

    private static string WhenWell(StoryScene scene) =>
        scene.Revisions.Count == 0 ? "is ready" : $"is ready, {Scale(scene.Revisions[0])}";
}
