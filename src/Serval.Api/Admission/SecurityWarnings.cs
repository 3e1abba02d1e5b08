using System.Text.Json.Nodes;
using Serval.Api.Config;

namespace Serval.Api.Admission;

/// <summary>
/// Warns of what a container leaves to Kubernetes' insecure defaults (knative/serving: apis/serving: warnDefaultContainerSecurityContext). It does not
/// warn of what is insecure on purpose, nor, unlike upstream, of images in <c>registries-skipping-tag-resolving</c>: those are being tried on this machine.
/// </summary>
internal static class SecurityWarnings
{
    private const string Insecure = "Kubernetes default value is insecure, Knative may default this to secure in a future release";

    /// <summary>Warns of the containers of a Service, a Configuration or a Revision that is made; of other objects there is nothing to say.</summary>
    public static void Tell(ResourceKind kind, JsonObject tree, AdmissionContext ctx)
    {
        var templated = kind == Kinds.KService || kind == Kinds.Configuration;
        if (!templated && (kind != Kinds.Revision || ctx.IsUpdate) || ctx.Config.Features.SecurePodDefaults is FeatureFlag.Enabled or FeatureFlag.AllowRootBounded)
        {
            return;
        }
        var spec = templated ? tree.Object("spec").Object("template").Object("spec") : tree.Object("spec");
        var path = templated ? "spec.template.spec" : "spec";
        var problems = new Problems(Problems.ServingWebhook);
        foreach (var list in (ReadOnlySpan<string>)["containers", "initContainers"])
        {
            foreach (var (i, container) in spec.Objects(list))
            {
                if (ctx.Config.Deployment.RegistriesSkippingTagResolving.Any(r => container.String("image").StartsWith($"{r}/", StringComparison.Ordinal)))
                {
                    continue;
                }
                Container(spec.Object("securityContext"), container.Object("securityContext"), $"{path}.{list}[{i}].securityContext", problems);
            }
        }
        foreach (var same in problems.List.GroupBy(p => p.Message))
        {
            ctx.Warn(Validation.Describe([.. same]));
        }
    }

    private static void Container(JsonObject? pod, JsonObject? container, string path, Problems to)
    {
        if (pod?["runAsNonRoot"] is null && container?["runAsNonRoot"] is null)
        {
            to.Say(Insecure, $"{path}.runAsNonRoot");
        }
        if (container?["allowPrivilegeEscalation"] is null)
        {
            to.Say(Insecure, $"{path}.allowPrivilegeEscalation");
        }
        if (pod.Object("seccompProfile") is null && container.Object("seccompProfile") is null)
        {
            to.Say(Insecure, $"{path}.seccompProfile");
        }
        else if (pod.Object("seccompProfile").String("type").Length + container.Object("seccompProfile").String("type").Length == 0)
        {
            to.Say(Insecure, $"{path}.seccompProfile.type");
        }
        if (container.Object("capabilities") is not { } capabilities)
        {
            to.Say(Insecure, $"{path}.capabilities");
        }
        else if (capabilities.Array("drop") is not { } dropped)
        {
            to.Say(Insecure, $"{path}.capabilities.drop");
        }
        else if (dropped.Count > 0 && Tree.Text(dropped[0]) == "all")
        {
            to.Wrong("all", $"{path}.capabilities.drop", "Must be spelled as 'ALL'"); // else it drops nothing
        }
    }
}
