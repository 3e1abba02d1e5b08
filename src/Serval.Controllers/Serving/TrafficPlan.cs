using Serval.Api;
using Serval.Api.Serving;
using Serval.Kube;

namespace Serval.Controllers.Serving;

/// <summary>One resolved target: always a revision.</summary>
internal sealed record PlannedTarget(string RevisionName, string ConfigurationName, bool? LatestRevision, int Percent, string Tag, string Protocol);

/// <summary>Why traffic cannot be assigned, as the Route's AllTrafficAssigned condition says it (serving v1: route/traffic/errors).</summary>
/// <param name="IsFailure">False: wait, it may come; True: it failed.</param>
internal sealed record TrafficProblem(bool IsFailure, string Reason, string Message);

/// <summary>
/// spec.traffic flattened to revisions: what status shows (<see cref="Shown"/>) and, for the default host ("") and each tag, the
/// targets the Ingress splits over. Pure but for cache reads.
/// </summary>
internal sealed class TrafficPlan
{
    private readonly IKubeClient _client;
    private readonly KubeObject _route;

    private TrafficPlan(IKubeClient client, KubeObject route)
    {
        _client = client;
        _route = route;
    }

    internal List<PlannedTarget> Shown { get; private set; } = [];

    /// <summary>Tag ("" is the default host) → targets, same revision merged.</summary>
    internal SortedDictionary<string, List<PlannedTarget>> Targets { get; } = new(StringComparer.Ordinal);

    internal TrafficProblem? Problem { get; private set; }

    internal static TrafficPlan Make(IKubeClient client, KubeObject stored, Route route)
    {
        var plan = new TrafficPlan(client, stored);
        foreach (var target in route.Spec.Traffic)
        {
            if (plan.Resolve(target) is { } problem && (plan.Problem is null || problem.IsFailure))
            {
                plan.Problem = problem;
            }
        }
        foreach (var targets in plan.Targets.Values.Where(t => t.Count == 1))
        {
            targets[0] = targets[0] with { Percent = 100 };
        }
        return plan;
    }

    /// <summary>Divides the targets that a rollout is under way for among its revisions. What is shown still adds up to 100, also where a tagged host, whose traffic is its own, is at another point.</summary>
    internal void Divide(Rollout rollout)
    {
        foreach (var (tag, targets) in Targets.ToList())
        {
            Targets[tag] = [.. targets.SelectMany(t => Divided(t, rollout.Find(tag, t.ConfigurationName)))];
        }
        Shown = [.. Shown.SelectMany(t => Divided(t, rollout.Find(t.Percent > 0 ? "" : t.Tag, t.ConfigurationName)))];
    }

    private IEnumerable<PlannedTarget> Divided(PlannedTarget target, ConfigurationRollout? rollout)
    {
        if (target.LatestRevision != true || rollout is not { IsDone: false })
        {
            yield return target;
            yield break;
        }
        var (before, passed) = (0, 0);
        foreach (var (name, percent) in rollout.Revisions)
        {
            passed += percent;
            var upTo = target.Percent * passed / rollout.Percent;
            yield return target with { RevisionName = name, Percent = upTo - before, Protocol = ProtocolOf(name) ?? target.Protocol };
            before = upTo;
        }
    }

    private string? ProtocolOf(string revision) =>
        _client.Cache(Kinds.Revision).Get(Key(revision)) is { } stored ? AutoscalerMaker.Protocol(stored.As<Revision>()) : null;

    private TrafficProblem? Resolve(TrafficTarget target) =>
        target.RevisionName.Length > 0 ? ResolveRevision(target) : ResolveConfiguration(target);

    private TrafficProblem? ResolveConfiguration(TrafficTarget target)
    {
        if (_client.Cache(Kinds.Configuration).Get(Key(target.ConfigurationName)) is not { } stored)
        {
            return new TrafficProblem(true, "ConfigurationMissing", $"Configuration \"{target.ConfigurationName}\" referenced in traffic not found.");
        }
        var configuration = stored.As<Configuration>();
        if (configuration.Status.LatestReadyRevisionName.Length == 0)
        {
            return configuration.Status.Conditions.Any(c => c is { Type: "Ready", Status: "False" })
                ? new TrafficProblem(true, "RevisionMissing", $"Configuration \"{stored.Metadata.Name}\" does not have any ready Revision.")
                : new TrafficProblem(false, "RevisionMissing", $"Configuration \"{stored.Metadata.Name}\" is waiting for a Revision to become ready.");
        }
        return Add(configuration.Status.LatestReadyRevisionName, target, stored.Metadata.Name);
    }

    private TrafficProblem? ResolveRevision(TrafficTarget target)
    {
        if (_client.Cache(Kinds.Revision).Get(Key(target.RevisionName)) is { } revision
            && _route.Metadata.Label(KnativeNames.ServiceLabel) is { Length: > 0 } wanted
            && (revision.Metadata.Label(KnativeNames.ServiceLabel) ?? "") is var actual && actual != wanted)
        {
            return new TrafficProblem(true, "RevisionNotOwned", actual.Length == 0
                ? $"Revision \"{target.RevisionName}\" does not belong to Service \"{wanted}\"."
                : $"Revision \"{target.RevisionName}\" belongs to Service \"{actual}\", not Service \"{wanted}\".");
        }
        return Add(target.RevisionName, target, configuration: null);
    }

    private TrafficProblem? Add(string revisionName, TrafficTarget target, string? configuration)
    {
        if (_client.Cache(Kinds.Revision).Get(Key(revisionName)) is not { } stored)
        {
            return new TrafficProblem(true, "RevisionMissing", $"Revision \"{revisionName}\" referenced in traffic not found.");
        }
        if (!ConfigurationReconciler.IsReady(stored))
        {
            return stored.As<Revision>().Status.Conditions.Any(c => c is { Type: "Ready", Status: "False" })
                ? new TrafficProblem(true, "RevisionMissing", $"Revision \"{revisionName}\" failed to become ready.")
                : new TrafficProblem(false, "RevisionMissing", $"Revision \"{revisionName}\" is not yet ready.");
        }
        var planned = new PlannedTarget(
            revisionName, configuration ?? stored.Metadata.Label(KnativeNames.ConfigurationLabel) ?? "", target.LatestRevision,
            (int)(target.Percent ?? 0), target.Tag, AutoscalerMaker.Protocol(stored.As<Revision>()));
        Merge(Shown, planned, sameTag: true);
        Merge(For(""), planned, sameTag: false);
        if (planned.Tag.Length > 0)
        {
            Merge(For(planned.Tag), planned, sameTag: false);
        }
        return null;
    }

    private List<PlannedTarget> For(string tag)
    {
        if (!Targets.TryGetValue(tag, out var targets))
        {
            Targets[tag] = targets = [];
        }
        return targets;
    }

    private static void Merge(List<PlannedTarget> targets, PlannedTarget added, bool sameTag)
    {
        var index = targets.FindIndex(t => t.RevisionName == added.RevisionName
            && (!sameTag || t.Tag == added.Tag && t.LatestRevision == added.LatestRevision));
        if (index < 0)
        {
            targets.Add(added);
        }
        else
        {
            targets[index] = targets[index] with { Percent = targets[index].Percent + added.Percent };
        }
    }

    private ObjectKey Key(string name) => new(_route.Metadata.Namespace, name);
}
