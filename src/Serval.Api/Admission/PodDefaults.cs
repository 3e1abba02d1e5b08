using System.Text.Json.Nodes;

namespace Serval.Api.Admission;

/// <summary>Kubernetes' defaults of pods and pod templates.</summary>
internal static class PodDefaults
{
    private const int FileMode = 420; // 0644

    public static void Pod(JsonObject tree)
    {
        var spec = tree.Ensure("spec");
        Spec(spec);
        spec.Default("enableServiceLinks", true);
        if (spec.Number("terminationGracePeriodSeconds") < 0)
        {
            spec["terminationGracePeriodSeconds"] = 1;
        }
        if (spec.String("serviceAccount") is { Length: > 0 } former)
        {
            spec.DefaultZero("serviceAccountName", former);
        }
        foreach (var (_, container) in spec.Objects("containers").Concat(spec.Objects("initContainers")))
        {
            RequestsFromLimits(container.Object("resources"));
            foreach (var (_, port) in container.Objects("ports").Where(p => spec.Bool("hostNetwork") == true && p.Item.Has("containerPort")))
            {
                port.DefaultZero("hostPort", port["containerPort"]!.DeepClone()); // of pods alone, not of templates
            }
        }
    }

    public static void Template(JsonObject template) => Spec(template.Ensure("spec"));

    private static void Spec(JsonObject spec)
    {
        spec.DefaultZero("restartPolicy", "Always");
        spec.DefaultZero("dnsPolicy", "ClusterFirst");
        spec.Default("terminationGracePeriodSeconds", 30);
        spec.DefaultZero("schedulerName", "default-scheduler");
        spec.Default("securityContext", new JsonObject());
        foreach (var (_, container) in spec.Objects("containers").Concat(spec.Objects("initContainers")))
        {
            Container(container);
        }
        foreach (var (_, container) in spec.Objects("ephemeralContainers"))
        {
            Container(container);
        }
        foreach (var (_, volume) in spec.Objects("volumes"))
        {
            Volume(volume);
        }
    }

    private static void Container(JsonObject container)
    {
        container.DefaultZero("terminationMessagePath", "/dev/termination-log");
        container.DefaultZero("terminationMessagePolicy", "File");
        container.DefaultZero("imagePullPolicy", ImageReference.IsLatest(container.String("image")) ? "Always" : "IfNotPresent");
        container.Default("resources", new JsonObject());
        foreach (var (_, port) in container.Objects("ports"))
        {
            port.DefaultZero("protocol", "TCP");
        }
        foreach (var (_, variable) in container.Objects("env"))
        {
            variable.Object("valueFrom").Object("fieldRef")?.DefaultZero("apiVersion", "v1");
            variable.Object("valueFrom").Object("resourceFieldRef")?.Default("divisor", "0");
        }
        foreach (var hook in (string[])["postStart", "preStop"])
        {
            Http(container.Object("lifecycle").Object(hook));
        }
        foreach (var name in new[] { "livenessProbe", "readinessProbe", "startupProbe" })
        {
            if (container.Object(name) is { } probe)
            {
                Probe(probe);
            }
        }
    }

    private static void Probe(JsonObject probe)
    {
        probe.DefaultZero("timeoutSeconds", 1);
        probe.DefaultZero("periodSeconds", 10);
        probe.DefaultZero("successThreshold", 1);
        probe.DefaultZero("failureThreshold", 3);
        probe.Object("grpc")?.Default("service", "");
        Http(probe);
    }

    private static void Http(JsonObject? handler)
    {
        handler.Object("httpGet")?.DefaultZero("path", "/");
        handler.Object("httpGet")?.DefaultZero("scheme", "HTTP");
    }

    private static void Volume(JsonObject volume)
    {
        if (volume.All(p => p.Key == "name" || p.Value is null))
        {
            volume["emptyDir"] = new JsonObject();
        }
        volume.Object("secret")?.Default("defaultMode", FileMode);
        volume.Object("configMap")?.Default("defaultMode", FileMode);
        volume.Object("downwardAPI")?.Default("defaultMode", FileMode);
        volume.Object("hostPath")?.Default("type", "");
        if (volume.Object("projected") is { } projected)
        {
            projected.Default("defaultMode", FileMode);
            foreach (var (_, source) in projected.Objects("sources"))
            {
                source.Object("serviceAccountToken")?.Default("expirationSeconds", 3600);
            }
        }
    }

    private static void RequestsFromLimits(JsonObject? resources)
    {
        if (resources.Object("limits") is not { } limits)
        {
            return;
        }
        foreach (var (name, limit) in limits)
        {
            if (limit is not null)
            {
                resources!.Ensure("requests").Default(name, limit.DeepClone());
            }
        }
    }
}
