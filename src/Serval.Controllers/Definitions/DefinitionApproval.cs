using System.Text.Json.Nodes;
using Serval.Api;

namespace Serval.Controllers.Definitions;

/// <summary>
/// Whether a definition in a group of the Kubernetes community says who approved it (apiextensions-apiserver pkg/controller/apiapproval). A definition
/// without a word was stored before the rule: it is told about, not refused.
/// </summary>
internal static class DefinitionApproval
{
    private const string Annotation = "api-approved.kubernetes.io";
    private const string See = "see https://github.com/kubernetes/enhancements/pull/1111";

    public static void Tell(ObjectMeta metadata, string group, JsonObject status, DateTimeOffset now)
    {
        if (!$".{group}".EndsWith(".k8s.io", StringComparison.Ordinal) && !$".{group}".EndsWith(".kubernetes.io", StringComparison.Ordinal))
        {
            return;
        }
        var text = metadata.Annotation(Annotation) ?? "";
        var (approved, reason, message) = text switch
        {
            "" => (false, "MissingAnnotation", $"protected groups must have approval annotation \"{Annotation}\", {See}"),
            _ when text.StartsWith("unapproved", StringComparison.Ordinal) => (false, "UnapprovedAnnotation", $"not approved: \"{text}\""),
            _ when Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Host.Length > 0 => (true, "ApprovedAnnotation", $"approved in {text}"),
            _ => (false, "InvalidAnnotation",
                $"protected groups must have approval annotation \"{Annotation}\" with either a URL or a reason starting with \"unapproved\", {See}"),
        };
        ConditionList.Set(status, "KubernetesAPIApprovalPolicyConformant", approved, reason, message, now);
    }
}
