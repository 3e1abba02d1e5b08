using System.Globalization;
using Serval.Api;
using Serval.Api.Config;
using Serval.Api.Serving;

namespace Serval.Controllers.Serving;

/// <summary>Which revisions without traffic are kept, by config-gc (knative/serving: reconciler/gc). Pure.</summary>
internal static class RevisionRetention
{
    /// <summary>Those to delete now, the least recently active first.</summary>
    /// <param name="revisions">All of one configuration.</param>
    /// <param name="inUse">Names that stay whatever their routing state is.</param>
    /// <param name="config">The rules.</param>
    /// <param name="now">The time. It may step back: what is younger than nothing is not old.</param>
    /// <param name="next">How long until time makes another one go; null when only a change can.</param>
    internal static IReadOnlyList<KubeObject> Surplus(
        IEnumerable<KubeObject> revisions, IReadOnlySet<string> inUse, GcConfig config, DateTimeOffset now, out TimeSpan? next)
    {
        var idle = revisions.Where(r => IsIdle(r, inUse)).OrderBy(LastActive).ThenBy(ConfigurationReconciler.Generation).ToList();
        var going = idle.Where(r => Left(r, config, now) <= TimeSpan.Zero).Take((int)Math.Max(0, idle.Count - config.MinNonActiveRevisions)).ToList();
        var kept = idle.Except(going).ToList();
        if (config.MaxNonActiveRevisions is { } max && kept.Count > max)
        {
            going.AddRange(kept.Take((int)(kept.Count - max)));
            kept = [.. kept.TakeLast((int)max)];
        }
        next = kept.Count > config.MinNonActiveRevisions ? kept.Min(r => Left(r, config, now)) : null;
        return going;
    }

    /// <summary>Routes have said that they do not need it: without a word of them it counts as active.</summary>
    private static bool IsIdle(KubeObject revision, IReadOnlySet<string> inUse) =>
        revision.Metadata.Label(KnativeNames.RoutingStateLabel) == KnativeNames.RoutingReserve
        && !string.Equals(revision.Metadata.Annotation(KnativeNames.NoGcAnnotation), "true", StringComparison.OrdinalIgnoreCase)
        && !revision.Metadata.IsDeleting && !inUse.Contains(revision.Metadata.Name);

    /// <summary>How long its age still protects it; null: for ever.</summary>
    private static TimeSpan? Left(KubeObject revision, GcConfig config, DateTimeOffset now)
    {
        var created = config.RetainSinceCreateTime - (now - Created(revision));
        var active = config.RetainSinceLastActiveTime - (now - LastActive(revision));
        return created > active || active is null ? created : active;
    }

    private static DateTimeOffset LastActive(KubeObject revision) =>
        DateTimeOffset.TryParse(
            revision.Metadata.Annotation(KnativeNames.RoutingStateModifiedAnnotation), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var modified)
            ? modified
            : Created(revision);

    private static DateTimeOffset Created(KubeObject revision) => revision.Metadata.CreationTimestamp ?? default;
}
