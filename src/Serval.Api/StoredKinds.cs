namespace Serval.Api;

/// <summary>
/// Kinds that charts bring along: kept, listed and watched like others, so that what holds them can be applied; what is not done with them is
/// <see cref="ResourceKind.Inert"/>.
/// </summary>
public static class StoredKinds
{
    private const string Admission = "admissionregistration.k8s.io";
    private const string Networking = "networking.k8s.io";

    public static readonly ResourceKind ReplicationController = new()
    {
        Group = "", Version = "v1", Kind = "ReplicationController", Plural = "replicationcontrollers", ShortNames = ["rc"], Categories = ["all"], HasScale = true,
        Inert = "ReplicationControllers are stored, but Serval makes no pods of them: use a Deployment",
        Columns = [Integer("Desired", ".spec.replicas"), Integer("Current", ".status.replicas"), Integer("Ready", ".status.readyReplicas"), Age],
    };

    public static readonly ResourceKind LimitRange = new()
    {
        Group = "", Version = "v1", Kind = "LimitRange", Plural = "limitranges", ShortNames = ["limits"], HasStatus = false, HasGeneration = false,
        Inert = "LimitRanges are stored, but Serval does not hold pods to them",
    };

    public static readonly ResourceKind PodTemplate = new()
    {
        Group = "", Version = "v1", Kind = "PodTemplate", Plural = "podtemplates", ReturnsDeleted = true, HasStatus = false,
    };

    public static readonly ResourceKind PersistentVolume = new()
    {
        Group = "", Version = "v1", Kind = "PersistentVolume", Plural = "persistentvolumes", ReturnsDeleted = true, ShortNames = ["pv"], Namespaced = false, HasGeneration = false,
        Inert = "PersistentVolumes are stored, but Serval binds and mounts none: use hostPath",
        Columns =
        [
            Text("Capacity", ".spec.capacity.storage"), Text("Access Modes", ".spec.accessModes"), Text("Reclaim Policy", ".spec.persistentVolumeReclaimPolicy"),
            Text("Status", ".status.phase"), Text("Claim", ".spec.claimRef.name"), Text("StorageClass", ".spec.storageClassName"), Age,
        ],
    };

    public static readonly ResourceKind PersistentVolumeClaim = new()
    {
        Group = "", Version = "v1", Kind = "PersistentVolumeClaim", Plural = "persistentvolumeclaims", ReturnsDeleted = true, ShortNames = ["pvc"], HasGeneration = false,
        Inert = "PersistentVolumeClaims are stored, but Serval binds none: pods that mount one do not start",
        Columns =
        [
            Text("Status", ".status.phase"), Text("Volume", ".spec.volumeName"), Text("Capacity", ".status.capacity.storage"), Text("Access Modes", ".status.accessModes"),
            Text("StorageClass", ".spec.storageClassName"), Age,
        ],
    };

    public static readonly ResourceKind StatefulSet = new()
    {
        Group = "apps", Version = "v1", Kind = "StatefulSet", Plural = "statefulsets", ShortNames = ["sts"], Categories = ["all"], HasScale = true,
        Inert = "StatefulSets are stored, but Serval makes no pods of them",
    };

    public static readonly ResourceKind DaemonSet = new()
    {
        Group = "apps", Version = "v1", Kind = "DaemonSet", Plural = "daemonsets", ShortNames = ["ds"], Categories = ["all"],
        Inert = "DaemonSets are stored, but Serval makes no pods of them",
        Columns =
        [
            Integer("Desired", ".status.desiredNumberScheduled"), Integer("Current", ".status.currentNumberScheduled"), Integer("Ready", ".status.numberReady"),
            Integer("Up-to-date", ".status.updatedNumberScheduled"), Integer("Available", ".status.numberAvailable"), Age,
        ],
    };

    public static readonly ResourceKind CronJob = new()
    {
        Group = "batch", Version = "v1", Kind = "CronJob", Plural = "cronjobs", ShortNames = ["cj"], Categories = ["all"],
        Inert = "CronJobs are stored, but Serval starts no jobs by the clock",
        Columns =
        [
            Text("Schedule", ".spec.schedule"), Text("Timezone", ".spec.timeZone"), new("Suspend", "boolean", ".spec.suspend"),
            new("Last Schedule", "date", ".status.lastScheduleTime"), Age,
        ],
    };

    public static readonly ResourceKind Ingress = new()
    {
        Group = Networking, Version = "v1", Kind = "Ingress", Plural = "ingresses", ShortNames = ["ing"],
        Inert = "Ingresses are stored, but Serval's gateway serves Knative's Routes and DomainMappings alone",
        Columns = [Text("Class", ".spec.ingressClassName"), Text("Hosts", ".spec.rules[*].host"), Text("Address", ".status.loadBalancer.ingress[0].ip"), Age],
    };

    public static readonly ResourceKind IngressClass = new()
    {
        Group = Networking, Version = "v1", Kind = "IngressClass", Plural = "ingressclasses", Namespaced = false, HasStatus = false,
        Columns = [Text("Controller", ".spec.controller"), Text("Parameters", ".spec.parameters.name"), Age],
    };

    public static readonly ResourceKind NetworkPolicy = new()
    {
        Group = Networking, Version = "v1", Kind = "NetworkPolicy", Plural = "networkpolicies", ShortNames = ["netpol"], HasStatus = false,
        Inert = "NetworkPolicies are stored, but Serval does not enforce them: pods reach each other",
        Columns = [Text("Pod-Selector", ".spec.podSelector.matchLabels"), Age],
    };

    public static readonly ResourceKind StorageClass = new()
    {
        Group = "storage.k8s.io", Version = "v1", Kind = "StorageClass", Plural = "storageclasses", ReturnsDeleted = true, ShortNames = ["sc"], Namespaced = false, HasStatus = false, HasGeneration = false,
        Inert = "StorageClasses are stored, but Serval provisions no volumes",
        Columns =
        [
            Text("Provisioner", ".provisioner"), Text("ReclaimPolicy", ".reclaimPolicy"), Text("VolumeBindingMode", ".volumeBindingMode"),
            new("AllowVolumeExpansion", "boolean", ".allowVolumeExpansion"), Age,
        ],
    };

    public static readonly ResourceKind CSIDriver = new()
    {
        Group = "storage.k8s.io", Version = "v1", Kind = "CSIDriver", Plural = "csidrivers", ReturnsDeleted = true, Namespaced = false, HasStatus = false, HasGeneration = false,
        Inert = "CSIDrivers are stored, but Serval asks no drivers for volumes",
        Columns = [new("AttachRequired", "boolean", ".spec.attachRequired"), new("PodInfoOnMount", "boolean", ".spec.podInfoOnMount"), Text("Modes", ".spec.volumeLifecycleModes"), Age],
    };

    public static readonly ResourceKind PriorityClass = new()
    {
        Group = "scheduling.k8s.io", Version = "v1", Kind = "PriorityClass", Plural = "priorityclasses", ShortNames = ["pc"], Namespaced = false, HasStatus = false,
        Inert = "PriorityClasses give pods their numbers, but no pod makes room for another on Serval",
        Columns =
        [
            Integer("Value", ".value"), new("Global-Default", "boolean", ".globalDefault"), Age, Text("PreemptionPolicy", ".preemptionPolicy"),
        ],
    };

    public static readonly ResourceKind RuntimeClass = new()
    {
        Group = "node.k8s.io", Version = "v1", Kind = "RuntimeClass", Plural = "runtimeclasses", Namespaced = false, HasStatus = false, HasGeneration = false,
        Inert = "RuntimeClasses are stored, but Serval runs every pod in its own way",
        Columns = [Text("Handler", ".handler"), Age],
    };

    public static readonly ResourceKind MutatingWebhookConfiguration = Webhooks("MutatingWebhookConfiguration");

    public static readonly ResourceKind ValidatingWebhookConfiguration = Webhooks("ValidatingWebhookConfiguration");

    public static readonly ResourceKind ValidatingAdmissionPolicy = new()
    {
        Group = Admission, Version = "v1", Kind = "ValidatingAdmissionPolicy", Plural = "validatingadmissionpolicies", Categories = ["api-extensions"], Namespaced = false,
        Inert = "ValidatingAdmissionPolicies are stored, but Serval does not evaluate them",
        Columns = [Text("ParamKind", ".spec.paramKind.kind"), Age],
    };

    public static readonly ResourceKind ValidatingAdmissionPolicyBinding = new()
    {
        Group = Admission, Version = "v1", Kind = "ValidatingAdmissionPolicyBinding", Plural = "validatingadmissionpolicybindings", Categories = ["api-extensions"],
        Namespaced = false, HasStatus = false,
        Inert = "ValidatingAdmissionPolicyBindings are stored, but Serval does not evaluate their policies",
        Columns = [Text("PolicyName", ".spec.policyName"), Text("ParamRef", ".spec.paramRef.name"), Age],
    };

    /// <summary>Of what other API servers serve. Serval asks none: one that names a Service is not available, and says so.</summary>
    public static readonly ResourceKind ApiService = new()
    {
        Group = "apiregistration.k8s.io", Version = "v1", Kind = "APIService", Plural = "apiservices", Categories = ["api-extensions"], Namespaced = false, HasGeneration = false,
    };

    /// <summary>Every one.</summary>
    public static readonly IReadOnlyList<ResourceKind> All =
    [
        ReplicationController, LimitRange, PodTemplate, PersistentVolume, PersistentVolumeClaim, StatefulSet, DaemonSet, CronJob, Ingress, IngressClass, NetworkPolicy,
        StorageClass, CSIDriver, PriorityClass, RuntimeClass, MutatingWebhookConfiguration, ValidatingWebhookConfiguration, ValidatingAdmissionPolicy,
        ValidatingAdmissionPolicyBinding, ApiService,
    ];

    private static PrinterColumn Age => new("Age", "date", ".metadata.creationTimestamp");

    private static PrinterColumn Text(string name, string path) => new(name, "string", path);

    private static PrinterColumn Integer(string name, string path) => new(name, "integer", path);

    private static ResourceKind Webhooks(string kind) => new()
    {
        Group = Admission, Version = "v1", Kind = kind, Plural = kind.ToLowerInvariant() + "s", Categories = ["api-extensions"], Namespaced = false, HasStatus = false,
        Inert = $"{kind}s are stored, but Serval calls no admission webhooks",
    };
}
