using System.Globalization;
using System.Text.Json.Nodes;
using Serval.Api.Config;
using Serval.Api.Core;
using Serval.Api.Serving;

namespace Serval.Api.Admission;

/// <summary>Defaults of a RevisionSpec.</summary>
internal static class RevisionDefaults
{
    private const int FirstUnprivilegedPort = 1024;

    /// <param name="spec">The RevisionSpec.</param>
    /// <param name="parent">Metadata of the Service or Configuration, for the container name's template.</param>
    /// <param name="ctx">The configuration in force.</param>
    public static void Apply(JsonObject spec, JsonObject? parent, AdmissionContext ctx)
    {
        var defaults = ctx.Config.Defaults;
        Timeouts(spec, defaults);
        spec.Default("containerConcurrency", defaults.ContainerConcurrency);
        if (!ctx.IsUpdate && defaults.EnableServiceLinks is { } links)
        {
            spec.Default("enableServiceLinks", links);
        }
        Names(spec, defaults, parent);
        var single = (spec.Array("containers")?.Count ?? 0) == 1;
        var writable = spec.Objects("volumes")
            .Where(v => v.Item.Has("emptyDir") || v.Item.Has("persistentVolumeClaim") || v.Item.Has("ephemeral"))
            .Select(v => v.Item.String("name")).ToHashSet(StringComparer.Ordinal);
        foreach (var (_, container) in spec.Objects("containers"))
        {
            Container(container, single, writable, defaults);
            SecurityContext(container, spec.Object("securityContext"), ctx.Config.Features.SecurePodDefaults);
        }
        foreach (var (_, container) in spec.Objects("initContainers"))
        {
            SecurityContext(container, spec.Object("securityContext"), ctx.Config.Features.SecurePodDefaults);
        }
    }

    private static void Timeouts(JsonObject spec, DefaultsConfig defaults)
    {
        spec.DefaultZero("timeoutSeconds", defaults.RevisionTimeoutSeconds);
        var timeout = spec.Number("timeoutSeconds") ?? defaults.RevisionTimeoutSeconds;
        // A default that is not below the revision's own timeout would never be reached: it is left out.
        if (defaults.RevisionIdleTimeoutSeconds != 0 && defaults.RevisionIdleTimeoutSeconds < timeout)
        {
            spec.Default("idleTimeoutSeconds", defaults.RevisionIdleTimeoutSeconds);
        }
        if (defaults.RevisionResponseStartTimeoutSeconds != 0 && defaults.RevisionResponseStartTimeoutSeconds < timeout)
        {
            spec.Default("responseStartTimeoutSeconds", defaults.RevisionResponseStartTimeoutSeconds);
        }
    }

    private static void Names(JsonObject spec, DefaultsConfig defaults, JsonObject? parent)
    {
        var values = new TemplateValues
        {
            Name = parent.String("name"),
            Namespace = parent.String("namespace"),
            GenerateName = parent.String("generateName"),
            Labels = parent.Texts("labels"),
            Annotations = parent.Texts("annotations"),
        };
        var taken = spec.Objects("containers").Concat(spec.Objects("initContainers")).Select(c => c.Item.String("name")).ToHashSet(StringComparer.Ordinal);
        NameEach(spec, "containers", defaults.ContainerNameTemplate.Render(values), taken);
        NameEach(spec, "initContainers", defaults.InitContainerNameTemplate.Render(values), taken);
    }

    private static void NameEach(JsonObject spec, string list, string name, HashSet<string> taken)
    {
        var several = (spec.Array(list)?.Count ?? 0) > 1;
        var suffix = 0;
        foreach (var (_, container) in spec.Objects(list))
        {
            if (container.String("name").Length > 0)
            {
                continue;
            }
            var candidate = name;
            while (candidate.Length > 0 && (several || taken.Contains(name)) && (candidate == name || taken.Contains(candidate)))
            {
                candidate = ChildNames.Of(name, "-" + suffix.ToString(CultureInfo.InvariantCulture));
                suffix++;
            }
            container["name"] = candidate;
        }
    }

    private static void Container(JsonObject container, bool single, HashSet<string> writable, DefaultsConfig defaults)
    {
        var resources = container.Ensure("resources");
        Amount(resources, "requests", "cpu", defaults.RevisionCpuRequest);
        Amount(resources, "requests", "memory", defaults.RevisionMemoryRequest);
        Amount(resources, "requests", "ephemeral-storage", defaults.RevisionEphemeralStorageRequest);
        Amount(resources, "limits", "cpu", defaults.RevisionCpuLimit);
        Amount(resources, "limits", "memory", defaults.RevisionMemoryLimit);
        Amount(resources, "limits", "ephemeral-storage", defaults.RevisionEphemeralStorageLimit);
        foreach (var (_, port) in container.Objects("ports"))
        {
            port.DefaultZero("protocol", "TCP");
        }
        Probes(container, single || container.Array("ports") is { Count: > 0 });
        foreach (var (_, mount) in container.Objects("volumeMounts"))
        {
            if (!writable.Contains(mount.String("name")))
            {
                mount["readOnly"] = true;
            }
        }
    }

    private static void Amount(JsonObject resources, string list, string name, Quantity? amount)
    {
        if (amount is { } value)
        {
            resources.Ensure(list).Default(name, value.ToString());
        }
    }

    private static void Probes(JsonObject container, bool serving)
    {
        if (serving)
        {
            var probe = container.Ensure("readinessProbe");
            if (!probe.Has("tcpSocket") && !probe.Has("httpGet") && !probe.Has("exec") && !probe.Has("grpc"))
            {
                probe["tcpSocket"] = new JsonObject { ["port"] = 0 };
            }
        }
        if (container.Object("readinessProbe") is { } readiness)
        {
            readiness.DefaultZero("successThreshold", 1);
            // Without a period it is Knative's own probe: tried again and again until the instance answers.
            if (readiness.Number("periodSeconds") is { } period && period != 0)
            {
                readiness.DefaultZero("failureThreshold", 3);
                readiness.DefaultZero("timeoutSeconds", 1);
            }
        }
        foreach (var name in new[] { "readinessProbe", "livenessProbe", "startupProbe" })
        {
            container.Object(name).Object("grpc")?.Default("service", "");
        }
    }

    private static void SecurityContext(JsonObject container, JsonObject? pod, FeatureFlag flag)
    {
        if (flag is not (FeatureFlag.Enabled or FeatureFlag.AllowRootBounded))
        {
            return;
        }
        var context = container.Ensure("securityContext");
        context.Default("allowPrivilegeEscalation", false);
        if (pod.Object("seccompProfile").String("type").Length == 0)
        {
            context.Ensure("seccompProfile").DefaultZero("type", "RuntimeDefault");
        }
        if (!context.Has("capabilities"))
        {
            var capabilities = new JsonObject { ["drop"] = new JsonArray("ALL") };
            if (container.Objects("ports").Any(p => p.Item.Number("containerPort") < FirstUnprivilegedPort))
            {
                capabilities["add"] = new JsonArray("NET_BIND_SERVICE");
            }
            context["capabilities"] = capabilities;
        }
        if (flag == FeatureFlag.Enabled && !pod.Has("runAsNonRoot"))
        {
            context.Default("runAsNonRoot", true);
        }
    }
}
