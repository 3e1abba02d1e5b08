using System.Text.Json.Nodes;
using Serval.Api.Core;

namespace Serval.Api.Admission;

/// <summary>Kubernetes' rules of single fields of pods (kubernetes pkg/apis/core/validation/validation.go), as far as they ask for no more than the field says.</summary>
internal static class PodFieldRules
{
    private const int MostNameservers = 3;

    private static readonly string[] s_probes = ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"];

    /// <param name="spec">The pod's.</param>
    /// <param name="before">The stored pod's, on an update: where a pod wants to be is not judged again.</param>
    /// <param name="path">Path of the spec.</param>
    /// <param name="to">Gets what is wrong, in upstream's order.</param>
    public static void Spec(JsonObject? spec, JsonObject? before, string path, Problems to)
    {
        foreach (var (key, value) in spec.Has("nodeSelector") ? spec.Texts("nodeSelector") : [])
        {
            to.Check($"{path}.nodeSelector", key, Names.QualifiedNameProblems);
            to.Check($"{path}.nodeSelector", value, Names.LabelValue);
        }
        Host(spec, before, path, to);
        PodPlacementRules.Affinity(spec, before, path, to);
        Dns(spec, path, to);
        Gates(spec, path, to);
        PodPlacementRules.Spread(spec, before, path, to);
        if (spec.String("serviceAccountName") is { Length: > 0 } account)
        {
            to.Check($"{path}.serviceAccountName", account, Names.Subdomain);
        }
        if (spec.String("nodeName") is { Length: > 0 } node)
        {
            to.Check($"{path}.nodeName", node, Names.Subdomain);
        }
        if (spec.Number("activeDeadlineSeconds") is { } deadline and (< 1 or > int.MaxValue))
        {
            to.Invalid($"{path}.activeDeadlineSeconds", deadline.ToString(), $"must be between 1 and {int.MaxValue}, inclusive");
        }
        Label(spec, "hostname", path, to);
        Label(spec, "subdomain", path, to);
        foreach (var (i, toleration) in spec.Objects("tolerations"))
        {
            Toleration(toleration, $"{path}.tolerations[{i}]", to);
        }
        foreach (var (i, alias) in spec.Objects("hostAliases"))
        {
            to.Check($"{path}.hostAliases[{i}].ip", alias.String("ip"), IpText.Problem);
            foreach (var (j, host) in (alias.Array("hostnames") ?? []).Index())
            {
                to.Check($"{path}.hostAliases[{i}].hostnames[{j}]", Tree.Text(host), Names.Subdomain);
            }
        }
        if (spec.Object("os") is { } os && os.String("name") is not ("linux" or "windows") and var name)
        {
            to.Unsupported($"{path}.os", name, "linux", "windows");
        }
        var stored = PodRules.ByName(before, "initContainers");
        foreach (var (i, container) in spec.Objects("initContainers"))
        {
            Initial(container, stored?.GetValueOrDefault(container.String("name")), $"{path}.initContainers[{i}]", to);
        }
    }

    public static void Container(JsonObject container, JsonObject? pod, string path, Problems to)
    {
        foreach (var (i, variable) in container.Objects("env"))
        {
            PodValueRules.Variable(variable, $"{path}.env[{i}]", to);
            Key(variable.Object("valueFrom"), "configMapKeyRef", $"{path}.env[{i}].valueFrom", to);
            Key(variable.Object("valueFrom"), "secretKeyRef", $"{path}.env[{i}].valueFrom", to);
        }
        foreach (var probe in s_probes[1..])
        {
            Command(container.Object(probe), $"{path}.{probe}", to);
        }
        foreach (var hook in (ReadOnlySpan<string>)["postStart", "preStop"])
        {
            if (container.Object("lifecycle").Object(hook) is { } handler)
            {
                if (handler.All(h => h.Value is null))
                {
                    to.Required($"{path}.lifecycle.{hook}", "must specify a handler type");
                }
                Command(handler, $"{path}.lifecycle.{hook}", to);
                PodValueRules.Hook(handler, $"{path}.lifecycle.{hook}", pod.Number("terminationGracePeriodSeconds") ?? 30, to);
            }
        }
        Users(container.Object("securityContext"), $"{path}.securityContext", to);
        PodValueRules.Privileges(container.Object("securityContext"), pod.Bool("hostUsers") == false, $"{path}.securityContext", to);
        foreach (var (i, device) in container.Objects("volumeDevices"))
        {
            if (!pod.Objects("volumes").Any(v => v.Item.String("name") == device.String("name")))
            {
                to.NotFound($"{path}.volumeDevices[{i}].name", device.String("name"));
            }
        }
    }

    /// <summary>One that is to end is asked for nothing that takes a life of its own.</summary>
    private static void Initial(JsonObject container, JsonObject? before, string path, Problems to)
    {
        to.OneOf(container, "restartPolicy", path, "Always", "Never", "OnFailure");
        if (container.String("restartPolicy") == "Always")
        {
            return;
        }
        foreach (var field in s_probes.Where(container.Has))
        {
            to.Forbidden($"{path}.{field}", "may not be set for init containers without restartPolicy=Always");
        }
        if (container.Has("resizePolicy"))
        {
            PodResourceRules.Initial(container, before, path, to);
        }
    }

    private static void Toleration(JsonObject toleration, string path, Problems to)
    {
        var (key, op, effect, value) = (toleration.String("key"), toleration.String("operator"), toleration.String("effect"), toleration.String("value"));
        if (key.Length > 0)
        {
            to.Check($"{path}.key", key, Names.QualifiedNameProblems);
        }
        else if (op != "Exists")
        {
            to.InvalidText($"{path}.operator", op, "operator must be Exists when `key` is empty, which means \"match all values and all keys\"");
        }
        if (toleration.Has("tolerationSeconds") && effect != "NoExecute")
        {
            to.InvalidText($"{path}.effect", effect, "effect must be 'NoExecute' when `tolerationSeconds` is set");
        }
        if (op is "" or "Equal")
        {
            to.Check($"{path}.operator", value, Names.LabelValue);
        }
        else if (op != "Exists")
        {
            to.Unsupported($"{path}.operator", op, "Equal", "Exists");
        }
        else if (value.Length > 0)
        {
            to.InvalidText($"{path}.operator", value, "value must be empty when `operator` is 'Exists'");
        }
        if (effect is not ("" or "NoSchedule" or "PreferNoSchedule" or "NoExecute"))
        {
            to.Unsupported($"{path}.effect", effect, "NoSchedule", "PreferNoSchedule", "NoExecute");
        }
    }

    // ValidatePodSecurityContext
    private static void Host(JsonObject? spec, JsonObject? before, string path, Problems to)
    {
        var (context, at) = (spec.Object("securityContext"), $"{path}.securityContext");
        Users(context, at, to);
        foreach (var (i, group) in (context.Array("supplementalGroups") ?? []).Index())
        {
            if (Tree.Number(group) is { } id and (< 0 or > int.MaxValue))
            {
                to.Invalid($"{at}.supplementalGroups[{i}]", id.ToString(), $"must be between 0 and {int.MaxValue}, inclusive");
            }
        }
        if (spec.Bool("hostPID") == true && spec.Bool("shareProcessNamespace") == true)
        {
            to.Invalid($"{at}.shareProcessNamespace", "true", "ShareProcessNamespace and HostPID cannot both be enabled");
        }
        if (context.Has("sysctls") && !JsonNode.DeepEquals(context!["sysctls"], before.Object("securityContext")?["sysctls"]))
        {
            SysctlRules.Pod(spec, $"{at}.sysctls", to);
        }
        foreach (var field in ((string[])["hostNetwork", "hostPID", "hostIPC"]).Where(f => spec.Bool("hostUsers") == false && spec.Bool(f) == true))
        {
            to.Forbidden($"{path}.{field}", "when `hostUsers` is false");
        }
        to.OneOf(context, "fsGroupChangePolicy", at, "Always", "OnRootMismatch");
        PodValueRules.Profiles(context, at, to);
        to.OneOf(context, "supplementalGroupsPolicy", at, "Merge", "Strict");
    }

    private static void Gates(JsonObject? spec, string path, Problems to)
    {
        foreach (var (i, gate) in spec.Objects("readinessGates"))
        {
            to.Check($"{path}.readinessGates[{i}].conditionType", gate.String("conditionType"), Names.QualifiedNameProblems);
        }
        if (spec.Array("schedulingGates") is not { Count: > 0 })
        {
            return;
        }
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (i, gate) in spec.Objects("schedulingGates"))
        {
            to.Check($"{path}.schedulingGates[{i}]", gate.String("name"), Names.QualifiedNameProblems);
            if (!seen.Add(gate.String("name")))
            {
                to.Duplicate($"{path}.schedulingGates[{i}]", gate.String("name"));
            }
        }
    }

    private static void Dns(JsonObject? spec, string path, Problems to)
    {
        var servers = spec.Object("dnsConfig").Strings("nameservers").ToList();
        if (spec.String("dnsPolicy") == "None" && !spec.Has("dnsConfig"))
        {
            to.Required($"{path}.dnsConfig", "must provide `dnsConfig` when `dnsPolicy` is None");
        }
        if (servers.Count > MostNameservers)
        {
            to.Invalid($"{path}.dnsConfig.nameservers", spec.Object("dnsConfig")!["nameservers"]!.ToJsonString(), $"must not have more than {MostNameservers} nameservers");
        }
        for (var i = 0; i < servers.Count; i++)
        {
            to.Check($"{path}.dnsConfig.nameservers[{i}]", servers[i], IpText.Problem);
        }
        foreach (var (i, _) in spec.Object("dnsConfig").Objects("options").Where(o => o.Item.String("name").Length == 0))
        {
            to.Required($"{path}.dnsConfig.options[{i}]", "must not be empty");
        }
    }

    private static void Label(JsonObject? spec, string field, string path, Problems to)
    {
        if (spec.String(field) is { Length: > 0 } text)
        {
            to.Check($"{path}.{field}", text, Names.Label);
        }
    }

    private static void Key(JsonObject? from, string source, string path, Problems to)
    {
        if (from.Object(source) is not { } reference)
        {
            return;
        }
        if (reference.String("key") is { Length: > 0 } key)
        {
            to.Check($"{path}.{source}.key", key, Names.ConfigMapKey);
        }
        else
        {
            to.Required($"{path}.{source}.key");
        }
    }

    private static void Command(JsonObject? handler, string path, Problems to)
    {
        if (handler.Object("exec") is { } exec && exec.Array("command") is not { Count: > 0 })
        {
            to.Required($"{path}.exec.command");
        }
    }

    private static void Users(JsonObject? context, string path, Problems to)
    {
        foreach (var field in (ReadOnlySpan<string>)["fsGroup", "runAsUser", "runAsGroup"])
        {
            if (context.Number(field) is { } id and (< 0 or > int.MaxValue))
            {
                to.Invalid($"{path}.{field}", id.ToString(), $"must be between 0 and {int.MaxValue}, inclusive");
            }
        }
    }
}
