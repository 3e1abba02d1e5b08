using System.Text.Json.Nodes;
using Serval.Api.Serving;

namespace Serval.Api.Admission;

/// <summary>
/// A dry run of a Service or Configuration tries a pod of its template by Kubernetes' rules (serving: pkg/webhook/podspec_dryrun). It looks only at what
/// passed Knative's own rules.
/// </summary>
internal static class TemplateDryRun
{
    private const string PodName = "dry-run-validation";

    /// <summary>A Configuration that a Service made was tried with the Service.</summary>
    public static bool Concerns(ResourceKind kind, JsonObject tree) =>
        kind == Kinds.KService || (kind == Kinds.Configuration && !tree.Object("metadata").Texts("labels").ContainsKey(KnativeNames.ServiceLabel));

    public static IReadOnlyList<FieldError> Check(JsonObject tree)
    {
        var problems = new Problems();
        PodRules.Pod(new JsonObject { ["spec"] = PodSpec(tree.Object("spec").Object("template").Object("spec")) }, null, problems, subresource: "");
        if (problems.List.Count == 0)
        {
            return [];
        }
        var refusal = ApiException.Invalid(Kinds.Pod, PodName, [.. problems.List.Select(p => p.ToCause())]);
        return
        [
            new FieldError("FieldValueInvalid", $"dry run failed with {refusal.Message}", "spec.template") { Webhook = Problems.ServingWebhook, Callback = true },
        ];
    }

    /// <summary>
    /// As it will be in a Deployment: the serving port is named anew there, and probes without a port get it. Readiness is no matter of the pod, unless it is a
    /// command's (knative/serving: revision/resources: makeContainer).
    /// </summary>
    private static JsonObject PodSpec(JsonObject? template)
    {
        var spec = template?.DeepClone().AsObject() ?? [];
        foreach (var (_, container) in spec.Objects("containers"))
        {
            container.Remove("ports");
            if (container.Object("readinessProbe").Object("exec") is null)
            {
                container.Remove("readinessProbe");
            }
            foreach (var probe in (ReadOnlySpan<string>)["livenessProbe", "startupProbe"])
            {
                foreach (var handler in (ReadOnlySpan<string>)["httpGet", "tcpSocket", "grpc"])
                {
                    if (container.Object(probe).Object(handler) is { } target && Tree.Text(target["port"]).Length == 0)
                    {
                        target["port"] = 8080; // the serving port, whichever it will be
                    }
                }
            }
        }
        return spec;
    }
}
