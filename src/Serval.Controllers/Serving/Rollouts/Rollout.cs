namespace Serval.Controllers.Serving;

/// <summary>
/// Which revisions get the traffic of a Route's "latest revision" targets, while a new one takes over step by step (knative/serving:
/// reconciler/route/traffic/rollout). Pure: the state lies in an annotation of the Ingress (<see cref="RolloutText"/>), time is passed in.
/// </summary>
/// <param name="Configurations">By tag, then by name.</param>
internal sealed record Rollout(IReadOnlyList<ConfigurationRollout> Configurations)
{
    private const double Second = 1e9;

    internal bool IsDone => Configurations.All(c => c.IsDone);

    /// <summary>Where the route means its traffic to be: each latest revision has all of its target's share.</summary>
    internal static Rollout Of(TrafficPlan plan) => new(
    [
        .. plan.Targets.SelectMany(host => host.Value
            .Where(t => t is { LatestRevision: true, Percent: > 0 })
            .OrderBy(t => t.ConfigurationName, StringComparer.Ordinal)
            .Select(t => new ConfigurationRollout
            {
                ConfigurationName = t.ConfigurationName,
                Tag = host.Key.Length > 0 ? host.Key : null,
                Percent = t.Percent,
                Revisions = [new RevisionShare(t.RevisionName, t.Percent)],
            })),
    ]);

    /// <summary>The state of a configuration on a tag's host ("" is the default one), or null.</summary>
    internal ConfigurationRollout? Find(string tag, string configuration) =>
        Configurations.FirstOrDefault(c => (c.Tag ?? "") == tag && c.ConfigurationName == configuration);

    /// <summary>The gateway has the first percent: those that just began get their pace from how long that took.</summary>
    /// <param name="now">Nanoseconds since 1970.</param>
    /// <param name="duration">How long the whole is to take.</param>
    internal Rollout Observe(long now, TimeSpan duration) =>
        new([.. Configurations.Select(c => c.IsDone || c.StepParams.StepSize > 0 ? c : c with { StepParams = Paced(c, now, duration) })]);

    /// <summary>Without revisions that are gone; what they had goes to the newest with the next step.</summary>
    internal Rollout Without(Predicate<string> isGone) =>
        new([.. Configurations.Select(c => c with { Revisions = [.. c.Revisions.Where(r => !isGone(r.RevisionName))] })]);

    /// <summary>From <paramref name="before"/> one step towards this: what is to be in force now.</summary>
    /// <param name="before">What was in force.</param>
    /// <param name="now">Nanoseconds since 1970. It may have stepped, in either direction.</param>
    internal Rollout Step(Rollout before, long now) =>
        new([.. Configurations.Select(c => c.Percent > 1 && before.Find(c.Tag ?? "", c.ConfigurationName) is { } state ? Step(c, state, now) : c)]);

    /// <summary>How long until the next step; null when none is due.</summary>
    internal TimeSpan? Next(long now)
    {
        var waits = Configurations.Where(c => !c.IsDone && c.StepParams.StepSize > 0).Select(c => c.StepParams.NextStepTime - now).ToList();
        return waits.Count > 0 ? TimeSpan.FromTicks(Math.Max(0, waits.Min()) / TimeSpan.NanosecondsPerTick + 1) : null;
    }

    private static ConfigurationRollout Step(ConfigurationRollout goal, ConfigurationRollout before, long now)
    {
        var newest = goal.Revisions[0].RevisionName;
        var shares = Fitted(before.Revisions, goal.Percent);
        if (shares.Count == 0 || shares[^1].RevisionName != newest)
        {
            return shares.Count == 0 ? goal : goal with { Revisions = Begun(shares, newest), StepParams = new RolloutSteps { StartTime = now } };
        }
        var pace = before.StepParams;
        return shares.Count == 1
            ? goal
            : Moved(goal with { Revisions = shares, StepParams = pace with { StepSize = Math.Min(pace.StepSize, goal.Percent) } }, now);
    }

    /// <summary>The shares when the target has another percentage than before: the newest revision gets more, the oldest lose first.</summary>
    private static List<RevisionShare> Fitted(IReadOnlyList<RevisionShare> shares, int percent)
    {
        List<RevisionShare> fitted = [.. shares];
        var more = percent - shares.Sum(s => s.Percent);
        while (more < 0)
        {
            var cut = Math.Min(-more, fitted[0].Percent);
            more += cut;
            fitted[0] = fitted[0] with { Percent = fitted[0].Percent - cut };
            if (fitted[0].Percent == 0)
            {
                fitted.RemoveAt(0);
            }
        }
        if (fitted.Count > 0)
        {
            fitted[^1] = fitted[^1] with { Percent = fitted[^1].Percent + more };
        }
        return fitted;
    }

    /// <summary>A new revision begins with 1 %, taken from the newest one before it; one that is back goes on with what it still has.</summary>
    private static List<RevisionShare> Begun(List<RevisionShare> shares, string newest)
    {
        var kept = shares.Find(s => s.RevisionName == newest);
        List<RevisionShare> begun = [.. shares.Where(s => s.RevisionName != newest)];
        if (kept.Percent == 0)
        {
            begun[^1] = begun[^1] with { Percent = begun[^1].Percent - 1 };
        }
        return [.. begun.Where(s => s.Percent > 0), new RevisionShare(newest, Math.Max(1, kept.Percent))];
    }

    /// <summary>One step, if it is due: the newest revision gets it, the next newest loses it first.</summary>
    private static ConfigurationRollout Moved(ConfigurationRollout rollout, long now)
    {
        var pace = rollout.StepParams;
        if (pace.StepSize == 0 || now < pace.NextStepTime && pace.NextStepTime - now <= pace.StepDuration)
        {
            return rollout;
        }
        if (now < pace.NextStepTime)
        {
            return rollout with { StepParams = pace with { NextStepTime = now + pace.StepDuration } }; // the clock went back: no longer a wait than a step's
        }
        List<RevisionShare> older = [.. rollout.Revisions.SkipLast(1)];
        var left = pace.StepSize;
        while (left > 0 && older.Count > 0)
        {
            var taken = Math.Min(left, older[^1].Percent);
            left -= taken;
            older[^1] = older[^1] with { Percent = older[^1].Percent - taken };
            if (older[^1].Percent == 0)
            {
                older.RemoveAt(older.Count - 1);
            }
        }
        var newest = rollout.Revisions[^1];
        return rollout with
        {
            Revisions = [.. older, newest with { Percent = newest.Percent + pace.StepSize - left }],
            StepParams = older.Count > 0 ? pace with { NextStepTime = now + pace.StepDuration } : default,
        };
    }

    /// <summary>Equal steps, none shorter than the first one took and none below 1 %; whatever the first one took, the rest is at least one step of a second.</summary>
    private static RolloutSteps Paced(ConfigurationRollout rollout, long now, TimeSpan duration)
    {
        var first = Math.Max(1, Math.Ceiling((now - rollout.StepParams.StartTime) / Second));
        var seconds = Math.Max(1, duration.TotalSeconds - first);
        double percent = rollout.Percent - rollout.Revisions[^1].Percent;
        var steps = Math.Min(percent, Math.Max(1, seconds / first));
        var stepDuration = (long)Math.Min(seconds / steps * Second, RolloutSteps.LongestStep);
        return rollout.StepParams with
        {
            StepSize = (int)Math.Round(percent / steps, MidpointRounding.AwayFromZero),
            StepDuration = stepDuration,
            NextStepTime = now + stepDuration,
        };
    }
}
