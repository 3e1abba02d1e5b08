using System.Text.Json.Nodes;
using Serval.Api.Config;

namespace Serval.Api.Admission;

/// <summary>Knative's rules of security contexts.</summary>
internal static class SecurityContextRules
{
    private const string PodGate = "kubernetes.podspec-securitycontext";
    private const string AddGate = "kubernetes.containerspec-addcapabilities";

    public static void Pod(JsonObject? context, string path, FeaturesConfig features, Problems to)
    {
        if (context is null)
        {
            return;
        }
        var secure = features.SecurePodDefaults is FeatureFlag.Enabled or FeatureFlag.AllowRootBounded;
        var open = features.Permits(PodGate);
        if (open || secure)
        {
            to.OnlyFields(context, path, f => open
                ? f is "runAsUser" or "runAsGroup" or "runAsNonRoot" or "fsGroup" or "supplementalGroups" or "seccompProfile"
                : f == "seccompProfile" && context.Object("seccompProfile").String("type") is "RuntimeDefault" or "Unconfined");
        }
        Id(context, "runAsUser", path, to);
        Id(context, "runAsGroup", path, to);
        Id(context, "fsGroup", path, to);
        var groups = context.Array("supplementalGroups") ?? [];
        for (var i = 0; i < groups.Count; i++)
        {
            if (Tree.Number(groups[i]) is { } id and (< 0 or > int.MaxValue))
            {
                to.OutOfBounds(id.ToString(), "0", int.MaxValue.ToString(), $"{path}.supplementalGroups[{i}]");
            }
        }
    }

    public static void Container(JsonObject? context, string path, FeaturesConfig features, Problems to)
    {
        to.OnlyFields(context, path, f => f is "capabilities" or "readOnlyRootFilesystem" or "runAsUser" or "runAsGroup" or "runAsNonRoot"
            or "allowPrivilegeEscalation" or "seccompProfile" || (f == "privileged" && context.Bool("privileged") == false));
        var capabilities = context.Object("capabilities");
        var secure = features.SecurePodDefaults is FeatureFlag.Enabled or FeatureFlag.AllowRootBounded;
        var lowPort = secure && capabilities.Strings("add").SequenceEqual(["NET_BIND_SERVICE"], StringComparer.Ordinal);
        if (capabilities.Array("add") is { Count: > 0 } && features[AddGate] != FeatureFlag.Enabled && !lowPort)
        {
            to.Disallowed($"{path}.capabilities.add", RevisionRules.Gate(AddGate));
        }
        Id(context, "runAsUser", path, to);
        Id(context, "runAsGroup", path, to);
    }

    private static void Id(JsonObject? context, string field, string path, Problems to)
    {
        if (context.Number(field) is { } id and (< 0 or > int.MaxValue))
        {
            to.OutOfBounds(id.ToString(), "0", int.MaxValue.ToString(), $"{path}.{field}");
        }
    }
}
