using System.Text.Json.Nodes;
using Serval.Api.Core;

namespace Serval.Api.Admission;

/// <summary>Kubernetes' rules of pods and pod templates.</summary>
internal static class PodRules
{
    private const string OnlyThese = "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
        + "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
        + "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

    private static readonly string[] s_handlers = ["exec", "httpGet", "tcpSocket", "grpc"];

    /// <param name="tree">The pod.</param>
    /// <param name="old">The stored one on an update.</param>
    /// <param name="to">Gets what is wrong.</param>
    /// <param name="subresource">Empty for the pod itself, or one of <see cref="PodDoors.IsSpec"/>.</param>
    /// <param name="ofTemplate">A controller of Serval's makes it of a template, which was judged when it was written: by the rules there were.</param>
    public static void Pod(JsonObject tree, JsonObject? old, Problems to, string subresource, bool ofTemplate = false)
    {
        var spec = tree.Object("spec");
        if (old.Object("spec") is not { } stored)
        {
            Spec(spec, "spec", to, ofTemplate ? spec : null);
            NoEphemeral(spec, "spec", "cannot be set on create", to);
            if (spec.Array("schedulingGates") is { Count: > 0 } && spec.String("nodeName").Length > 0)
            {
                to.Forbidden("spec.nodeName", "cannot be set until all schedulingGates have been cleared");
            }
            return;
        }
        if (JsonNode.DeepEquals(stored, spec))
        {
            return;
        }
        old = new JsonObject { ["metadata"] = old!["metadata"]?.DeepClone(), ["spec"] = stored.DeepClone(), ["status"] = old["status"]?.DeepClone() };
        PodDefaults.Pod(old); // it may be of before a default
        var before = old.Object("spec")!;
        if (!SameButNode(spec, before))
        {
            Spec(spec, "spec", to, before);
        }
        else if (spec.String("nodeName") is { Length: > 0 } node)
        {
            to.Check("spec.nodeName", node, Names.Subdomain);
        }
        if (subresource == PodDoors.Ephemeral)
        {
            PodDoors.CheckEphemeral(spec, before, to);
            return;
        }
        if (subresource == PodDoors.Resize)
        {
            PodDoors.CheckResize(tree, old, to);
            return;
        }
        if (!Updatable(spec, before, to))
        {
            return;
        }
        var changes = TreeDiff.Describe(Fixed(before, before), Fixed(spec, before));
        if (changes.Length > 0)
        {
            to.Forbidden("spec", $"{OnlyThese}\n{changes.TrimEnd()}");
        }
    }

    /// <param name="template">The pods' template.</param>
    /// <param name="before">The stored one, on an update: rules that came later judge only what is new.</param>
    /// <param name="path">Path to it.</param>
    /// <param name="to">Takes the errors.</param>
    /// <param name="restarts">The restart policies that its controller can do with.</param>
    public static void Template(JsonObject? template, JsonObject? before, string path, Problems to, params ReadOnlySpan<string> restarts) =>
        Judge(template, Defaulted(before), path, to, restarts);

    /// <summary>
    /// As <see cref="Template"/>, unless the stored one stays as it is, be it of before a default: then it is not judged again, or what owns it could not even shrink.
    /// </summary>
    /// <returns>Whether it was judged.</returns>
    public static bool ChangedTemplate(JsonObject? template, JsonObject? before, string path, Problems to, params ReadOnlySpan<string> restarts)
    {
        if (before is not null && JsonNode.DeepEquals(before, template))
        {
            return false;
        }
        var defaulted = Defaulted(before);
        if (defaulted is not null && JsonNode.DeepEquals(defaulted, template))
        {
            return false;
        }
        Judge(template, defaulted, path, to, restarts);
        return true;
    }

    private static void Judge(JsonObject? template, JsonObject? before, string path, Problems to, ReadOnlySpan<string> restarts)
    {
        MetadataRules.Labels(template.Object("metadata"), $"{path}.labels", to);
        MetadataRules.Annotations(template.Object("metadata"), $"{path}.annotations", to);
        Spec(template.Object("spec"), $"{path}.spec", to, before.Object("spec"));
        NoEphemeral(template.Object("spec"), $"{path}.spec", "ephemeral containers not allowed in pod template", to);
        var restart = template.Object("spec").String("restartPolicy");
        if (restart == "Always" && !restarts.Contains(restart))
        {
            to.Required($"{path}.spec.restartPolicy", $"valid values: {string.Join(", ", restarts.ToArray().Select(r => $"\"{r}\""))}"); // it is what nothing means
        }
        else if (restart.Length > 0 && !restarts.Contains(restart))
        {
            to.Unsupported($"{path}.spec.restartPolicy", restart, restarts);
        }
    }

    /// <summary>The fields that may change, and how; false when nothing more is to be said (ValidatePodUpdate).</summary>
    private static bool Updatable(JsonObject? spec, JsonObject before, Problems to)
    {
        foreach (var list in (string[])["containers", "initContainers"])
        {
            if ((spec.Array(list)?.Count ?? 0) != (before.Array(list)?.Count ?? 0))
            {
                to.Forbidden($"spec.{list}", "pod updates may not add or remove containers");
                return false;
            }
        }
        var (deadline, was) = (spec.Number("activeDeadlineSeconds"), before.Number("activeDeadlineSeconds"));
        if (deadline > was)
        {
            to.Invalid("spec.activeDeadlineSeconds", deadline.ToString()!, "must be less than or equal to previous value");
            return false;
        }
        if (deadline is null && was is not null)
        {
            to.Invalid("spec.activeDeadlineSeconds", "null", "must not update from a positive integer to nil value");
        }
        var tolerated = spec.Objects("tolerations").Select(t => WithoutSeconds(t.Item)).ToList();
        if (before.Objects("tolerations").Any(t => !tolerated.Any(n => TreeDiff.Same(n, WithoutSeconds(t.Item)))))
        {
            to.Forbidden("spec.tolerations", "existing toleration can not be modified except its tolerationSeconds");
        }
        var gates = before.Objects("schedulingGates").Select(g => g.Item.String("name")).ToHashSet(StringComparer.Ordinal);
        foreach (var (i, gate) in spec.Objects("schedulingGates").Where(g => !gates.Contains(g.Item.String("name"))))
        {
            to.Forbidden($"spec.schedulingGates[{i}].name", $"only deletion is allowed, but found new scheduling gate '{gate.String("name")}'");
        }
        return true;
    }

    /// <summary>A copy of a stored template with today's defaults, as upstream has them on all that it reads.</summary>
    internal static JsonObject? Defaulted(JsonObject? template)
    {
        var copy = template?.DeepClone() as JsonObject;
        if (copy is not null)
        {
            PodDefaults.Template(copy);
        }
        return copy;
    }

    private static bool SameButNode(JsonObject? spec, JsonObject before)
    {
        if (spec is null || before.String("nodeName").Length > 0)
        {
            return JsonNode.DeepEquals(before, spec);
        }
        var unbound = spec.DeepClone().AsObject();
        unbound.Remove("nodeName");
        var was = before.DeepClone().AsObject();
        was.Remove("nodeName");
        return JsonNode.DeepEquals(was, unbound);
    }

    private static JsonNode WithoutSeconds(JsonObject toleration)
    {
        var copy = toleration.DeepClone().AsObject();
        copy.Remove("tolerationSeconds");
        return copy;
    }

    private static void NoEphemeral(JsonObject? spec, string path, string why, Problems to)
    {
        if (spec.Array("ephemeralContainers") is { Count: > 0 })
        {
            to.Forbidden($"{path}.ephemeralContainers", why);
        }
    }

    // The part of the spec an update must leave alone. Binding fills an empty node name.
    private static JsonObject Fixed(JsonObject? spec, JsonObject before)
    {
        var copy = spec?.DeepClone() as JsonObject ?? [];
        copy.Remove("activeDeadlineSeconds");
        copy.Remove("tolerations");
        copy.Remove("schedulingGates");
        if (before.Number("terminationGracePeriodSeconds") is < 0)
        {
            copy.Remove("terminationGracePeriodSeconds");
        }
        if (before.String("nodeName").Length == 0)
        {
            copy.Remove("nodeName");
        }
        foreach (var (_, container) in copy.Objects("containers").Concat(copy.Objects("initContainers")))
        {
            container.Remove("image");
        }
        return copy;
    }

    /// <param name="spec">The pod's.</param>
    /// <param name="path">Path to it.</param>
    /// <param name="to">Gets what is wrong.</param>
    /// <param name="before">The stored pod's, on an update: rules that came later judge only what is new.</param>
    private static void Spec(JsonObject? spec, string path, Problems to, JsonObject? before = null)
    {
        var volumes = Volumes(spec, path, to);
        var names = new HashSet<string>(StringComparer.Ordinal);
        if (spec.Array("containers") is null or { Count: 0 })
        {
            to.Required($"{path}.containers");
        }
        foreach (var list in new[] { "containers", "initContainers", "ephemeralContainers" })
        {
            var stored = ByName(before, list);
            foreach (var (i, container) in spec.Objects(list))
            {
                Container(container, stored?.GetValueOrDefault(container.String("name")), spec, $"{path}.{list}[{i}]", names, volumes, to);
            }
        }
        PodResourceRules.Pod(spec, before, path, to);
        to.OneOf(spec, "restartPolicy", path, "Always", "OnFailure", "Never");
        to.OneOf(spec, "dnsPolicy", path, "ClusterFirstWithHostNet", "ClusterFirst", "Default", "None");
        HostPorts(spec, path, to);
        PodFieldRules.Spec(spec, before, path, to);
        if (spec.Number("terminationGracePeriodSeconds") is < 0)
        {
            to.Invalid($"{path}.terminationGracePeriodSeconds", spec.Number("terminationGracePeriodSeconds").ToString()!, "must be greater than or equal to 0");
        }
    }

    /// <summary>The containers of a stored spec by their names; null when there is none.</summary>
    internal static Dictionary<string, JsonObject>? ByName(JsonObject? spec, string list)
    {
        if (spec is null)
        {
            return null;
        }
        var named = new Dictionary<string, JsonObject>(StringComparer.Ordinal);
        foreach (var (_, container) in spec.Objects(list))
        {
            named.TryAdd(container.String("name"), container);
        }
        return named;
    }

    private static HashSet<string> Volumes(JsonObject? spec, string path, Problems to)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (i, volume) in spec.Objects("volumes"))
        {
            var at = $"{path}.volumes[{i}]";
            UniqueName(volume, at, names, to);
            var sources = volume.Where(p => p.Key != "name" && p.Value is not null).Select(p => p.Key).ToList();
            if (sources.Count == 0)
            {
                to.Required(at, "must specify a volume type");
            }
            else if (sources.Count > 1)
            {
                to.Forbidden($"{at}.{sources[1]}", "may not specify more than 1 volume type");
            }
            NeedOf(volume, "secret", "secretName", at, to);
            NeedOf(volume, "configMap", "name", at, to);
            NeedOf(volume, "hostPath", "path", at, to);
            HostPath(volume.Object("hostPath"), $"{at}.hostPath", to);
            NeedOf(volume, "image", "reference", at, to);
            NeedOf(volume, "persistentVolumeClaim", "claimName", at, to);
            VolumeFileRules.Check(volume, at, to);
            Files(volume, at, to);
        }
        return names;
    }

    // Of several errors of files of a volume, those of the pod's own fields and of the mode for all of them.
    private static void Files(JsonObject volume, string at, Problems to)
    {
        foreach (var source in (ReadOnlySpan<string>)["secret", "configMap", "downwardAPI", "projected"])
        {
            if (volume.Object(source).Number("defaultMode") is { } mode and (< 0 or > 0x1FF))
            {
                to.Invalid($"{at}.{source}.defaultMode", mode.ToString(), "must be a number between 0 and 0777 (octal), both inclusive");
            }
        }
        foreach (var (_, item) in volume.Object("downwardAPI").Objects("items"))
        {
            PodValueRules.FileOfPod(item, $"{at}.downwardAPI", to);
        }
        foreach (var (i, source) in volume.Object("projected").Objects("sources"))
        {
            foreach (var (_, item) in source.Object("downwardAPI").Objects("items"))
            {
                PodValueRules.FileOfPod(item, $"{at}.projected.sources[{i}].downwardAPI", to);
            }
        }
    }

    // validateHostPathVolumeSource
    private static void HostPath(JsonObject? source, string at, Problems to)
    {
        if (source.String("path").Split('/').Contains("..", StringComparer.Ordinal))
        {
            to.InvalidText($"{at}.path", source.String("path"), "must not contain '..'");
        }
        to.OneOf(source, "type", at, "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket");
    }

    private static void NeedOf(JsonObject volume, string source, string field, string at, Problems to)
    {
        if (volume.Object(source) is { } found)
        {
            to.Need(found, field, $"{at}.{source}");
        }
    }

    private static void UniqueName(JsonObject owner, string at, HashSet<string> names, Problems to)
    {
        var name = owner.String("name");
        if (name.Length == 0)
        {
            to.Required($"{at}.name");
        }
        else if (!names.Add(name))
        {
            to.Duplicate($"{at}.name", name);
        }
        else
        {
            to.Check($"{at}.name", name, Names.Label);
        }
    }

    private static void Container(JsonObject container, JsonObject? was, JsonObject? pod, string at, HashSet<string> names, HashSet<string> volumes, Problems to)
    {
        UniqueName(container, at, names, to);
        var image = container.String("image");
        if (image.Length == 0)
        {
            to.Required($"{at}.image");
        }
        else if (image != image.Trim())
        {
            to.InvalidText($"{at}.image", image, "must not have leading or trailing whitespace");
        }
        to.OneOf(container, "terminationMessagePolicy", at, "File", "FallbackToLogsOnError");
        Ports(container, at, to);
        Environment(container, at, to);
        to.OneOf(container, "imagePullPolicy", at, "Always", "IfNotPresent", "Never");
        Mounts(container, at, volumes, to);
        PodResourceRules.Container(container, was, pod, at, to);
        foreach (var probe in new[] { "livenessProbe", "readinessProbe", "startupProbe" })
        {
            Probe(container.Object(probe), $"{at}.{probe}", onlyOnce: probe != "readinessProbe", to);
        }
        PodFieldRules.Container(container, pod, at, to);
    }

    private static void Ports(JsonObject container, string at, Problems to)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (i, port) in container.Objects("ports"))
        {
            var path = $"{at}.ports[{i}]";
            if (port.String("name") is { Length: > 0 } name)
            {
                to.Check($"{path}.name", name, Names.PortNameProblems);
                if (!names.Add(name))
                {
                    to.Duplicate($"{path}.name", name);
                }
            }
            if (port.Number("containerPort") is not { } number || number == 0)
            {
                to.Required($"{path}.containerPort");
            }
            else
            {
                Port(number, $"{path}.containerPort", to);
            }
            if (port.Number("hostPort") is { } host && host != 0)
            {
                Port(host, $"{path}.hostPort", to);
            }
            to.OneOf(port, "protocol", path, "SCTP", "TCP", "UDP");
        }
    }

    // What the machine listens on for the pod: each port once, and in its network the container's own (checkHostPortConflicts, validateHostNetwork).
    private static void HostPorts(JsonObject? spec, string path, Problems to)
    {
        var taken = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (i, container) in spec.Objects("containers"))
        {
            foreach (var (j, port) in container.Objects("ports"))
            {
                if (port.Number("hostPort") is not { } host || host == 0)
                {
                    continue;
                }
                var at = $"{path}.containers[{i}].ports[{j}].hostPort";
                if (taken.Add($"{port.String("protocol")}/{port.String("hostIP")}/{host}") is false)
                {
                    to.Duplicate(at, $"{port.String("protocol")}/{port.String("hostIP")}/{host}");
                }
                if (spec.Bool("hostNetwork") == true && host != port.Number("containerPort"))
                {
                    to.Invalid(at, host.ToString(), "must match `containerPort` when `hostNetwork` is true");
                }
            }
        }
    }

    private static void Port(long number, string path, Problems to)
    {
        if (Names.PortNumber(number) is { } wrong)
        {
            to.Invalid(path, number.ToString(), wrong);
        }
    }

    private static void Environment(JsonObject container, string at, Problems to)
    {
        foreach (var (i, variable) in container.Objects("env"))
        {
            var path = $"{at}.env[{i}]";
            if (variable.String("name") is { Length: > 0 } name)
            {
                to.Check($"{path}.name", name, Names.EnvVarName);
            }
            else
            {
                to.Required($"{path}.name");
            }
            if (variable.Object("valueFrom") is not { } from)
            {
                continue;
            }
            var sources = from.Where(p => p.Value is not null).Select(p => p.Key).ToList();
            if (sources.Count == 0)
            {
                to.Invalid($"{path}.valueFrom", "\"\"", "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`");
            }
            else if (sources.Count > 1)
            {
                to.Invalid($"{path}.valueFrom", "\"\"", "may not have more than one field specified at a time");
            }
            if (variable.String("value").Length > 0 && sources.Count > 0)
            {
                to.Invalid($"{path}.valueFrom", "\"\"", "may not be specified when `value` is not empty");
            }
        }
        foreach (var (i, source) in container.Objects("envFrom"))
        {
            PodValueRules.Variables(source, $"{at}.envFrom[{i}]", to);
            if (source.Has("configMapRef") == source.Has("secretRef"))
            {
                to.Invalid($"{at}.envFrom", "\"\"", source.Has("secretRef")
                    ? "may not have more than one field specified at a time" : "must specify one of: `configMapRef` or `secretRef`");
            }
        }
    }

    private static void Mounts(JsonObject container, string at, HashSet<string> volumes, Problems to)
    {
        var paths = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (i, mount) in container.Objects("volumeMounts"))
        {
            var path = $"{at}.volumeMounts[{i}]";
            var name = mount.String("name");
            if (name.Length == 0)
            {
                to.Required($"{path}.name");
            }
            else if (!volumes.Contains(name))
            {
                to.NotFound($"{path}.name", name);
            }
            var mountPath = mount.String("mountPath");
            if (mountPath.Length == 0)
            {
                to.Required($"{path}.mountPath");
            }
            else if (!paths.Add(mountPath))
            {
                to.Invalid($"{path}.mountPath", $"\"{mountPath}\"", "must be unique");
            }
            if (mount.String("subPath").Length > 0 && mount.String("subPathExpr").Length > 0)
            {
                to.InvalidText($"{path}.subPathExpr", mount.String("subPathExpr"), "subPathExpr and subPath are mutually exclusive");
            }
            to.OneOf(mount, "mountPropagation", $"{at}.volumeMounts", "Bidirectional", "HostToContainer", "None");
            if (mount.String("mountPropagation") == "Bidirectional" && container.Object("securityContext").Bool("privileged") != true)
            {
                to.Forbidden($"{at}.volumeMounts.mountPropagation", "Bidirectional mount propagation is available only to privileged containers");
            }
            var sub = mount.String("subPath");
            if (sub.StartsWith('/') || sub.Split('/').Contains("..", StringComparer.Ordinal))
            {
                to.InvalidText($"{at}.volumeMounts.subPath", sub, sub[0] == '/' ? "must be a relative path" : "must not contain '..'");
            }
        }
    }

    private static void Probe(JsonObject? probe, string path, bool onlyOnce, Problems to)
    {
        if (probe is null)
        {
            return;
        }
        var handlers = s_handlers.Where(probe.Has).ToArray();
        if (handlers.Length == 0)
        {
            to.Required(path, "must specify a handler type");
        }
        else if (handlers.Length > 1)
        {
            to.Forbidden($"{path}.{handlers[1]}", "may not specify more than 1 handler type");
        }
        foreach (var field in new[] { "initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold" })
        {
            if (probe.Number(field) is < 0)
            {
                to.Invalid($"{path}.{field}", probe.Number(field).ToString()!, "must be greater than or equal to 0");
            }
        }
        if (probe.Number("terminationGracePeriodSeconds") is <= 0 and var grace)
        {
            to.Invalid($"{path}.terminationGracePeriodSeconds", grace.ToString()!, "must be greater than 0");
        }
        if (!onlyOnce && probe.Number("terminationGracePeriodSeconds") is { } given)
        {
            to.Invalid($"{path}.terminationGracePeriodSeconds", given.ToString(), "must not be set for readinessProbes");
        }
        if (onlyOnce && probe.Number("successThreshold") is > 1 or < 0)
        {
            to.Invalid($"{path}.successThreshold", probe.Number("successThreshold").ToString()!, "must be 1");
        }
        PodValueRules.Handler(probe, path, to);
    }
}
