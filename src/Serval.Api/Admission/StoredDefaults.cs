using System.Text.Json.Nodes;

namespace Serval.Api.Admission;

/// <summary>
/// Kubernetes' defaults of kinds that are stored and not acted on (kubernetes pkg/apis/{core,apps,batch,networking,storage,admissionregistration}/v1/defaults.go): a client that
/// compares what it wrote with what it reads finds what it finds in a cluster.
/// </summary>
internal static class StoredDefaults
{
    public static void Apply(ResourceKind kind, JsonObject tree)
    {
        if (kind == StoredKinds.StatefulSet)
        {
            StatefulSet(tree.Ensure("spec"));
        }
        else if (kind == StoredKinds.DaemonSet)
        {
            DaemonSet(tree.Ensure("spec"));
        }
        else if (kind == StoredKinds.CronJob)
        {
            CronJobRules.Default(tree);
        }
        else if (kind == StoredKinds.ReplicationController)
        {
            ReplicationController(tree);
        }
        else if (kind == StoredKinds.PodTemplate)
        {
            PodDefaults.Template(tree.Ensure("template"));
        }
        else if (kind == StoredKinds.PersistentVolumeClaim)
        {
            Claim(tree);
        }
        else if (kind == StoredKinds.PersistentVolume)
        {
            tree.Ensure("spec").DefaultZero("persistentVolumeReclaimPolicy", "Retain");
            tree.Ensure("spec").Default("volumeMode", "Filesystem");
            tree.Ensure("status").DefaultZero("phase", "Pending");
        }
        else if (kind == StoredKinds.StorageClass)
        {
            tree.Default("reclaimPolicy", "Delete");
            tree.Default("volumeBindingMode", "Immediate");
        }
        else if (kind == StoredKinds.CSIDriver)
        {
            Driver(tree.Ensure("spec"));
        }
        else if (kind == StoredKinds.LimitRange)
        {
            CoreDefaults.LimitRange(tree);
        }
        else if (kind == StoredKinds.NetworkPolicy)
        {
            NetworkPolicy(tree.Ensure("spec"));
        }
        else if (kind == StoredKinds.ApiService)
        {
            tree.Object("spec").Object("service")?.Default("port", 443);
        }
        else if (kind == StoredKinds.IngressClass)
        {
            tree.Object("spec").Object("parameters")?.Default("scope", "Cluster");
        }
        else
        {
            Admission(kind, tree);
        }
    }

    private static void StatefulSet(JsonObject spec)
    {
        spec.DefaultZero("podManagementPolicy", "OrderedReady");
        var strategy = spec.Ensure("updateStrategy");
        if (strategy.String("type").Length == 0)
        {
            strategy["type"] = "RollingUpdate";
            strategy.Ensure("rollingUpdate");
        }
        if (strategy.String("type") == "RollingUpdate")
        {
            strategy.Object("rollingUpdate")?.Default("partition", 0);
        }
        var retention = spec.Ensure("persistentVolumeClaimRetentionPolicy");
        retention.DefaultZero("whenDeleted", "Retain");
        retention.DefaultZero("whenScaled", "Retain");
        spec.Default("replicas", 1);
        spec.Default("revisionHistoryLimit", 10);
        PodDefaults.Template(spec.Ensure("template"));
        foreach (var (_, claim) in spec.Objects("volumeClaimTemplates"))
        {
            claim.DefaultZero("apiVersion", "v1");
            claim.DefaultZero("kind", "PersistentVolumeClaim");
            Claim(claim);
        }
    }

    private static void DaemonSet(JsonObject spec)
    {
        spec.Default("revisionHistoryLimit", 10);
        var strategy = spec.Ensure("updateStrategy");
        strategy.DefaultZero("type", "RollingUpdate");
        if (strategy.String("type") == "RollingUpdate")
        {
            var rolling = strategy.Ensure("rollingUpdate");
            rolling.Default("maxUnavailable", 1);
            rolling.Default("maxSurge", 0);
        }
        PodDefaults.Template(spec.Ensure("template"));
    }

    private static void ReplicationController(JsonObject tree)
    {
        var spec = tree.Ensure("spec");
        spec.Default("replicas", 1);
        if (spec.Object("template") is not { } template)
        {
            return;
        }
        PodDefaults.Template(template);
        if (template.Object("metadata").Object("labels") is { Count: > 0 } labels)
        {
            if (spec.Object("selector") is null or { Count: 0 })
            {
                spec["selector"] = labels.DeepClone();
            }
            if (tree.Object("metadata") is { } metadata && metadata.Object("labels") is null or { Count: 0 })
            {
                metadata["labels"] = labels.DeepClone();
            }
        }
    }

    private static void Claim(JsonObject tree)
    {
        tree.Ensure("spec").Default("volumeMode", "Filesystem");
        tree.Ensure("status").DefaultZero("phase", "Pending");
    }

    private static void Driver(JsonObject spec)
    {
        spec.Default("attachRequired", true);
        spec.Default("podInfoOnMount", false);
        spec.Default("storageCapacity", false);
        spec.Default("fsGroupPolicy", "ReadWriteOnceWithFSType");
        spec.Default("requiresRepublish", false);
        spec.Default("seLinuxMount", false);
        if (spec.Array("volumeLifecycleModes") is null or { Count: 0 })
        {
            spec["volumeLifecycleModes"] = new JsonArray("Persistent");
        }
    }

    private static void NetworkPolicy(JsonObject spec)
    {
        spec.Default("podSelector", new JsonObject());
        foreach (var direction in (ReadOnlySpan<string>)["ingress", "egress"])
        {
            foreach (var (_, rule) in spec.Objects(direction))
            {
                foreach (var (_, port) in rule.Objects("ports"))
                {
                    port.Default("protocol", "TCP");
                }
            }
        }
        if (spec.Array("policyTypes") is null or { Count: 0 })
        {
            spec["policyTypes"] = spec.Array("egress") is { Count: > 0 } ? new JsonArray("Ingress", "Egress") : new JsonArray("Ingress");
        }
    }

    private static void Admission(ResourceKind kind, JsonObject tree)
    {
        if (kind == StoredKinds.ValidatingWebhookConfiguration || kind == StoredKinds.MutatingWebhookConfiguration)
        {
            foreach (var (_, hook) in tree.Objects("webhooks"))
            {
                hook.Default("failurePolicy", "Fail");
                Match(hook);
                hook.Default("timeoutSeconds", 10);
                hook.Object("clientConfig").Object("service")?.Default("port", 443);
                Scopes(hook, "rules");
                if (kind == StoredKinds.MutatingWebhookConfiguration)
                {
                    hook.Default("reinvocationPolicy", "Never");
                }
            }
        }
        else if (kind == StoredKinds.ValidatingAdmissionPolicy)
        {
            tree.Ensure("spec").Default("failurePolicy", "Fail");
            Constraints(tree.Object("spec").Object("matchConstraints"));
        }
        else if (kind == StoredKinds.ValidatingAdmissionPolicyBinding)
        {
            Constraints(tree.Object("spec").Object("matchResources"));
        }
    }

    private static void Constraints(JsonObject? match)
    {
        if (match is not null)
        {
            Match(match);
            Scopes(match, "resourceRules");
            Scopes(match, "excludeResourceRules");
        }
    }

    private static void Match(JsonObject owner)
    {
        owner.Default("matchPolicy", "Equivalent");
        owner.Default("namespaceSelector", new JsonObject());
        owner.Default("objectSelector", new JsonObject());
    }

    private static void Scopes(JsonObject owner, string list)
    {
        foreach (var (_, rule) in owner.Objects(list))
        {
            rule.Default("scope", "*");
        }
    }
}
