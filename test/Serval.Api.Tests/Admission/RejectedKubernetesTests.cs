using Serval.Api.Admission;

namespace Serval.Api.Tests.Admission;

/// <summary>Objects the Kubernetes API server refuses with 422 Invalid.</summary>
public sealed class RejectedKubernetesTests
{
    private const string Pod = """{"metadata":{"name":"p","namespace":"d"},"spec":{"containers":[{"name":"c","image":"a"}]}}""";
    private const string Deployment = """{"metadata":{"name":"w","namespace":"d"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"a"}]}}}}""";
    private const string Service = """{"metadata":{"name":"s","namespace":"d"},"spec":{"ports":[{"port":80}]}}""";
    private const string ConfigMap = """{"metadata":{"name":"m","namespace":"d"},"data":{"k":"v"}}""";
    private const string Secret = """{"metadata":{"name":"m","namespace":"d"},"data":{"k":"dg=="}}""";
    private const string Slice = """{"metadata":{"name":"s","namespace":"d"},"addressType":"IPv4","endpoints":[{"addresses":["10.0.0.1"]}],"ports":[{"port":80}]}""";

    private const string Hpa = """{"metadata":{"name":"h","namespace":"d"},"spec":{"scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"w"},"maxReplicas":3,"metrics":[{"type":"Resource","resource":{"name":"memory","target":{"type":"AverageValue","averageValue":"1Mi"}}}]}}""";
    private const string HpaTarget = "spec.metrics[0].resource.target";

    public static TheoryData<string, string, string> Bad => new()
    {
        { "pods", "metadata.name = \"Bad\"", "metadata.name: Invalid value: \"Bad\": a lowercase RFC 1123 subdomain" },
        { "pods", "metadata.name = -", "metadata.name: Required value: name or generateName is required" },
        { "pods", "metadata.labels = {\"-x\":\"v\"}", "metadata.labels: Invalid value: \"-x\": name part must consist" },
        { "pods", "metadata.labels = {\"x\":\"not ok\"}", "metadata.labels: Invalid value: \"not ok\": a valid label must be an empty string or" },
        { "pods", "metadata.annotations = {\"a b\":\"v\"}", "metadata.annotations: Invalid value: \"a b\"" },
        { "pods", "metadata.finalizers = [\"a b\"]", "metadata.finalizers: Invalid value: \"a b\"" },
        { "pods", "metadata.ownerReferences = [{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"name\":\"x\"}]", "metadata.ownerReferences.uid: Invalid value: \"\": must not be empty" },
        { "pods", "metadata.ownerReferences = [{\"apiVersion\":\"a/b/c\",\"kind\":\"Pod\",\"name\":\"x\",\"uid\":\"u\"}]", "invalid: metadata.ownerReferences.apiVersion: Invalid value: \"a/b/c\": version must not be empty" },
        { "pods", "metadata.ownerReferences = [{\"apiVersion\":\"apps/\",\"kind\":\"Pod\",\"name\":\"x\",\"uid\":\"u\"}]", "invalid: metadata.ownerReferences.apiVersion: Invalid value: \"apps/\": version must not be empty" },
        { "pods", "metadata.ownerReferences = [{\"kind\":\"Pod\",\"name\":\"x\",\"uid\":\"u\"}]", "invalid: metadata.ownerReferences.apiVersion: Invalid value: \"\": version must not be empty" },
        { "pods", "metadata.ownerReferences = [{\"uid\":\"u\",\"apiVersion\":\"v1\",\"name\":\"x\",\"kind\":\"Event\"}]", "invalid: metadata.ownerReferences: Invalid value: {\"apiVersion\":\"v1\",\"kind\":\"Event\",\"name\":\"x\",\"uid\":\"u\"}: /v1, Kind=Event is disallowed from being an owner" },
        { "pods", "metadata.ownerReferences = [{\"apiVersion\":\"v1\",\"controller\":true,\"kind\":\"Pod\",\"name\":\"x\",\"uid\":\"u\"},{\"apiVersion\":\"v1\",\"controller\":true,\"kind\":\"Pod\",\"name\":\"y\",\"uid\":\"v\"}]", "Invalid value: [{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"name\":\"x\",\"uid\":\"u\",\"controller\":true},{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"name\":\"y\",\"uid\":\"v\",\"controller\":true}]: Only one reference" },
        { "pods", "metadata.labels = {\"x/\":\"v\"}", "invalid: [metadata.labels: Invalid value: \"x/\": name part must be non-empty, metadata.labels: Invalid value: \"x/\": name part must consist" },
        { "pods", "metadata.generateName = \"Bad_\"", "metadata.generateName: Invalid value: \"Bad_\": a lowercase RFC 1123 subdomain" },
        { "pods", "spec.activeDeadlineSeconds = 0", "spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive" },
        { "pods", "spec.hostname = \"Bad_\"", "spec.hostname: Invalid value: \"Bad_\": a lowercase RFC 1123 label" },
        { "pods", "spec.subdomain = \"Bad_\"", "spec.subdomain: Invalid value: \"Bad_\": a lowercase RFC 1123 label" },
        { "pods", "spec.nodeSelector = {\"a b\":\"c\"}", "spec.nodeSelector: Invalid value: \"a b\": name part must consist" },
        { "pods", "spec.tolerations = [{\"operator\":\"X\"}]", "[spec.tolerations[0].operator: Invalid value: \"X\": operator must be Exists when `key` is empty, which means \"match all values and all keys\", spec.tolerations[0].operator: Unsupported value: \"X\": supported values: \"Equal\", \"Exists\"]" },
        { "pods", "spec.tolerations = [{\"key\":\"a\",\"operator\":\"Exists\",\"value\":\"x\"}]", "spec.tolerations[0].operator: Invalid value: \"x\": value must be empty when `operator` is 'Exists'" },
        { "pods", "spec.tolerations = [{\"key\":\"a\",\"effect\":\"X\"}]", "spec.tolerations[0].effect: Unsupported value: \"X\": supported values: \"NoSchedule\", \"PreferNoSchedule\", \"NoExecute\"" },
        { "pods", "spec.tolerations = [{\"key\":\"a\",\"effect\":\"NoSchedule\",\"tolerationSeconds\":5}]", "spec.tolerations[0].effect: Invalid value: \"NoSchedule\": effect must be 'NoExecute' when `tolerationSeconds` is set" },
        { "pods", "spec.hostAliases = [{\"ip\":\"x\"}]", "spec.hostAliases[0].ip: Invalid value: \"x\": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)" },
        { "pods", "spec.dnsPolicy = \"None\"", "spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None" },
        { "pods", "spec.dnsConfig = {\"nameservers\":[\"x\"]}", "spec.dnsConfig.nameservers[0]: Invalid value: \"x\": must be a valid IP address" },
        { "pods", "spec.securityContext = {\"runAsUser\":-1}", "spec.securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive" },
        { "pods", "spec.securityContext = {\"sysctls\":[{\"name\":\"foo-\",\"value\":\"bar\"},{\"name\":\"kernel.shmmax\",\"value\":\"1\"},{\"name\":\"safe-and-unsafe\",\"value\":\"1\"},{\"name\":\"bar..\",\"value\":\"42\"},{\"value\":\"1\"}]}", "invalid: [spec.securityContext.sysctls[0].name: Invalid value: \"foo-\": must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$, spec.securityContext.sysctls[3].name: Invalid value: \"bar..\": must have" },
        { "pods", "spec.securityContext = {\"sysctls\":[{\"value\":\"1\"}]}", "spec.securityContext.sysctls[0].name: Required value" },
        { "pods", "spec.securityContext = {\"sysctls\":[{\"name\":\"net/ipv4/tcp_rmem\",\"value\":\"1\"},{\"name\":\"net/ipv4/tcp_rmem\",\"value\":\"1\"}]}", "spec.securityContext.sysctls[1].name: Duplicate value: \"net/ipv4/tcp_rmem\"" },
        { "pods", "spec = {\"hostNetwork\":true,\"containers\":[{\"name\":\"c\",\"image\":\"a\"}],\"securityContext\":{\"sysctls\":[{\"name\":\"net/ipv4/tcp_rmem\",\"value\":\"1\"}]}}", "spec.securityContext.sysctls[0].name: Invalid value: \"net/ipv4/tcp_rmem\": may not be specified when 'hostNetwork' is true" },
        { "pods", "spec = {\"hostIPC\":true,\"containers\":[{\"name\":\"c\",\"image\":\"a\"}],\"securityContext\":{\"sysctls\":[{\"name\":\"kernel.shmmax\",\"value\":\"1\"}]}}", "spec.securityContext.sysctls[0].name: Invalid value: \"kernel.shmmax\": may not be specified when 'hostIPC' is true" },
        { "pods", "spec.containers[0].securityContext = {\"runAsGroup\":-1}", "spec.containers[0].securityContext.runAsGroup: Invalid value: -1: must be between 0 and 2147483647, inclusive" },
        { "pods", "spec.containers[0].env = [{\"name\":\"A\",\"valueFrom\":{\"secretKeyRef\":{\"name\":\"s\"}}}]", "spec.containers[0].env[0].valueFrom.secretKeyRef.key: Required value" },
        { "pods", "spec.containers[0].env = [{\"name\":\"A\",\"valueFrom\":{\"configMapKeyRef\":{\"name\":\"s\",\"key\":\"a b\"}}}]", "spec.containers[0].env[0].valueFrom.configMapKeyRef.key: Invalid value: \"a b\": a valid config key must consist" },
        { "pods", "spec.containers[0].readinessProbe = {\"exec\":{}}", "spec.containers[0].readinessProbe.exec.command: Required value" },
        { "pods", "spec.containers[0].lifecycle = {\"preStop\":{}}", "spec.containers[0].lifecycle.preStop: Required value: must specify a handler type" },
        { "pods", "spec.initContainers = [{\"name\":\"d\",\"image\":\"x\",\"restartPolicy\":\"X\"}]", "spec.initContainers[0].restartPolicy: Unsupported value: \"X\": supported values: \"Always\", \"Never\", \"OnFailure\"" },
        { "pods", "spec.initContainers = [{\"name\":\"d\",\"image\":\"x\",\"readinessProbe\":{\"exec\":{\"command\":[\"x\"]}}}]", "spec.initContainers[0].readinessProbe: Forbidden: may not be set for init containers without restartPolicy=Always" },
        { "pods", "spec.containers = []", "spec.containers: Required value" },
        { "pods", "spec.containers[0].image = -", "spec.containers[0].image: Required value" },
        { "pods", "spec.containers[0].name = -", "spec.containers[0].name: Required value" },
        { "pods", "spec.containers[0].name = \"C\"", "spec.containers[0].name: Invalid value: \"C\": a lowercase RFC 1123 label" },
        { "pods", "spec.containers[1] = {\"name\":\"c\",\"image\":\"a\"}", "spec.containers[1].name: Duplicate value: \"c\"" },
        { "pods", "spec.containers[0].imagePullPolicy = \"x\"", "spec.containers[0].imagePullPolicy: Unsupported value: \"x\": supported values: \"Always\", \"IfNotPresent\", \"Never\"" },
        { "pods", "spec.containers[0].volumeMounts = [{\"name\":\"v\",\"mountPath\":\"/v\"}]", "spec.containers[0].volumeMounts[0].name: Not found: \"v\"" },
        { "pods", "spec.volumes = [{\"name\":\"v\",\"emptyDir\":{},\"secret\":{\"secretName\":\"s\"}}]", "may not specify more than 1 volume type" },
        { "pods", "spec.volumes = [{\"name\":\"v\",\"emptyDir\":{}},{\"name\":\"v\",\"emptyDir\":{}}]", "spec.volumes[1].name: Duplicate value: \"v\"" },
        { "pods", "spec.volumes = [{\"name\":\"v\",\"configMap\":{}}]", "spec.volumes[0].configMap.name: Required value" },
        { "pods", "spec.containers[0].env = [{\"value\":\"x\"}]", "spec.containers[0].env[0].name: Required value" },
        { "pods", "spec.containers[0].env = [{\"name\":\"x=y\"}]", "spec.containers[0].env[0].name: Invalid value: \"x=y\"" },
        { "pods", "spec.containers[0].env = [{\"name\":\"x\",\"valueFrom\":{}}]", "must specify one of: `fieldRef`" },
        { "pods", "spec.containers[0].ports = [{\"containerPort\":70000}]", "spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive" },
        { "pods", "spec.containers[0].ports = [{\"containerPort\":80,\"name\":\"UPPER\"}]", "spec.containers[0].ports[0].name: Invalid value: \"UPPER\"" },
        { "pods", "spec.containers[0].livenessProbe = {}", "spec.containers[0].livenessProbe: Required value: must specify a handler type" },
        { "pods", "spec.containers[0].livenessProbe = {\"exec\":{},\"successThreshold\":2}", "spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1" },
        { "pods", "spec.containers[0].resources = {\"requests\":{\"cpu\":\"2\"},\"limits\":{\"cpu\":\"1\"}}", "must be less than or equal to cpu limit of 1" },
        { "pods", "spec.containers[0].resources.limits.cpu = \"-1\"", "must be greater than or equal to 0" },
        { "pods", "spec.restartPolicy = \"Maybe\"", "spec.restartPolicy: Unsupported value: \"Maybe\"" },
        { "deployments", "spec.selector = -", "spec.selector: Required value" },
        { "deployments", "spec.selector.matchLabels = {\"a\":\"c\"}", "spec.template.metadata.labels: Invalid value: {\"a\":\"b\"}: `selector` does not match template `labels`" },
        { "deployments", "spec.replicas = -1", "spec.replicas: Invalid value: -1: must be greater than or equal to 0" },
        { "deployments", "spec.strategy = {\"type\":\"Blue\"}", "spec.strategy: Unsupported value: {\"Type\":\"Blue\",\"RollingUpdate\":null}: supported values: \"Recreate\", \"RollingUpdate\"" },
        { "deployments", "spec.selector.matchExpressions = [{\"key\":\"a\",\"operator\":\"x\"}]", "\"matchLabels\":{\"a\":\"b\"},\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"x\"}]}: invalid label selector" },
        { "deployments", "spec.selector = -", "spec.template.metadata.labels: Invalid value: {\"a\":\"b\"}: `selector` does not match template `labels`" },
        { "deployments", "spec.template.spec.activeDeadlineSeconds = 5", "spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ReplicaSet is not Supported" },
        { "deployments", "spec.strategy.rollingUpdate = {\"maxSurge\":\"5\"}", "spec.strategy.rollingUpdate.maxSurge: Invalid value: \"5\": a valid percent string must be" },
        { "deployments", "spec.strategy.rollingUpdate = {\"maxSurge\":\"0%\",\"maxUnavailable\":\"0%\"}", "maxUnavailable: Invalid value: \"0%\": may not be 0 when `maxSurge` is 0" },
        { "deployments", "spec.strategy = {\"type\":\"Recreate\",\"rollingUpdate\":{}}", "may not be specified when strategy `type` is 'Recreate'" },
        { "deployments", "spec.strategy.rollingUpdate = {\"maxSurge\":0,\"maxUnavailable\":0}", "may not be 0 when `maxSurge` is 0" },
        { "deployments", "spec.strategy.rollingUpdate = {\"maxUnavailable\":\"150%\"}", "Invalid value: \"150%\": must not be greater than 100%" },
        { "deployments", "spec.template.spec.containers[0].image = -", "spec.template.spec.containers[0].image: Required value" },
        { "deployments", "spec.template.spec.restartPolicy = \"Never\"", "spec.template.spec.restartPolicy: Unsupported value: \"Never\": supported values: \"Always\"" },
        { "deployments", "spec.progressDeadlineSeconds = 5\nspec.minReadySeconds = 5", "must be greater than minReadySeconds" },
        { "services", "spec.externalIPs = [\"127.0.0.1\"]", "spec.externalIPs[0]: Invalid value: \"127.0.0.1\": may not be in the loopback range (127.0.0.0/8, ::1/128)" },
        { "services", "spec.externalIPs = [\"010.1.1.1\"]", "spec.externalIPs[0]: Invalid value: \"010.1.1.1\": must not have leading 0s" },
        { "services", "spec.externalTrafficPolicy = \"Local\"", "spec.externalTrafficPolicy: Invalid value: \"Local\": may only be set for externally-accessible services" },
        { "services", "spec.internalTrafficPolicy = \"Foo\"", "spec.internalTrafficPolicy: Unsupported value: \"Foo\": supported values: \"Cluster\", \"Local\"" },
        { "services", "spec.loadBalancerClass = \"a/b\"", "spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'" },
        { "services", "spec.loadBalancerSourceRanges = [\"10.0.0.1/8\"]", "spec.LoadBalancerSourceRanges[0]: Invalid value: \"10.0.0.1/8\": must not have bits set beyond the prefix length" },
        { "services", "spec.trafficDistribution = \"Foo\"", "spec.trafficDistribution: Unsupported value: \"Foo\": supported values: \"PreferClose\", \"PreferSameZone\", \"PreferSameNode\"" },
        { "services", "metadata.finalizers = [\"foo\"]", "metadata.finalizers[0]: Invalid value: \"foo\": name is neither a standard finalizer name nor is it fully qualified" },
        { "services", "metadata.finalizers = [\"orphan\",\"foregroundDeletion\"]", "metadata.finalizers: Invalid value: [\"orphan\",\"foregroundDeletion\"]: finalizer orphan and foregroundDeletion cannot be both set" },
        { "pods", "spec.containers[0].env = [{\"name\":\"A\",\"valueFrom\":{\"fieldRef\":{\"apiVersion\":\"v1\",\"fieldPath\":\"spec.foo\"}}}]", "spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Invalid value: \"spec.foo\": error converting fieldPath: field label not supported: spec.foo" },
        { "pods", "spec.containers[0].env = [{\"name\":\"A\",\"valueFrom\":{\"fieldRef\":{\"apiVersion\":\"v1\",\"fieldPath\":\"metadata.name['x']\"}}}]", "field label does not support subscript: metadata.name['x']" },
        { "pods", "spec.containers[0].env = [{\"name\":\"A\",\"valueFrom\":{\"resourceFieldRef\":{\"resource\":\"limits.cpu\",\"divisor\":\"3\"}}}]", "spec.containers[0].env[0].valueFrom.resourceFieldRef.divisor: Invalid value: \"limits.cpu\": only divisor's values 1m and 1 are supported with the cpu resource" },
        { "pods", "spec.containers[0].securityContext = {\"privileged\":true,\"allowPrivilegeEscalation\":false}", "cannot set `allowPrivilegeEscalation` to false and `privileged` to true" },
        { "pods", "spec.containers[0].securityContext = {\"seccompProfile\":{\"type\":\"Localhost\"}}", "spec.containers[0].securityContext.seccompProfile.localhostProfile: Required value: must be set when seccomp type is Localhost" },
        { "pods", "spec.containers[0].securityContext = {\"seccompProfile\":{\"type\":\"x\",\"localhostProfile\":\"a\"}}", "spec.containers[0].securityContext.seccompProfile.type: Unsupported value: \"x\": supported values: \"Localhost\", \"RuntimeDefault\", \"Unconfined\"" },
        { "pods", "spec.containers[0].securityContext = {\"seccompProfile\":{\"type\":\"x\",\"localhostProfile\":\"a\"}}", "spec.containers[0].securityContext.seccompProfile.localhostProfile: Invalid value: {\"Type\":\"x\",\"LocalhostProfile\":\"a\"}: can only be set when seccomp type is Localhost" },
        { "pods", "spec.containers[0].securityContext = {\"appArmorProfile\":{\"type\":\"Unconfined\",\"localhostProfile\":\"a\"}}", "spec.containers[0].securityContext.appArmorProfile.localhostProfile: Invalid value: \"a\": can only be set when AppArmor type is Localhost" },
        { "pods", "spec.containers[0].securityContext = {\"appArmorProfile\":{\"type\":\"Localhost\",\"localhostProfile\":\" a\"}}", "must not be padded with whitespace" },
        { "pods", "spec.containers[0].livenessProbe = {\"tcpSocket\":{\"port\":\"A_\"}}", "spec.containers[0].livenessProbe.tcpSocket.port: Invalid value: \"A_\": must contain at least one letter (a-z)" },
        { "pods", "spec.containers[0].readinessProbe = {\"grpc\":{\"port\":0}}", "spec.containers[0].readinessProbe.grpc.port: Invalid value: 0: must be between 1 and 65535, inclusive" },
        { "pods", "spec.containers[0].lifecycle = {\"preStop\":{\"sleep\":{\"seconds\":60}}}", "spec.containers[0].lifecycle.preStop.sleep: Invalid value: 60: must be non-negative and less than terminationGracePeriodSeconds (30)" },
        { "pods", "spec.schedulingGates = [{\"name\":\"a/b\"},{\"name\":\"a/b\"}]", "spec.schedulingGates[1]: Duplicate value: \"a/b\"" },
        { "services", "metadata.name = \"S\"", "metadata.name: Invalid value: \"S\": a lowercase RFC 1123 label" },
        { "services", "spec.ports = []", "spec.ports: Required value" },
        { "services", "spec.ports[0].port = 0", "spec.ports[0].port: Invalid value: 0" },
        { "services", "spec.ports[1] = {\"port\":81}", "spec.ports[0].name: Required value" },
        { "services", "spec.ports = [{\"name\":\"a\",\"port\":80},{\"name\":\"a\",\"port\":81}]", "spec.ports[1].name: Duplicate value: \"a\"" },
        { "services", "spec.ports = [{\"name\":\"a\",\"port\":80},{\"name\":\"b\",\"port\":80}]", "spec.ports[1]: Duplicate value" },
        { "services", "spec.ports[0].protocol = \"ICMP\"", "spec.ports[0].protocol: Unsupported value: \"ICMP\"" },
        { "services", "spec.ports[0].targetPort = \"Not_OK\"", "spec.ports[0].targetPort: Invalid value: \"Not_OK\"" },
        { "pods", Volume("""{"configMap":{"name":"c","items":[{"key":"k","path":"../x"}]}}"""), "spec.volumes[0].configMap.items[0].path: Invalid value: \"../x\": must not contain '..'" },
        { "pods", Volume("""{"projected":{"sources":[{"serviceAccountToken":{"path":"../t","expirationSeconds":599}}]}}"""), "spec.volumes[0].projected.sources[0].serviceAccountToken.expirationSeconds: Invalid value: 599: may not specify a duration less than 10 minutes" },
        { "pods", Volume("""{"hostPath":{"path":"/a/../b"}}"""), "spec.volumes[0].hostPath.path: Invalid value: \"/a/../b\": must not contain '..'" },
        { "pods", Volume("""{"hostPath":{"path":"/a","type":"Pipe"}}"""), "spec.volumes[0].hostPath.type: Unsupported value: \"Pipe\": supported values: \"BlockDevice\", \"CharDevice\"" },
        { "pods", Volume("""{"projected":{"sources":[{"serviceAccountToken":{"path":"t","expirationSeconds":4294967297}}]}}"""), "serviceAccountToken.expirationSeconds: Invalid value: 4294967297: may not specify a duration larger than 2^32 seconds" },
        { "pods", Volume("""{"projected":{"sources":[{"serviceAccountToken":{"path":"../t"}}]}}"""), "spec.volumes[0].projected.sources[0].serviceAccountToken.path: Invalid value: \"../t\": must not contain '..'" },
        { "pods", Volume("""{"secret":{"secretName":"s","items":[{"key":"k","path":"/etc/x"}]}}"""), "spec.volumes[0].secret.items[0].path: Invalid value: \"/etc/x\": must be a relative path" },
        { "pods", Volume("""{"secret":{"secretName":"s","items":[{"path":"..x"}]}}"""), "spec.volumes[0].secret.items[0].key: Required value" },
        { "pods", Volume("""{"downwardAPI":{"items":[{"path":"..x"}]}}"""), "spec.volumes[0].downwardAPI.items[0].path: Invalid value: \"..x\": must not start with '..'" },
        { "pods", Volume("""{"projected":{"sources":[{"configMap":{"name":"c","items":[{"key":"k","path":"a/../../x","mode":512}]}}]}}"""), "spec.volumes[0].projected.sources[0].configMap.items[0].mode: Invalid value: 512" },
        { "pods", Volume("""{"projected":{"sources":[{"configMap":{"name":"c","items":[{"key":"k","path":"a/../../x"}]}}]}}"""), "must not contain '..'" },
        { "services", "spec.type = \"Magic\"", "spec.type: Unsupported value: \"Magic\"" },
        { "services", "spec = {\"type\":\"ExternalName\"}", "spec.externalName: Required value" },
        { "services", "spec.clusterIPs = [\"nope\"]", "spec.clusterIPs[0]: Invalid value: \"nope\"" },
        { "configmaps", "data = {\"a/b\":\"v\"}", "data[a/b]: Invalid value: \"a/b\": a valid config key" },
        { "configmaps", "binaryData = {\"k\":\"dg==\"}", "duplicate of key present in binaryData" },
        { "configmaps", "binaryData = {\"x\":\"!\"}", "binaryData[x]: Invalid value" },
        { "secrets", "data = {\"..\":\"dg==\"}", "data[..]: Invalid value" },
        { "secrets", "data = {\"k\":\"not base64!\"}", "data[k]: Invalid value: <not shown>: must be base64" },
        { "secrets", "type = \"kubernetes.io/tls\"", "data[tls.crt]: Required value" },
        { "secrets", "type = \"kubernetes.io/dockercfg\"\ndata = {\".dockercfg\":\"e3g=\"}", "data[.dockercfg]: Invalid value: \"<secret contents redacted>\": invalid character 'x' looking for beginning of object key string" },
        { "secrets", "type = \"kubernetes.io/dockercfg\"\ndata = {\".dockercfg\":\"NQ==\"}", "json: cannot unmarshal number into Go value of type map[string]interface {}" },
        { "horizontalpodautoscalers", "spec.minReplicas = 0", "spec.minReplicas: Invalid value: 0: must be greater than or equal to 1" },
        { "horizontalpodautoscalers", "spec.maxReplicas = 0", "spec.maxReplicas: Required value: must be set and greater than 0" },
        { "horizontalpodautoscalers", "spec.maxReplicas = -1", "spec.maxReplicas: Invalid value: -1: must be greater than or equal to 1" },
        { "horizontalpodautoscalers", "spec.minReplicas = 4", "spec.maxReplicas: Invalid value: 3: must be greater than or equal to `minReplicas`" },
        { "horizontalpodautoscalers", "spec.scaleTargetRef.kind = -", "spec.scaleTargetRef.kind: Required value" },
        { "horizontalpodautoscalers", "spec.scaleTargetRef = -", "spec.scaleTargetRef.name: Required value" },
        { "horizontalpodautoscalers", "spec.metrics[0].type = -", "spec.metrics[0].type: Required value" },
        { "horizontalpodautoscalers", "spec.metrics[0].type = \"Magic\"", "spec.metrics[0].type: Unsupported value: \"Magic\"" },
        { "horizontalpodautoscalers", "spec.metrics[0].resource = -", "spec.metrics[0].resource: Required value: must populate information for the given metric source" },
        { "horizontalpodautoscalers", "spec.metrics[0].resource.name = -", "spec.metrics[0].resource.name: Required value" },
        { "horizontalpodautoscalers", $"{HpaTarget}.type = -", $"{HpaTarget}.type: Required value: must specify a metric target type, {HpaTarget}.type: Invalid value: \"\": must be either" },
        { "horizontalpodautoscalers", $"{HpaTarget}.averageValue = -", $"{HpaTarget}.averageUtilization: Required value: must set either a target raw value or a target utilization" },
        { "horizontalpodautoscalers", $"{HpaTarget}.averageUtilization = 50", $"{HpaTarget}.averageValue: Forbidden: may not set both a target raw value and a target utilization" },
        { "horizontalpodautoscalers", $"{HpaTarget}.averageValue = -\n{HpaTarget}.averageUtilization = 0", $"{HpaTarget}.averageUtilization: Invalid value: 0: must be greater than 0" },
        { "horizontalpodautoscalers", $"{HpaTarget}.averageValue = \"0\"", $"{HpaTarget}.averageValue: Invalid value: \"0\": must be positive" },
        { "horizontalpodautoscalers", "spec.minReplicas = 0", "spec.metrics: Forbidden: must specify at least one Object or External metric to support scaling to zero replicas" },
        { "horizontalpodautoscalers", "spec.scaleTargetRef.name = \"a/b\"", "spec.scaleTargetRef.name: Invalid value: \"a/b\": may not contain '/'" },
        { "horizontalpodautoscalers", "spec.scaleTargetRef.kind = \"..\"", "spec.scaleTargetRef.kind: Invalid value: \"..\": may not be '..'" },
        { "horizontalpodautoscalers", "spec.scaleTargetRef.apiVersion = -", "spec.scaleTargetRef.apiVersion: Invalid value: \"\": apiVersion must specify API group" },
        { "horizontalpodautoscalers", "spec.scaleTargetRef.apiVersion = \"a/b/c\"", "spec.scaleTargetRef.apiVersion: Invalid value: \"a/b/c\": unexpected GroupVersion string: a/b/c" },
        { "horizontalpodautoscalers", "spec.metrics[0].type = -", "spec.metrics[0].type: Required value: must specify a metric source type, spec.metrics[0].type: Unsupported value: \"\": supported values: \"ContainerResource\", \"External\", \"Object\", \"Pods\", \"Resource\"" },
        { "horizontalpodautoscalers", "spec.metrics[0].type = \"Pods\"", "spec.metrics[0].pods: Required value: must populate information for the given metric source" },
        { "horizontalpodautoscalers", "spec.metrics[0].pods = {}", "spec.metrics[0].pods: Forbidden: must populate the given metric source only" },
        { "horizontalpodautoscalers", "spec.metrics[0].resource.target.type = \"x\"", "spec.metrics[0].resource.target.type: Invalid value: \"x\": must be either Utilization, Value, or AverageValue" },
        { "horizontalpodautoscalers", "spec.metrics[0] = {\"type\":\"Pods\",\"pods\":{\"metric\":{\"name\":\"x\"},\"target\":{\"type\":\"Value\",\"value\":\"1\"}}}", "spec.metrics[0].pods.target.averageValue: Required value: must specify a positive target averageValue" },
        { "horizontalpodautoscalers", "spec.metrics[0] = {\"type\":\"Pods\",\"pods\":{\"target\":{\"type\":\"AverageValue\",\"averageValue\":\"1\"}}}", "spec.metrics[0].pods.metric.name: Required value: must specify a metric name" },
        { "horizontalpodautoscalers", "spec.metrics[0] = {\"type\":\"Object\",\"object\":{\"metric\":{\"name\":\"x\"},\"target\":{\"type\":\"Value\",\"value\":\"1\"}}}", "spec.metrics[0].object.describedObject.kind: Required value, spec.metrics[0].object.describedObject.name: Required value" },
        { "horizontalpodautoscalers", "spec.metrics[0] = {\"type\":\"External\",\"external\":{\"metric\":{\"name\":\"x\"},\"target\":{\"type\":\"Value\",\"value\":\"1\",\"averageValue\":\"2\"}}}", "spec.metrics[0].external.target.value: Forbidden: may not set both a target value for metric and a per-pod target" },
        { "horizontalpodautoscalers", "spec.metrics[0] = {\"type\":\"External\",\"external\":{\"metric\":{\"name\":\"x\"},\"target\":{\"type\":\"Value\"}}}", "spec.metrics[0].external.target.averageValue: Required value: must set either a target value for metric or a per-pod target" },
        { "horizontalpodautoscalers", "spec.metrics[0] = {\"type\":\"ContainerResource\",\"containerResource\":{\"name\":\"cpu\",\"target\":{\"type\":\"Utilization\",\"averageUtilization\":5}}}", "spec.metrics[0].containerResource.container: Required value: must specify a container" },
        { "horizontalpodautoscalers", "spec.behavior = {\"scaleUp\":{\"policies\":[]}}", "spec.behavior.scaleUp.policies: Required value: must specify at least one Policy" },
        { "horizontalpodautoscalers", "spec.behavior = {\"scaleUp\":{\"policies\":[{\"type\":\"x\",\"value\":0,\"periodSeconds\":1801}]}}", "[spec.behavior.scaleUp.policies[0].type: Unsupported value: \"x\": supported values: \"Percent\", \"Pods\", spec.behavior.scaleUp.policies[0].value: Invalid value: 0: must be greater than zero, spec.behavior.scaleUp.policies[0].periodSeconds: Invalid value: 1801: must be less than or equal to 1800]" },
        { "horizontalpodautoscalers", "spec.behavior = {\"scaleUp\":{\"selectPolicy\":\"x\"}}", "spec.behavior.scaleUp.selectPolicy: Unsupported value: \"x\": supported values: \"Disabled\", \"Max\", \"Min\"" },
        { "horizontalpodautoscalers", "spec.behavior = {\"scaleDown\":{\"tolerance\":\"-1\"}}", "spec.behavior.scaleDown.tolerance: Invalid value: \"-1\": must be greater than or equal to 0" },
        { "horizontalpodautoscalers", "spec.behavior = {\"scaleDown\":{\"stabilizationWindowSeconds\":-1}}", "spec.behavior.scaleDown.stabilizationWindowSeconds: Invalid value: -1: must be greater than or equal to zero" },
        { "horizontalpodautoscalers", "spec.behavior = {\"scaleUp\":{\"stabilizationWindowSeconds\":3601}}", "spec.behavior.scaleUp.stabilizationWindowSeconds: Invalid value: 3601: must be less than or equal to 3600" },
        { "endpointslices", "addressType = -", "addressType: Required value" },
        { "endpointslices", "endpoints[0].addresses = []", "endpoints[0].addresses: Required value: must contain at least 1 address" },
        { "endpointslices", "addressType = \"IPv6\"\nendpoints[0].addresses = [\"2001:db8::5efe:10.0.0.1\"]", "endpoints[0].addresses[0]: Invalid value: \"2001:db8::5efe:10.0.0.1\": must be in canonical form (\"2001:db8::5efe:a00:1\")" },
        { "endpointslices", "endpoints[0].addresses = [\"::1\"]", "endpoints[0].addresses: Invalid value: \"::1\": must be an IPv4 address" },
    };

    private static string Volume(string source) => $"spec.volumes = [{source.Insert(1, "\"name\":\"v\",")}]";

    [Theory]
    [MemberData(nameof(Bad))]
    public void Object_BadSpec_IsInvalid(string plural, string edits, string expected)
    {
        var kind = Kinds.All.First(k => k.Plural == plural && !k.IsCustom);
        var ctx = new AdmissionContext();
        var tree = Edits.Parse(Sample(plural)).Edit(edits).Defaulted(kind, ctx);
        var errors = Validation.Validate(kind, tree, null, ctx);
        Assert.NotEmpty(errors);
        var refusal = Validation.ToException(kind, "x", errors);
        Assert.Equal((422, "Invalid"), (refusal.Code, refusal.Reason));
        Assert.Contains(expected, refusal.Message, StringComparison.Ordinal);
    }

    /// <summary>The causes are all there; their texts are said once each (apimachinery: ErrorList.ToAggregate).</summary>
    [Fact]
    public void AnErrorThatIsThereTwice_IsSaidOnce()
    {
        var cause = new FieldError("FieldValueRequired", "Required value", "spec.a");
        var refusal = Validation.ToException(Kinds.Pod, "x", [cause, cause with { Field = "spec.b" }, cause]);
        Assert.Equal("Pod \"x\" is invalid: [spec.a: Required value, spec.b: Required value]", refusal.Message);
        Assert.Equal(3, refusal.Causes.Count);
        Assert.Equal("Pod \"x\" is invalid: spec.a: Required value", Validation.ToException(Kinds.Pod, "x", [cause, cause]).Message);
    }

    [Theory]
    [InlineData("services", "spec.externalIPs = [\"1.2.3.4\"]", "spec.externalIPs is deprecated and may no longer be implemented in some clusters")]
    [InlineData("services", "spec.externalIPs = [\"1.2.3.4\"] ; spec.clusterIP = \"None\" ; spec.clusterIPs = [\"None\"] ; spec.sessionAffinity = \"ClientIP\"", "spec.externalIPs is ignored for headless services|spec.SessionAffinity is ignored for headless services")]
    [InlineData("services", "spec.externalIPs = [\"1.2.3.4\"] ; spec.type = \"ExternalName\" ; spec.externalName = \"a.b\"", "spec.externalIPs is ignored when spec.type is \"ExternalName\"")]
    [InlineData("services", "spec.externalName = \"a.b\"", "spec.externalName is ignored when spec.type is not \"ExternalName\"")]
    [InlineData("services", "spec.trafficDistribution = \"PreferClose\"", "spec.trafficDistribution: \"PreferClose\" is deprecated; use \"PreferSameZone\"")]
    [InlineData("services", "spec.trafficDistribution = \"PreferSameZone\"", "")]
    [InlineData("endpointslices", "addressType = \"FQDN\" ; endpoints = [{\"addresses\":[\"a.b\"]}]", "spec.addressType: FQDN endpoints are deprecated")]
    [InlineData("endpointslices", "metadata.labels = {}", "")]
    [InlineData("services", "spec.externalIPs = [\"1.2.3.4\",\"x\"]", "")] // what is refused is not warned of
    [InlineData("endpointslices", "addressType = \"FQDN\" ; endpoints = [{\"addresses\":[\"A_b\"]}]", "")]
    public void WhatIsOldOrWithoutMeaning_IsWarnedOf(string plural, string edits, string expected)
    {
        var kind = Kinds.All.First(k => k.Plural == plural && !k.IsCustom);
        var warnings = new List<string>();
        var ctx = new AdmissionContext { Warn = warnings.Add };
        var tree = Edits.Parse(Sample(plural)).Edit(edits.Replace(" ; ", "\n", StringComparison.Ordinal)).Defaulted(kind, ctx);
        Validation.Validate(kind, tree, null, ctx);
        Assert.Equal(expected, string.Join('|', warnings));
    }

    [Theory]
    [InlineData("pods")]
    [InlineData("deployments")]
    [InlineData("services")]
    [InlineData("configmaps")]
    [InlineData("secrets")]
    [InlineData("endpointslices")]
    [InlineData("horizontalpodautoscalers")]
    public void Object_Good_IsAccepted(string plural)
    {
        var kind = Kinds.All.First(k => k.Plural == plural && !k.IsCustom);
        var tree = Edits.Parse(Sample(plural)).Defaulted(kind, new AdmissionContext());
        Assert.Empty(Validation.Validate(kind, tree, null, new AdmissionContext()));
    }

    [Theory]
    [InlineData("2001:db8::5efe:a00:1")] // what .NET writes ...:5efe:10.0.0.1
    [InlineData("64:ff9b::102:304")]
    public void Slice_OfAnAddressAsGoWritesIt_IsAccepted(string address)
    {
        var tree = Edits.Parse(Slice).Edit($"addressType = \"IPv6\"\nendpoints[0].addresses = [\"{address}\"]").Defaulted(Kinds.EndpointSlice, new AdmissionContext());
        Assert.Empty(Validation.Validate(Kinds.EndpointSlice, tree, null, new AdmissionContext()));
    }

    [Fact]
    public void ConfigMap_TooLarge_IsInvalid()
    {
        var tree = Edits.Parse(ConfigMap);
        tree["data"]!["k"] = new string('x', (1024 * 1024) + 1);
        Assert.Contains(Validation.Validate(Kinds.ConfigMap, tree, null, new AdmissionContext()), e => e.Reason == "FieldValueTooLong");
        tree["data"]!["k"] = "";
        tree["metadata"]!["annotations"] = Edits.Parse("{}");
        tree["metadata"]!["annotations"]!["a"] = new string('x', 256 * 1024);
        Assert.Contains(Validation.Validate(Kinds.ConfigMap, tree, null, new AdmissionContext()), e => e.Field == "metadata.annotations");
    }

    [Fact]
    public void ConfigMap_ImmutableAndSelector_DoNotChange()
    {
        var update = new AdmissionContext { Operation = AdmissionOperation.Update };
        var old = Edits.Parse(ConfigMap).Edit("immutable = true");
        var changed = Edits.Parse(ConfigMap).Edit("immutable = true\ndata.k = \"w\"");
        Assert.Equal("data", Assert.Single(Validation.Validate(Kinds.ConfigMap, changed, old, update)).Field);
        var before = Edits.Parse(Deployment).Defaulted(Kinds.Deployment, update);
        var after = Edits.Parse(Deployment).Edit("spec.selector.matchLabels.x = \"y\"\nspec.template.metadata.labels.x = \"y\"").Defaulted(Kinds.Deployment, update);
        Assert.EndsWith("field is immutable", Assert.Single(Validation.Validate(Kinds.Deployment, after, before, update)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ConfigMap_OfKnative_IsCheckedBeforeItIsStored()
    {
        var warnings = new List<string>();
        var ctx = new AdmissionContext { Warn = warnings.Add };
        var bad = Edits.Parse("""{"metadata":{"name":"config-autoscaler","namespace":"knative-serving"},"data":{"stable-window":"5s","typo":"x"}}""");
        var refusal = Validation.ToException(Kinds.ConfigMap, "config-autoscaler", Validation.Validate(Kinds.ConfigMap, bad, null, ctx));
        Assert.Equal(400, refusal.Code);
        Assert.Equal("admission webhook \"config.webhook.serving.knative.dev\" denied the request: validation failed: "
            + "invalid value: 5s: must be between 6s and 1h0m0s: data[stable-window]", refusal.Message);
        Assert.Contains("typo", Assert.Single(warnings), StringComparison.Ordinal);
        bad["metadata"]!["namespace"] = "other";
        Assert.Empty(Validation.Validate(Kinds.ConfigMap, bad, null, ctx));
    }

    /// <summary>"83dcefb7" is the CRC-32 of "1", "2b4ed320" that of three lines.</summary>
    [Theory]
    [InlineData("config-gc", "1", "83dcefb7", true)]
    [InlineData("config-gc", " 1 \n", "83dcefb7", true)]
    [InlineData("config-gc", "a somewhat\r\n\nlonger\n\ntext", "2b4ed320", true)]
    [InlineData("config-gc", "", "00000000", true)]
    [InlineData("config-gc", "2", "83dcefb7", false)]
    [InlineData("config-mine", "2", "83dcefb7", true)]
    public void ConfigMap_OfKnative_ExampleMayNotBeEdited(string name, string example, string checksum, bool accepted)
    {
        var map = Edits.Parse("""{"metadata":{"namespace":"knative-serving","annotations":{}},"data":{}}""");
        map["metadata"]!["name"] = name;
        map["metadata"]!["annotations"]!["knative.dev/example-checksum"] = checksum;
        map["data"]!["_example"] = example;
        var errors = Validation.Validate(Kinds.ConfigMap, map, null, new AdmissionContext());
        Assert.Equal(accepted, errors.Count == 0);
        Assert.All(errors, e => Assert.Equal(
            ("config.webhook.serving.knative.dev", "data[_example]",
                "the update modifies a key in \"_example\" which is probably not what you want. Instead, copy the respective setting to the top-level of the ConfigMap, directly below \"data\""),
            (e.Webhook, e.Field, e.Message)));
    }

    [Theory]
    [InlineData("Ingress", """{"metadata":{"name":"i","namespace":"d"},"spec":{"rules":[{"http":{"paths":[{"splits":[{"serviceName":"s","serviceNamespace":"other","servicePort":80}]}]}}]}}""", "service namespace must match ingress namespace")]
    [InlineData("Ingress", """{"metadata":{"name":"i","namespace":"d"},"spec":{"httpOption":"Enabled"}}""", "missing field(s): spec.rules")]
    [InlineData("Ingress", """{"metadata":{"name":"i","namespace":"d"},"spec":{"rules":[{}]}}""", "missing field(s): spec.rules[0].http")]
    [InlineData("ServerlessService", """{"metadata":{"name":"s","namespace":"d"},"spec":{"mode":"Other","objectRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"x"}}}""", "invalid value: Other: spec.mode")]
    [InlineData("Certificate", """{"metadata":{"name":"c","namespace":"d"},"spec":{"secretName":"s"}}""", "missing field(s): spec.dnsNames")]
    [InlineData("Certificate", """{"metadata":{"name":"c","namespace":"d"},"spec":{"dnsNames":["a.test"]}}""", "missing field(s): spec.secretName")]
    [InlineData("Certificate", """{"metadata":{"name":"c","namespace":"d"},"spec":{}}""", "missing field(s): spec.dnsNames, spec.secretName")]
    [InlineData("Certificate", """{"metadata":{"name":"c","namespace":"d"},"spec":{"dnsNames":["a.test",""],"secretName":"s"}}""", "invalid value: : spec.dnsNames[1]")]
    [InlineData("Certificate", """{"metadata":{"name":"c","namespace":"d"},"spec":{"dnsNames":["a.test","ab.test"],"domain":"b.test","secretName":"s"}}""", "invalid value: domain: spec.domain must be a suffix of, or match exactly, at least one entry in dnsNames")]
    [InlineData("PodAutoscaler", """{"metadata":{"name":"p","namespace":"d"},"spec":{"protocolType":"h3"}}""", "missing field(s): spec.scaleTargetRef.apiVersion, spec.scaleTargetRef.kind, spec.scaleTargetRef.name")]
    public void Internal_BadSpec_IsRefused(string kindName, string json, string expected)
    {
        var kind = Kinds.All.First(k => k.Kind == kindName && k.IsCustom);
        var tree = Edits.Parse(json).Defaulted(kind, new AdmissionContext());
        Assert.Contains(expected, Validation.Describe(Validation.Validate(kind, tree, null, new AdmissionContext())), StringComparison.Ordinal);
    }

    private static string Sample(string plural) => plural switch
    {
        "pods" => Pod,
        "deployments" => Deployment,
        "services" => Service,
        "configmaps" => ConfigMap,
        "secrets" => Secret,
        "horizontalpodautoscalers" => Hpa,
        _ => Slice,
    };
}
