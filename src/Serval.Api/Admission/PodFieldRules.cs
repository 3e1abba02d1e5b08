using System.Text.Json.Nodes;
using Serval.Api.Core;

namespace Serval.Api.Admission;

/// <summary>Kubernetes' rules of single fields of pods (kubernetes pkg/apis/core/validation/validation.go), as far as they ask for no more than the field says.</summary>
internal static class PodFieldRules
{
    private static readonly string[] s_probes = ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"];

    public static void Spec(JsonObject? spec, string path, Problems to)
    {
        if (spec.Number("activeDeadlineSeconds") is { } deadline and (< 1 or > int.MaxValue))
        {
            to.Invalid($"{path}.activeDeadlineSeconds", deadline.ToString(), $"must be between 1 and {int.MaxValue}, inclusive");
        }
        Label(spec, "hostname", path, to);
        Label(spec, "subdomain", path, to);
        foreach (var (key, value) in spec.Texts("nodeSelector"))
        {
            to.Check($"{path}.nodeSelector", key, Names.QualifiedName);
            to.Check($"{path}.nodeSelector", value, Names.LabelValue);
        }
        foreach (var (i, toleration) in spec.Objects("tolerations"))
        {
            Toleration(toleration, $"{path}.tolerations[{i}]", to);
        }
        foreach (var (i, alias) in spec.Objects("hostAliases"))
        {
            to.Check($"{path}.hostAliases[{i}].ip", alias.String("ip"), IpText.Problem);
        }
        Dns(spec, path, to);
        Users(spec.Object("securityContext"), $"{path}.securityContext", to);
        foreach (var (i, container) in spec.Objects("initContainers"))
        {
            Initial(container, $"{path}.initContainers[{i}]", to);
        }
    }

    public static void Container(JsonObject container, string path, Problems to)
    {
        foreach (var (i, variable) in container.Objects("env"))
        {
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
            }
        }
        Users(container.Object("securityContext"), $"{path}.securityContext", to);
    }

    /// <summary>One that is to end is asked for nothing that takes a life of its own.</summary>
    private static void Initial(JsonObject container, string path, Problems to)
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
    }

    private static void Toleration(JsonObject toleration, string path, Problems to)
    {
        var (key, op, effect, value) = (toleration.String("key"), toleration.String("operator"), toleration.String("effect"), toleration.String("value"));
        if (key.Length > 0)
        {
            to.Check($"{path}.key", key, Names.QualifiedName);
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

    private static void Dns(JsonObject? spec, string path, Problems to)
    {
        var servers = spec.Object("dnsConfig").Strings("nameservers").ToList();
        if (spec.String("dnsPolicy") == "None" && !spec.Has("dnsConfig"))
        {
            to.Required($"{path}.dnsConfig", "must provide `dnsConfig` when `dnsPolicy` is None");
        }
        for (var i = 0; i < servers.Count; i++)
        {
            to.Check($"{path}.dnsConfig.nameservers[{i}]", servers[i], IpText.Problem);
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
        foreach (var field in (ReadOnlySpan<string>)["fsGroup", "runAsGroup", "runAsUser"])
        {
            if (context.Number(field) is { } id and (< 0 or > int.MaxValue))
            {
                to.Invalid($"{path}.{field}", id.ToString(), $"must be between 0 and {int.MaxValue}, inclusive");
            }
        }
    }
}
