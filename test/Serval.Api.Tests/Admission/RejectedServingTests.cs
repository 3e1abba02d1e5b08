using Serval.Api.Admission;
using Serval.Api.Config;

namespace Serval.Api.Tests.Admission;

/// <summary>Specs Knative's webhook refuses, with its message and path.</summary>
public sealed class RejectedServingTests
{
    private const string Good = """
        {"apiVersion":"serving.knative.dev/v1","kind":"Service","metadata":{"name":"hello","namespace":"default"},
         "spec":{"template":{"spec":{"containers":[{"image":"busybox"}]}}}}
        """;

    private const string Spec = "spec.template.spec";
    private const string Main = Spec + ".containers[0]";
    private const string Notes = "spec.template.metadata.annotations";
    private const string Gated = "\nset kubernetes.podspec-";

    private static readonly string s_a64 = new('a', 64);

    public static TheoryData<string, string> PodFields => new()
    {
        { $"{Spec}.affinity = {{}}", $"must not set the field(s): {Spec}.affinity" },
        { $"{Spec}.topologySpreadConstraints = [{{}}]", $"must not set the field(s): {Spec}.topologySpreadConstraints" },
        { $"{Spec}.hostAliases = [{{}}]", $"must not set the field(s): {Spec}.hostAliases" },
        { $"{Spec}.nodeSelector = {{\"a\":\"b\"}}", $"must not set the field(s): {Spec}.nodeSelector{Gated}nodeselector" },
        { $"{Spec}.runtimeClassName = \"kata\"", $"must not set the field(s): {Spec}.runtimeClassName" },
        { $"{Spec}.tolerations = [{{}}]", $"must not set the field(s): {Spec}.tolerations" },
        { $"{Spec}.securityContext = {{\"runAsUser\":1}}", $"must not set the field(s): {Spec}.securityContext" },
        { $"{Spec}.shareProcessNamespace = false", $"must not set the field(s): {Spec}.shareProcessNamespace" },
        { $"{Spec}.priorityClassName = \"high\"", $"must not set the field(s): {Spec}.priorityClassName" },
        { $"{Spec}.schedulerName = \"mine\"", $"must not set the field(s): {Spec}.schedulerName" },
        { $"{Spec}.dnsPolicy = \"Default\"", $"must not set the field(s): {Spec}.dnsPolicy" },
        { $"{Spec}.dnsConfig = {{}}", $"must not set the field(s): {Spec}.dnsConfig" },
        { $"{Spec}.hostIPC = true", $"must not set the field(s): {Spec}.hostIPC" },
        { $"{Spec}.hostPID = true", $"must not set the field(s): {Spec}.hostPID" },
        { $"{Spec}.hostNetwork = true", $"must not set the field(s): {Spec}.hostNetwork" },
        { $"{Spec}.restartPolicy = \"Always\"", $"must not set the field(s): {Spec}.restartPolicy" },
        { $"{Spec}.terminationGracePeriodSeconds = 0", $"must not set the field(s): {Spec}.terminationGracePeriodSeconds" },
        { $"{Spec}.activeDeadlineSeconds = 5", $"must not set the field(s): {Spec}.activeDeadlineSeconds" },
        { $"{Spec}.nodeName = \"n1\"", $"must not set the field(s): {Spec}.nodeName" },
        { $"{Spec}.hostname = \"h\"", $"must not set the field(s): {Spec}.hostname" },
        { $"{Spec}.subdomain = \"s\"", $"must not set the field(s): {Spec}.subdomain" },
        { $"{Spec}.priority = 0", $"must not set the field(s): {Spec}.priority" },
        { $"{Spec}.readinessGates = [{{}}]", $"must not set the field(s): {Spec}.readinessGates" },
        { $"{Spec}.automountServiceAccountToken = true", $"must not set the field(s): {Spec}.automountServiceAccountToken" },
        { $"{Spec}.serviceAccountName = \"Bad_Name\"", $"invalid value: Bad_Name: {Spec}.serviceAccountName" },
        { $"{Spec}.containers = []", $"missing field(s): {Spec}.containers" },
        { $"{Spec}.initContainers = [{{\"image\":\"a\"}}]", "pod spec support for init-containers is off, but found 1 init containers" },
        { $"{Spec}.timeoutSeconds = 601", $"expected 0 <= 601 <= 600: {Spec}.timeoutSeconds" },
        { $"{Spec}.timeoutSeconds = -1", $"expected 0 <= -1 <= 600: {Spec}.timeoutSeconds" },
        { $"{Spec}.idleTimeoutSeconds = -1", $"expected 0 <= -1 <= 600: {Spec}.idleTimeoutSeconds" },
        { $"{Spec}.containerConcurrency = -1", $"expected 0 <= -1 <= 1000: {Spec}.containerConcurrency" },
        { $"{Spec}.containerConcurrency = 1001", $"expected 0 <= 1001 <= 1000: {Spec}.containerConcurrency" },
    };

    public static TheoryData<string, string> ContainerFields => new()
    {
        { $"{Main} = {{}}", $"missing field(s): {Main}" },
        { $"{Main} = {{\"args\":[\"x\"]}}", $"missing field(s): {Main}.image" },
        { $"{Main}.image = -", $"missing field(s): {Main}" },
        { $"{Main}.env[0] = {{\"name\":\"A\",\"valueFrom\":{{\"fileKeyRef\":{{}}}}}}", $"must not set the field(s): {Main}.env[0].valueFrom.fileKeyRef" },
        { $"{Main}.securityContext.windowsOptions = {{}}", $"must not set the field(s): {Main}.securityContext.windowsOptions" },
        { $"{Main}.image = \"\"", $"missing field(s): {Main}.image" },
        { $"{Main}.image = \"Foo Bar\"", $"Failed to parse image reference: {Main}.image\nimage: \"Foo Bar\"" },
        { $"{Main}.image = \"foo:\"", $"Failed to parse image reference: {Main}.image" },
        { $"{Main}.image = \"foo@sha256:abc\"", $"Failed to parse image reference: {Main}.image" },
        { $"{Main}.image = \"foo@md5:abc\"", $"Failed to parse image reference: {Main}.image" },
        { $"{Main}.image = \"a//b\"", $"Failed to parse image reference: {Main}.image" },
        { $"{Main}.name = \"queue-proxy\"", $"\"queue-proxy\" is a reserved container name: {Main}.name" },
        { $"{Main}.name = \"Bad_Name\"", $"invalid value: Bad_Name: {Main}.name" },
        { $"{Main}.lifecycle = {{}}", $"must not set the field(s): {Main}.lifecycle" },
        { $"{Main}.stdin = true", $"must not set the field(s): {Main}.stdin" },
        { $"{Main}.stdinOnce = true", $"must not set the field(s): {Main}.stdinOnce" },
        { $"{Main}.tty = true", $"must not set the field(s): {Main}.tty" },
        { $"{Main}.volumeDevices = [{{}}]", $"must not set the field(s): {Main}.volumeDevices" },
        { $"{Main}.restartPolicy = \"Always\"", $"must not set the field(s): {Main}.restartPolicy" },
        { $"{Main}.terminationMessagePolicy = \"Wat\"", $"invalid value: Wat: {Main}.terminationMessagePolicy" },
        { $"{Main}.imagePullPolicy = \"Sometimes\"", $"invalid value: Sometimes: {Main}.imagePullPolicy" },
        { $"{Main}.env[0] = {{\"value\":\"x\"}}", $"missing field(s): {Main}.env[0].name" },
        { $"{Main}.env[0] = {{\"name\":\"PORT\",\"value\":\"1\"}}", $"\"PORT\" is a reserved environment variable: {Main}.env[0].name" },
        { $"{Main}.env[0] = {{\"name\":\"K_SERVICE\"}}", $"\"K_SERVICE\" is a reserved environment variable: {Main}.env[0].name" },
        { $"{Main}.env[0] = {{\"name\":\"K_CONFIGURATION\"}}", $"\"K_CONFIGURATION\" is a reserved environment variable: {Main}.env[0].name" },
        { $"{Main}.env[0] = {{\"name\":\"K_REVISION\"}}", $"\"K_REVISION\" is a reserved environment variable: {Main}.env[0].name" },
        { $"{Main}.env[0] = {{\"name\":\"A=B\"}}", $"invalid value: A=B: {Main}.env[0].name" },
        { $"{Main}.env[0] = {{\"name\":\"A\",\"valueFrom\":{{\"fieldRef\":{{}}}}}}", $"must not set the field(s): {Main}.env[0].valueFrom.fieldRef" },
        { $"{Main}.env[0] = {{\"name\":\"A\",\"valueFrom\":{{\"resourceFieldRef\":{{}}}}}}", $"must not set the field(s): {Main}.env[0].valueFrom.resourceFieldRef" },
        { $"{Main}.envFrom[0] = {{}}", $"expected exactly one, got neither: {Main}.envFrom[0].configMapRef, {Main}.envFrom[0].secretRef" },
        { $"{Main}.envFrom[0] = {{\"configMapRef\":{{}},\"secretRef\":{{}}}}", $"expected exactly one, got both: {Main}.envFrom[0].configMapRef, {Main}.envFrom[0].secretRef" },
        { $"{Main}.resources.claims = [{{}}]", $"must not set the field(s): {Main}.resources.claims" },
        { $"{Main}.resources.limits.cpu = \"lots\"", $"invalid value: lots: {Main}.resources.limits.cpu" },
        { $"{Main}.resources = {{\"requests\":{{\"memory\":\"2Gi\"}},\"limits\":{{\"memory\":\"1Gi\"}}}}", $"invalid value: 2Gi: {Main}.resources.requests.memory" },
        { $"{Main}.securityContext.privileged = true", $"must not set the field(s): {Main}.securityContext.privileged" },
        { $"{Main}.securityContext.procMount = \"x\"", $"must not set the field(s): {Main}.securityContext.procMount" },
        { $"{Main}.securityContext.seLinuxOptions = {{}}", $"must not set the field(s): {Main}.securityContext.seLinuxOptions" },
        { $"{Main}.securityContext.capabilities.add = [\"NET_ADMIN\"]", $"must not set the field(s): {Main}.securityContext.capabilities.add" },
        { $"{Main}.securityContext.runAsUser = -10", $"expected 0 <= -10 <= 2147483647: {Main}.securityContext.runAsUser" },
        { $"{Main}.securityContext.runAsGroup = -1", $"expected 0 <= -1 <= 2147483647: {Main}.securityContext.runAsGroup" },
    };

    public static TheoryData<string, string> PortsAndProbes => new()
    {
        { $"{Main}.ports[0] = {{\"containerPort\":8012}}", $"invalid value: 8012 is a reserved port: {Main}.ports[0].containerPort" },
        { $"{Main}.ports[0] = {{\"containerPort\":9090}}", $"invalid value: 9090 is a reserved port: {Main}.ports[0].containerPort" },
        { $"{Main}.ports[0] = {{\"containerPort\":65536}}", $"expected 0 <= 65536 <= 65535: {Main}.ports[0].containerPort" },
        { $"{Main}.ports[0] = {{\"containerPort\":-1}}", $"expected 0 <= -1 <= 65535: {Main}.ports[0].containerPort" },
        { $"{Main}.ports[0] = {{\"containerPort\":80,\"protocol\":\"UDP\"}}", $"invalid value: UDP: {Main}.ports[0].protocol" },
        { $"{Main}.ports[0] = {{\"containerPort\":80,\"name\":\"http\"}}", $"Port name http is not allowed: {Main}.ports[0].name\nName must be empty, or one of: 'h2c', 'http1'" },
        { $"{Main}.ports[0] = {{\"containerPort\":80,\"hostPort\":80}}", $"must not set the field(s): {Main}.ports[0].hostPort" },
        { $"{Main}.ports[0] = {{\"containerPort\":80,\"hostIP\":\"1.2.3.4\"}}", $"must not set the field(s): {Main}.ports[0].hostIP" },
        { $"{Main}.ports = [{{\"containerPort\":80}},{{\"containerPort\":81}}]", $"more than one container port is set: {Spec}.containers[*].ports" },
        { $"{Spec}.containers[1] = {{\"image\":\"b\"}}", $"missing field(s): {Spec}.containers[*].ports" },
        { $"{Main}.ports[0] = {{\"containerPort\":80}}\n{Spec}.containers[1] = {{\"image\":\"b\",\"ports\":[{{\"containerPort\":81}}]}}", "more than one container port is set" },
        { $"{Main}.ports[0] = {{\"containerPort\":80}}\n{Main}.name = \"a\"\n{Spec}.containers[1] = {{\"image\":\"b\",\"name\":\"a\"}}", $"duplicate container name \"a\": {Spec}.containers[1].name" },
        { $"{Main}.ports[0] = {{\"containerPort\":80}}\n{Spec}.containers[1] = {{\"image\":\"b\",\"livenessProbe\":{{}}}}", $"must not set the field(s): {Spec}.containers[1].livenessProbe" },
        { $"{Main}.livenessProbe = {{}}", $"expected exactly one, got neither: {Main}.livenessProbe.exec" },
        { $"{Main}.livenessProbe = {{\"exec\":{{}},\"httpGet\":{{}}}}", $"expected exactly one, got both: {Main}.livenessProbe.exec, {Main}.livenessProbe.httpGet" },
        { $"{Main}.startupProbe = {{}}", "expected exactly one, got neither" },
        { $"{Main}.readinessProbe = {{\"httpGet\":{{\"port\":\"metrics\"}}}}", $"invalid value: metrics: {Main}.readinessProbe.httpGet.port\nProbe port must match container port" },
        { $"{Main}.livenessProbe = {{\"tcpSocket\":{{\"port\":\"x\"}}}}", $"invalid value: x: {Main}.livenessProbe.tcpSocket.port" },
        { $"{Main}.readinessProbe.periodSeconds = -1", $"expected 0 <= -1 <= 2147483647: {Main}.readinessProbe.periodSeconds" },
        { $"{Main}.readinessProbe.initialDelaySeconds = -1", $"expected 0 <= -1 <= 2147483647: {Main}.readinessProbe.initialDelaySeconds" },
        { $"{Main}.readinessProbe.successThreshold = -1", $"expected 1 <= -1 <= 2147483647: {Main}.readinessProbe.successThreshold" },
        { $"{Main}.readinessProbe.failureThreshold = 2", $"failureThreshold is disallowed when periodSeconds is zero: {Main}.readinessProbe.failureThreshold" },
        { $"{Main}.readinessProbe.timeoutSeconds = 2", $"timeoutSeconds is disallowed when periodSeconds is zero: {Main}.readinessProbe.timeoutSeconds" },
        { $"{Main}.readinessProbe = {{\"periodSeconds\":1,\"timeoutSeconds\":-1}}", $"expected 1 <= -1 <= 2147483647: {Main}.readinessProbe.timeoutSeconds" },
        { $"{Main}.readinessProbe = {{\"periodSeconds\":1,\"failureThreshold\":-1}}", $"expected 1 <= -1 <= 2147483647: {Main}.readinessProbe.failureThreshold" },
    };

    public static TheoryData<string, string> Volumes => new()
    {
        { Volume("""{"name":"v","secret":{"secretName":"s"}}""", mount: null), $"volume with name \"v\" not mounted: {Spec}.volumes[0].name" },
        { Volume("""{"secret":{"secretName":"s"}}"""), $"missing field(s): {Spec}.volumes[0].name" },
        { Volume("""{"name":"V_","secret":{}}""", "V_"), $"invalid value: V_: {Spec}.volumes[0].name" },
        { Volume("""{"name":"v"}"""), $"expected exactly one, got neither: {Spec}.volumes[0].configMap" },
        { Volume("""{"name":"v","secret":{},"configMap":{}}"""), $"expected exactly one, got both: {Spec}.volumes[0].configMap, {Spec}.volumes[0].secret" },
        { Volume("""{"name":"v","hostPath":{"path":"/"}}"""), $"HostPath volume support is disabled, but found HostPath volume v: {Spec}.volumes[0].hostPath" },
        { Volume("""{"name":"v","csi":{}}"""), "CSI volume support is disabled" },
        { Volume("""{"name":"v","ephemeral":{}}"""), "Ephemeral volume support is disabled" },
        { Volume("""{"name":"v","image":{"reference":"x"}}"""), "Image volume support is disabled" },
        { Volume("""{"name":"v","persistentVolumeClaim":{"claimName":"c"}}"""), "Persistent volume claim support is disabled" },
        { Volume("""{"name":"v","persistentVolumeClaim":{"claimName":"c"}}"""), "Persistent volume write support is disabled" },
        { Volume("""{"name":"v","nfs":{"server":"s"}}"""), $"must not set the field(s): {Spec}.volumes[0].nfs" },
        { Volume("""{"name":"v","emptyDir":{"medium":"Disk"}}"""), $"invalid value: Disk: {Spec}.volumes[0].emptyDir.medium" },
        { Volume("""{"name":"v","emptyDir":{"sizeLimit":"-1"}}"""), $"invalid value: -1: {Spec}.volumes[0].emptyDir.sizeLimit" },
        { Volume("""{"name":"v","secret":{"items":[{"path":"p"}]}}"""), $"missing field(s): {Spec}.volumes[0].secret.items[0].key" },
        { Volume("""{"name":"v","configMap":{"items":[{"key":"k"}]}}"""), $"missing field(s): {Spec}.volumes[0].configMap.items[0].path" },
        { Volume("""{"name":"v","projected":{"sources":[{}]}}"""), $"expected exactly one, got neither: {Spec}.volumes[0].projected.sources[0].configMap" },
        { Volume("""{"name":"v","projected":{"sources":[{"secret":{"name":"s"},"configMap":{"name":"c"}}]}}"""), $"expected exactly one, got both: {Spec}.volumes[0].projected.sources[0].configMap" },
        { Volume("""{"name":"v","projected":{"sources":[{"configMap":{}}]}}"""), $"missing field(s): {Spec}.volumes[0].projected.sources[0].configMap.name" },
        { Volume("""{"name":"v","projected":{"sources":[{"secret":{"name":"s","items":[{"key":"k"}]}}]}}"""), $"missing field(s): {Spec}.volumes[0].projected.sources[0].secret.items[0].path" },
        { Volume("""{"name":"v","projected":{"sources":[{"downwardAPI":{"items":[{"fieldRef":{"fieldPath":"x"}}]}}]}}"""), $"missing field(s): {Spec}.volumes[0].projected.sources[0].downwardAPI.items[0].path" },
        { Volume("""{"name":"v","projected":{"sources":[{"downwardAPI":{"items":[{"path":"p","fieldRef":{"fieldPath":"x"},"resourceFieldRef":{"resource":"limits.cpu"}}]}}]}}"""), "Within a single item, cannot set both" },
        { Volume("""{"name":"v","projected":{"sources":[{"secret":{}}]}}"""), $"missing field(s): {Spec}.volumes[0].projected.sources[0].secret.name" },
        { Volume("""{"name":"v","projected":{"sources":[{"serviceAccountToken":{}}]}}"""), $"missing field(s): {Spec}.volumes[0].projected.sources[0].serviceAccountToken.path" },
        { Volume("""{"name":"v","projected":{"sources":[{"downwardAPI":{"items":[{"path":"p"}]}}]}}"""), "expected exactly one, got neither" },
        { Volume("""{"name":"v","emptyDir":{}}""") + $"\n{Spec}.volumes[1] = {{\"name\":\"v\",\"emptyDir\":{{}}}}", $"duplicate volume name \"v\": {Spec}.volumes[1].name" },
        { $"{Main}.volumeMounts[0] = {{\"name\":\"x\",\"mountPath\":\"/x\"}}", $"volumeMount has no matching volume: {Main}.volumeMounts[0].name" },
        { Volume("""{"name":"v","emptyDir":{}}""") + $"\n{Main}.volumeMounts[0].mountPath = -", $"missing field(s): {Main}.volumeMounts[0].mountPath" },
        { Volume("""{"name":"v","emptyDir":{}}""") + $"\n{Main}.volumeMounts[0].mountPath = \"/dev/\"", $"mountPath \"/dev\" is a reserved path: {Main}.volumeMounts[0].mountPath" },
        { Volume("""{"name":"v","emptyDir":{}}""") + $"\n{Main}.volumeMounts[0].mountPath = \"/a/..\"", "mountPath \"/\" is a reserved path" },
        { Volume("""{"name":"v","emptyDir":{}}""") + $"\n{Main}.volumeMounts[0].mountPath = \"rel\"", $"invalid value: rel: {Main}.volumeMounts[0].mountPath" },
        { Volume("""{"name":"v","emptyDir":{}}""") + $"\n{Main}.volumeMounts[1] = {{\"name\":\"v\",\"mountPath\":\"/v/\"}}", $"invalid value: \"/v/\" must be unique: {Main}.volumeMounts[1].mountPath" },
        { Volume("""{"name":"v","emptyDir":{}}""") + $"\n{Main}.volumeMounts[0].mountPropagation = \"None\"", "Volume Mount Propagation support is disabled" },
        { Volume("""{"name":"v","emptyDir":{}}""") + $"\n{Main}.volumeMounts[0].mountPropagation = \"Bidirectional\"", "mount propagation should be set to None or HostToContainer" },
        { Volume("""{"name":"v","emptyDir":{}}""") + $"\n{Main}.volumeMounts[0].recursiveReadOnly = \"Enabled\"", $"must not set the field(s): {Main}.volumeMounts[0].recursiveReadOnly" },
    };

    public static TheoryData<string, string> Annotations => new()
    {
        { Note("class", "foo.knative.dev"), $"invalid value: foo.knative.dev: {Notes}.autoscaling.knative.dev/class" },
        { Note("metric", "cpu"), $"invalid value: cpu: {Notes}.autoscaling.knative.dev/metric" },
        { Note("metric", "memory") + "\n" + Note("class", "kpa.autoscaling.knative.dev"), $"invalid value: memory: {Notes}.autoscaling.knative.dev/metric" },
        { Note("min-scale", "x"), $"invalid value: x: {Notes}.autoscaling.knative.dev/min-scale" },
        { Note("min-scale", "-1"), $"expected 0 <= -1 <= 2147483647: {Notes}.autoscaling.knative.dev/min-scale" },
        { Note("minScale", "-1"), $"expected 0 <= -1 <= 2147483647: {Notes}.autoscaling.knative.dev/minScale" },
        { Note("max-scale", "99999999999"), $"expected 0 <= 99999999999 <= 2147483647: {Notes}.autoscaling.knative.dev/max-scale" },
        { Note("min-scale", "5") + "\n" + Note("max-scale", "2"), $"max-scale=2 is less than min-scale=5: {Notes}.autoscaling.knative.dev/max-scale, {Notes}.autoscaling.knative.dev/min-scale" },
        { Note("activation-scale", "1"), $"activation-scale=1 must be greater than 1: {Notes}.autoscaling.knative.dev/activation-scale" },
        { Note("activation-scale", "2") + "\n" + Note("min-scale", "3"), "min-scale=3 is greater than activation-scale=2" },
        { Note("activation-scale", "5") + "\n" + Note("max-scale", "3"), "max-scale=3 is less than activation-scale=5" },
        { Note("initial-scale", "0"), $"invalid value: 0: {Notes}.autoscaling.knative.dev/initial-scale=0 not allowed by cluster" },
        { Note("initial-scale", "-1"), "autoscaling.knative.dev/initial-scale must be greater than 0" },
        { Note("initial-scale", "one"), $"invalid value: one: {Notes}.autoscaling.knative.dev/initial-scale" },
        { Note("target", "0"), $"target 0 should be at least 0.01: {Notes}.autoscaling.knative.dev/target" },
        { Note("target", "many"), $"invalid value: many: {Notes}.autoscaling.knative.dev/target" },
        { Note("target-utilization-percentage", "101"), "expected 1 <= 101 <= 100" },
        { Note("target-burst-capacity", "-2"), $"invalid value: -2: {Notes}.autoscaling.knative.dev/target-burst-capacity" },
        { Note("window", "5s"), $"expected 6s <= 5s <= 1h0m0s: {Notes}.autoscaling.knative.dev/window" },
        { Note("window", "2h"), "expected 6s <= 2h <= 1h0m0s" },
        { Note("window", "6500ms"), $"must be specified with at most second precision: {Notes}.autoscaling.knative.dev/window" },
        { Note("window", "60"), $"invalid value: 60: {Notes}.autoscaling.knative.dev/window" },
        { Note("panic-window-percentage", "0.5"), "expected 1 <= 0.5 <= 100" },
        { Note("panic-threshold-percentage", "100"), "expected 110 <= 100 <= 1000" },
        { Note("scale-down-delay", "2h"), "expected 0s <= 2h <= 1h0m0s" },
        { Note("scale-down-delay", "1500ms"), "must be specified with at most second precision" },
        { Note("scale-to-zero-pod-retention-period", "-1s"), "expected 0s <= -1s <= 1h0m0s" },
        { Note("class", "kpa.autoscaling.knative.dev") + "\n" + Note("metric-aggregation-algorithm", "mean"), "invalid value: mean" },
        { $"{Notes}['networking.knative.dev/nope'] = \"x\"", $"invalid key name \"networking.knative.dev/nope\": {Notes}" },
        { $"{Notes}['serving.knative.dev/progress-deadline'] = \"soon\"", $"invalid value: soon: {Notes}.serving.knative.dev/progress-deadline" },
        { $"{Notes}['serving.knative.dev/progress-deadline'] = \"-1s\"", "progress-deadline=-1s must be positive" },
        { $"{Notes}['serving.knative.dev/progress-deadline'] = \"1500ms\"", "progress-deadline=1500ms is not at second precision" },
        { $"{Notes}['queue.sidecar.serving.knative.dev/cpu-resource-request'] = \"x\"", "invalid value: x" },
        { $"{Notes}['queue.sidecar.serving.knative.dev/cpu-resource-limit'] = \"x\"", $"invalid value: x: {Notes}[queue.sidecar.serving.knative.dev/cpu-resource-limit]" },
        { $"{Notes}['queue.sidecar.serving.knative.dev/memory-resource-request'] = \"x\"", $"invalid value: x: {Notes}[queue.sidecar.serving.knative.dev/memory-resource-request]" },
        { $"{Notes}['queue.sidecar.serving.knative.dev/memory-resource-limit'] = \"x\"", $"invalid value: x: {Notes}[queue.sidecar.serving.knative.dev/memory-resource-limit]" },
        { $"{Notes}['queue.sidecar.serving.knative.dev/ephemeral-storage-resource-request'] = \"x\"", $"invalid value: x: {Notes}[queue.sidecar.serving.knative.dev/ephemeral-storage-resource-request]" },
        { $"{Notes}['queue.sidecar.serving.knative.dev/ephemeral-storage-resource-limit'] = \"x\"", $"invalid value: x: {Notes}[queue.sidecar.serving.knative.dev/ephemeral-storage-resource-limit]" },
        { $"{Notes}['queue.sidecar.serving.knative.dev/resource-percentage'] = \"half\"", $"invalid value: half: {Notes}[queue.sidecar.serving.knative.dev/resource-percentage]" },
        { $"{Notes}['queue.sidecar.serving.knative.dev/resource-percentage'] = \"101\"", "expected 0.1 <= 101 <= 100" },
        { "metadata.annotations['autoscaling.knative.dev/min-scale'] = \"1\"", "invalid key name \"autoscaling.knative.dev/min-scale\": metadata.annotations\nautoscaling annotations must be put under \"spec.template.metadata.annotations\" to work" },
        { "metadata.annotations['serving.knative.dev/rollout-duration'] = \"ten\"", "invalid value: ten: metadata.annotations.serving.knative.dev/rollout-duration" },
        { "metadata.annotations['serving.knative.dev/rollout-duration'] = \"-1s\"", "rollout-duration=-1s must be positive" },
        { "metadata.annotations['serving.knative.dev/rolloutDuration'] = \"1500ms\"", "rollout-duration=1500ms is not at second precision" },
        { "metadata.name = \"1hello\"", "not a DNS 1035 label: [a DNS-1035 label must consist" },
        { "metadata.name = \"a.b\"", "not a DNS 1035 label" },
        { "metadata.name = -\nmetadata.generateName = \"a.b-\"", "not a DNS 1035 label prefix: [a DNS-1035 label must consist" },
        { "metadata.generateName = \"1-\"", "not a DNS 1035 label prefix: [a DNS-1035 label must consist" },
        { "spec.template.metadata.name = \"other-1\"", "invalid value: \"other-1\" must have prefix \"hello-\": spec.template.metadata.name" },
        { "spec.template.metadata.name = \"Hello-1\"", "invalid value: not a DNS 1035 label" },
        { "spec.template.metadata.generateName = \"Hello-\"", "invalid value: not a DNS 1035 label prefix" },
        { "metadata.name = -\nmetadata.generateName = \"x-\"\nspec.template.metadata.name = \"x-1\"", "must not set the field(s): spec.template.metadata.name" },
    };

    public static TheoryData<string, string> Traffic => new()
    {
        { """spec.traffic = [{"percent":50}]""", "Traffic targets sum to 50, want 100: spec.traffic" },
        { """spec.traffic = [{"percent":101}]""", "expected 0 <= 101 <= 100: spec.traffic[0].percent" },
        { """spec.traffic = [{"percent":-1},{"percent":101}]""", "expected 0 <= -1 <= 100: spec.traffic[0].percent" },
        { """spec.traffic = [{"percent":100,"configurationName":"c"}]""", "must not set the field(s): spec.traffic[0].configurationName" },
        { """spec.traffic = [{"percent":100,"revisionName":"r","latestRevision":true}]""", "may not set revisionName \"r\" when latestRevision is true: spec.traffic[0].latestRevision" },
        { """spec.traffic = [{"percent":100,"latestRevision":false}]""", "may not set revisionName \"\" when latestRevision is false: spec.traffic[0].latestRevision" },
        { """spec.traffic = [{"percent":100,"revisionName":"b@d"}]""", "invalid key name \"b@d\": spec.traffic[0].revisionName" },
        { """spec.traffic = [{"percent":100,"tag":"Bad_Tag"}]""", "invalid value: not a DNS 1035 label" },
        { """spec.traffic = [{"percent":100,"tag":"a"},{"percent":0,"tag":"a"}]""", "Multiple definitions for \"a\": spec.traffic[0].tag, spec.traffic[1].tag" },
        { """spec.traffic = [{"percent":100,"tag":"a","url":"http://x"}]""", "must not set the field(s): spec.traffic[0].url" },
    };

    /// <summary>What is refused of fields whose gates are open.</summary>
    public static TheoryData<string, string> BehindGates => new()
    {
        { $"{Spec}.initContainers = [{{\"image\":\"a\",\"livenessProbe\":{{}}}}]", $"field not allowed in an init container: {Spec}.initContainers[0].livenessProbe" },
        { $"{Spec}.initContainers = [{{\"image\":\"a\",\"readinessProbe\":{{}}}}]", $"field not allowed in an init container: {Spec}.initContainers[0].readinessProbe" },
        { $"{Spec}.initContainers = [{{\"image\":\"a\",\"startupProbe\":{{}}}}]", $"field not allowed in an init container: {Spec}.initContainers[0].startupProbe" },
        { $"{Spec}.initContainers = [{{\"image\":\"a\",\"lifecycle\":{{}}}}]", $"field not allowed in an init container: {Spec}.initContainers[0].lifecycle" },
        { $"{Spec}.initContainers = [{{\"image\":\"a\",\"ports\":[{{\"containerPort\":8012}}]}}]", $"invalid value: 8012 is a reserved port: {Spec}.initContainers[0].ports[0].containerPort" },
        { $"{Spec}.initContainers = [{{\"name\":\"i\"}}]", $"missing field(s): {Spec}.initContainers[0].image" },
        { $"{Main}.name = \"a\"\n{Spec}.initContainers = [{{\"image\":\"a\",\"name\":\"a\"}}]", $"duplicate container name \"a\": {Spec}.initContainers[0].name" },
        { $"{Spec}.securityContext.runAsUser = -1", $"expected 0 <= -1 <= 2147483647: {Spec}.securityContext.runAsUser" },
        { $"{Spec}.securityContext.runAsGroup = -1", $"expected 0 <= -1 <= 2147483647: {Spec}.securityContext.runAsGroup" },
        { $"{Spec}.securityContext.fsGroup = -1", $"expected 0 <= -1 <= 2147483647: {Spec}.securityContext.fsGroup" },
        { $"{Spec}.securityContext.supplementalGroups = [1,-1]", $"expected 0 <= -1 <= 2147483647: {Spec}.securityContext.supplementalGroups[1]" },
        { $"{Spec}.securityContext.seLinuxOptions = {{}}", $"must not set the field(s): {Spec}.securityContext.seLinuxOptions" },
        { $"{Main}.ports[0] = {{\"containerPort\":80}}\n{Spec}.containers[1] = {{\"image\":\"b\",\"livenessProbe\":{{\"tcpSocket\":{{}}}}}}", $"invalid value: 0: {Spec}.containers[1].livenessProbe.tcpSocket.port\nProbe port must be specified" },
        { $"{Main}.ports[0] = {{\"containerPort\":80}}\n{Spec}.containers[1] = {{\"image\":\"b\",\"readinessProbe\":{{\"httpGet\":{{}}}}}}", $"invalid value: 0: {Spec}.containers[1].readinessProbe.httpGet.port\nProbe port must be specified" },
        { Volume("""{"name":"v","persistentVolumeClaim":{"claimName":"c","readOnly":true}}""") + $"\n{Main}.volumeMounts[0].readOnly = false", $"volume is readOnly but volume mount is not: {Main}.volumeMounts[0].readOnly" },
        { Volume("""{"name":"v","emptyDir":{}}""") + $"\n{Main}.volumeMounts[0].mountPropagation = \"Both\"", $"mount propagation should be set to None or HostToContainer: {Main}.volumeMounts[0].mountPropagation" },
        { Volume("""{"name":"v","image":{"reference":"x","pullPolicy":"Sometimes"}}"""), $"invalid value: Sometimes: {Spec}.volumes[0].image.pullPolicy" },
        { Volume("""{"name":"v","hostPath":{"path":"/x"},"csi":{"driver":"d"}}"""), $"expected exactly one, got both: {Spec}.volumes[0].csi, {Spec}.volumes[0].hostPath" },
        { Volume("""{"name":"v","image":{}}"""), $"missing field(s): {Spec}.volumes[0].image.reference" },
    };

    [Theory]
    [MemberData(nameof(BehindGates))]
    public void Service_BadSpecBehindAnOpenGate_IsRefused(string edits, string expected)
    {
        var open = FeaturesConfig.Keys.Where(k => k.Key != "secure-pod-defaults").ToDictionary(k => k.Key, _ => "enabled");
        var ctx = new AdmissionContext { Config = ServingConfig.Default.With(FeaturesConfig.MapName, open).Config };
        Assert.Contains(expected, Validation.Describe(Refuse(edits, ctx)), StringComparison.Ordinal);
    }

    [Fact]
    public void Service_EmptyDirOff_SaysSo()
    {
        var ctx = new AdmissionContext { Config = With("config-features", "kubernetes.podspec-volumes-emptydir", "disabled") };
        Assert.Contains(
            $"EmptyDir volume support is disabled, but found EmptyDir volume v: {Spec}.volumes[0]",
            Validation.Describe(Refuse(Volume("""{"name":"v","emptyDir":{}}"""), ctx)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Configuration", "metadata.annotations['autoscaling.knative.dev/target'] = \"1\"", "invalid key name \"autoscaling.knative.dev/target\": metadata.annotations")]
    [InlineData("Configuration", "metadata.labels['serving.knative.dev/service'] = \"s\"", "missing field(s): metadata.labels.serving.knative.dev/service")]
    [InlineData("Configuration", "spec.template.metadata.name = \"other\"", "invalid value: \"other\" must have prefix \"hello-\": spec.template.metadata.name")]
    [InlineData("Configuration", "spec.template.spec.containers[0].image = -", "missing field(s): spec.template.spec.containers[0].image")]
    [InlineData("Route", "metadata.annotations['autoscaling.knative.dev/target'] = \"1\"", "invalid key name \"autoscaling.knative.dev/target\": metadata.annotations")]
    [InlineData("Route", "metadata.annotations['serving.knative.dev/rollout-duration'] = \"-1s\"", "rollout-duration=-1s must be positive: metadata.annotations.serving.knative.dev/rollout-duration")]
    [InlineData("Route", "metadata.labels['serving.knative.dev/service'] = \"s\"", "missing field(s): metadata.labels.serving.knative.dev/service")]
    [InlineData("Route", "spec.traffic[0].configurationName = \"b@d\"", "invalid key name \"b@d\": spec.traffic[0].configurationName")]
    [InlineData("Route", "spec.traffic[0].url = \"http://x\"", "must not set the field(s): spec.traffic[0].url")]
    [InlineData("Revision", "metadata.labels['serving.knative.dev/configuration'] = \"c\"", "missing field(s): metadata.labels.serving.knative.dev/configuration")]
    [InlineData("Revision", "metadata.annotations['autoscaling.knative.dev/min-scale'] = \"x\"", "invalid value: x: metadata.annotations.autoscaling.knative.dev/min-scale")]
    [InlineData("Revision", "spec.containers[0].image = -", "missing field(s): spec.containers[0].image")]
    [InlineData("Revision", "spec.timeoutSeconds = 601", "expected 0 <= 601 <= 600: spec.timeoutSeconds")]
    public void OtherKind_BadSpec_IsRefused(string kind, string edits, string expected)
    {
        var (served, tree) = kind switch
        {
            "Configuration" => (Kinds.Configuration, Edits.Parse(Good)),
            "Route" => (Kinds.Route, Edits.Parse("""{"metadata":{"name":"hello","namespace":"default"},"spec":{"traffic":[{"percent":100,"configurationName":"c"}]}}""")),
            _ => (Kinds.Revision, Edits.Parse("""{"metadata":{"name":"hello","namespace":"default"},"spec":{"containers":[{"image":"busybox"}]}}""")),
        };
        tree["kind"] = kind;
        var ctx = new AdmissionContext();
        var errors = Validation.Validate(served, tree.Edit(edits).Defaulted(served, ctx), null, ctx);
        Assert.Contains(expected, Validation.Describe(errors), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(PodFields))]
    [MemberData(nameof(ContainerFields))]
    [MemberData(nameof(PortsAndProbes))]
    [MemberData(nameof(Volumes))]
    [MemberData(nameof(Annotations))]
    [MemberData(nameof(Traffic))]
    public void Service_BadSpec_IsRefusedInTheWebhooksWords(string edits, string expected)
    {
        var ctx = new AdmissionContext();
        var tree = Edits.Parse(Good).Edit(edits).Defaulted(Kinds.KService, ctx);
        var errors = Validation.Validate(Kinds.KService, tree, null, ctx);
        Assert.NotEmpty(errors);
        var refusal = Validation.ToException(Kinds.KService, "hello", [.. errors.Where(e => e.Webhook is not null)]);
        Assert.Equal(400, refusal.Code);
        Assert.StartsWith("admission webhook \"validation.webhook.serving.knative.dev\" denied the request: validation failed: ", refusal.Message, StringComparison.Ordinal);
        Assert.Contains(expected, refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("spec.containerConcurrency = 3")]
    [InlineData("spec.template.spec.containerConcurrency = 1000")]
    [InlineData("spec.template.spec.timeoutSeconds = 600")]
    [InlineData("spec.template.spec.hostNetwork = false")]
    [InlineData("spec.template.spec.automountServiceAccountToken = false")]
    [InlineData("spec.template.metadata.name = \"hello-v2\"")]
    [InlineData("spec.template.spec.containers[0].image = \"localhost:5000/a/b:v1.0\"")]
    [InlineData("spec.template.spec.containers[0].ports[0] = {\"containerPort\":80,\"name\":\"h2c\"}")]
    [InlineData("spec.template.spec.containers[0].ports[0] = {\"containerPort\":0}")]
    [InlineData("spec.template.spec.containers[0].readinessProbe = {\"httpGet\":{\"path\":\"/\",\"port\":8080},\"periodSeconds\":2}")]
    [InlineData("spec.template.spec.containers[0].securityContext = {\"privileged\":false,\"capabilities\":{\"drop\":[\"ALL\"]}}")]
    [InlineData("spec.template.metadata.annotations['autoscaling.knative.dev/metric'] = \"cpu\"\nspec.template.metadata.annotations['autoscaling.knative.dev/class'] = \"hpa.autoscaling.knative.dev\"")]
    [InlineData("spec.template.metadata.annotations['autoscaling.knative.dev/class'] = \"mine.example.com\"")]
    [InlineData("spec.traffic = [{\"percent\":100,\"revisionName\":\"hello-1\"},{\"percent\":0,\"tag\":\"next\"}]")]
    public void Service_GoodSpec_IsAccepted(string edits)
    {
        var ctx = new AdmissionContext();
        var tree = Edits.Parse(Good).Edit(edits).Defaulted(Kinds.KService, ctx);
        Assert.Empty(Validation.Validate(Kinds.KService, tree, null, ctx));
    }

    [Fact]
    public void Service_DigestImage_IsAccepted()
    {
        var ctx = new AdmissionContext();
        var tree = Edits.Parse(Good).Edit($"{Main}.image = \"gcr.io/a/b@sha256:{s_a64}\"").Defaulted(Kinds.KService, ctx);
        Assert.Empty(Validation.Validate(Kinds.KService, tree, null, ctx));
    }

    [Theory]
    [InlineData("kubernetes.podspec-affinity", "spec.template.spec.affinity = {}")]
    [InlineData("kubernetes.podspec-nodeselector", "spec.template.spec.nodeSelector = {\"a\":\"b\"}")]
    [InlineData("kubernetes.podspec-securitycontext", "spec.template.spec.securityContext = {\"runAsUser\":1}")]
    [InlineData("kubernetes.podspec-fieldref", "spec.template.spec.containers[0].env[0] = {\"name\":\"A\",\"valueFrom\":{\"fieldRef\":{\"fieldPath\":\"x\"}}}")]
    [InlineData("kubernetes.podspec-init-containers", "spec.template.spec.initContainers = [{\"image\":\"a\"}]")]
    [InlineData("kubernetes.containerspec-addcapabilities", "spec.template.spec.containers[0].securityContext.capabilities.add = [\"X\"]")]
    [InlineData("kubernetes.podspec-volumes-hostpath", "spec.template.spec.volumes = [{\"name\":\"v\",\"hostPath\":{\"path\":\"/x\"}}]\nspec.template.spec.containers[0].volumeMounts = [{\"name\":\"v\",\"mountPath\":\"/v\"}]")]
    public void Service_FeatureEnabled_OpensItsField(string feature, string edits)
    {
        var open = new AdmissionContext { Config = With("config-features", feature, "enabled") };
        Assert.NotEmpty(Refuse(edits, new AdmissionContext()));
        Assert.Empty(Refuse(edits, open));
    }

    [Fact]
    public void Service_MultiContainerOff_SaysSo()
    {
        var ctx = new AdmissionContext { Config = With("config-features", "multi-container", "disabled") };
        var edits = $"{Main}.ports[0] = {{\"containerPort\":80}}\n{Spec}.containers[1] = {{\"image\":\"b\"}}";
        Assert.Contains("multi-container is off, but found 2 containers", Validation.Describe(Refuse(edits, ctx)), StringComparison.Ordinal);
    }

    [Fact]
    public void Service_ClusterLimits_Bind()
    {
        var limited = new AdmissionContext
        {
            Config = ServingConfig.Default with
            {
                Autoscaler = new AutoscalerConfig { MaxScale = 2, MaxScaleLimit = 5 },
                Defaults = new DefaultsConfig { AllowContainerConcurrencyZero = false, ContainerConcurrency = 1 },
            },
        };
        Assert.Contains("expected 1 <= 9 <= 5", Validation.Describe(Refuse(Note("max-scale", "9"), limited)), StringComparison.Ordinal);
        Assert.Contains("max-scale=0 (unlimited), must be less than 5", Validation.Describe(Refuse(Note("max-scale", "0"), limited)), StringComparison.Ordinal);
        Assert.Contains("expected 1 <= 0 <= 1000", Validation.Describe(Refuse($"{Spec}.containerConcurrency = 0", limited)), StringComparison.Ordinal);
    }

    [Fact]
    public void Describe_SameMessage_JoinsThePaths() => Assert.Equal(
        $"missing field(s): {Main}.image, {Spec}.containers[1].image",
        Validation.Describe(Refuse($"{Main} = {{\"ports\":[{{\"containerPort\":80}}]}}\n{Spec}.containers[1] = {{\"name\":\"side\"}}", new AdmissionContext())));

    private static IReadOnlyList<FieldError> Refuse(string edits, AdmissionContext ctx) =>
        Validation.Validate(Kinds.KService, Edits.Parse(Good).Edit(edits).Defaulted(Kinds.KService, ctx), null, ctx);

    private static ServingConfig With(string map, string key, string value) =>
        ServingConfig.Default.With(map, new Dictionary<string, string> { [key] = value }).Config;

    private static string Note(string name, string value) => $"{Notes}['autoscaling.knative.dev/{name}'] = \"{value}\"";

    private static string Volume(string volume, string? mount = "v") => $"{Spec}.volumes[0] = {volume}"
        + (mount is null ? "" : $"\n{Main}.volumeMounts[0] = {{\"name\":\"{mount}\",\"mountPath\":\"/{mount}\"}}");
}
