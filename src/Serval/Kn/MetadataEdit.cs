using Serval.Api.Admission;
using Serval.Api.Serving;
using Serval.Cli;

namespace Serval.Kn;

/// <summary>Labels and annotations of the service and of the revisions it makes.</summary>
internal static class MetadataEdit
{
    private const string Autoscaling = KnativeNames.AutoscalingGroup + "/";

    public static void Label(EditTarget target, string word) => Both(target, "labels", Assignment.Parse("label", word, bare: true));

    public static void LabelService(EditTarget target, string word) =>
        EditTarget.Assign(target.Service.Ensure("metadata"), "labels", [Assignment.Parse("label-service", word, bare: true)]);

    public static void LabelRevision(EditTarget target, string word) =>
        EditTarget.Assign(target.Template.Ensure("metadata"), "labels", [Assignment.Parse("label-revision", word, bare: true)]);

    /// <summary>Those of the autoscaler have no place on a service.</summary>
    public static void Annotate(EditTarget target, string word)
    {
        var annotation = Assignment.Parse("annotation", word, bare: true);
        if (annotation is { Value: not null } && IsAutoscaling(annotation))
        {
            EditTarget.Assign(target.Template.Ensure("metadata"), "annotations", [annotation]);
        }
        else
        {
            Both(target, "annotations", annotation);
        }
    }

    public static void AnnotateService(EditTarget target, string word)
    {
        var annotation = Assignment.Parse("annotation-service", word, bare: true);
        if (IsAutoscaling(annotation))
        {
            throw new CliException(ExitCodes.Usage, $"a service cannot have the autoscaling annotation {annotation.Name}; set it with --annotation-revision");
        }
        EditTarget.Assign(target.Service.Ensure("metadata"), "annotations", [annotation]);
    }

    public static void AnnotateRevision(EditTarget target, string word) =>
        EditTarget.Assign(target.Template.Ensure("metadata"), "annotations", [Assignment.Parse("annotation-revision", word, bare: true)]);

    public static void SetClusterLocal(EditTarget target, string word) => EditTarget.Assign(
        target.Service.Ensure("metadata"), "labels", [new Assignment(KnativeNames.VisibilityLabel, word == "true" ? KnativeNames.VisibilityClusterLocal : null)]);

    private static bool IsAutoscaling(Assignment annotation) => annotation.Name.StartsWith(Autoscaling, StringComparison.Ordinal);

    private static void Both(EditTarget target, string field, Assignment assignment)
    {
        EditTarget.Assign(target.Service.Ensure("metadata"), field, [assignment]);
        EditTarget.Assign(target.Template.Ensure("metadata"), field, [assignment]);
    }
}
