using System.Text;
using System.Text.Json.Nodes;
using Serval.Api.Admission;

namespace Serval.Api.Tests.Admission;

/// <summary>Kinds that are stored and not acted on: filled in and refused as kube-apiserver 1.36.2 does it.</summary>
public sealed class StoredRulesTests
{
    private const string Pod = """{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i:1"}]}}""";

    public static TheoryData<string, string, string> Bad => new()
    {
        { "cronjobs", "spec.schedule = -", "spec.schedule: Required value" },
        { "cronjobs", "spec.schedule = \"x\"", "spec.schedule: Invalid value: \"x\": expected exactly 5 fields, found 1: [x]" },
        { "cronjobs", "spec.schedule = \"TZ=UTC * * * * *\"", "spec.schedule: Invalid value: \"TZ=UTC * * * * *\": cannot use TZ or CRON_TZ in schedule, use timeZone field instead" },
        { "cronjobs", "spec.timeZone = \"\"", "spec.timeZone: Invalid value: \"\": timeZone must be nil or non-empty string" },
        { "cronjobs", "spec.timeZone = \"Mars//X\"", "spec.timeZone: Invalid value: \"Mars//X\": unknown time zone Mars//X" },
        { "cronjobs", "spec.timeZone = \"Local\"", "spec.timeZone: Invalid value: \"Local\": timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones" },
        { "cronjobs", "spec.concurrencyPolicy = \"x\"", "spec.concurrencyPolicy: Unsupported value: \"x\": supported values: \"Allow\", \"Forbid\", \"Replace\"" },
        { "cronjobs", "spec.successfulJobsHistoryLimit = -1", "spec.successfulJobsHistoryLimit: Invalid value: -1: must be greater than or equal to 0" },
        { "cronjobs", "spec.startingDeadlineSeconds = -1", "spec.startingDeadlineSeconds: Invalid value: -1: must be greater than or equal to 0" },
        { "cronjobs", "spec.jobTemplate = -", "spec.jobTemplate.spec.template.spec.containers: Required value ; spec.jobTemplate.spec.template.spec.restartPolicy: Required value: valid values: \"OnFailure\", \"Never\"" },
        { "cronjobs", "spec.jobTemplate.spec.manualSelector = true", "spec.jobTemplate.spec.manualSelector: Unsupported value: true: supported values: \"nil\", \"false\"" },
        { "cronjobs", "metadata.name = \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"", "metadata.name: Invalid value: \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\": must be no more than 52 characters" },
        { "statefulsets", "spec.selector = -", "spec.selector: Required value ; spec.template.metadata.labels: Invalid value: {\"a\":\"b\"}: `selector` does not match template `labels`" },
        { "statefulsets", "spec.selector.matchLabels.a = \"c\"", "spec.template.metadata.labels: Invalid value: {\"a\":\"b\"}: `selector` does not match template `labels`" },
        { "statefulsets", "spec.podManagementPolicy = \"x\"", "spec.podManagementPolicy: Invalid value: \"x\": must be 'OrderedReady' or 'Parallel'" },
        { "statefulsets", "spec.replicas = -1", "spec.replicas: Invalid value: -1: must be greater than or equal to 0" },
        { "statefulsets", "spec.serviceName = \"A_\"", "spec.serviceName: Invalid value: \"A_\": a lowercase RFC 1123 label must consist" },
        { "statefulsets", "spec.updateStrategy = {\"type\":\"OnDelete\",\"rollingUpdate\":{}}", "spec.updateStrategy.rollingUpdate: Invalid value: {}: only allowed for updateStrategy 'RollingUpdate'" },
        { "statefulsets", "spec.template.spec.containers[0].volumeMounts = [{\"name\":\"x\",\"mountPath\":\"/x\"}]", "spec.template.spec.containers[0].volumeMounts[0].name: Not found: \"x\"" },
        { "daemonsets", "spec.selector.matchLabels.a = \"c\"", "spec.template.metadata.labels: Invalid value: {\"a\":\"b\"}: `selector` does not match template `labels`" },
        { "daemonsets", "spec.updateStrategy = {\"rollingUpdate\":{\"maxSurge\":1}}", "spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero" },
        { "daemonsets", "spec.updateStrategy = {\"rollingUpdate\":{\"maxUnavailable\":0}}", "spec.updateStrategy.rollingUpdate.maxUnavailable: Required value: cannot be 0 when maxSurge is 0" },
        { "replicationcontrollers", "spec.selector = {\"a\":\"c\"}", "spec.template.metadata.labels: Invalid value: {\"a\":\"b\"}: `selector` does not match template `labels`" },
        { "replicationcontrollers", "spec.template = -", "spec.selector: Required value ; spec.template: Required value" },
        { "persistentvolumeclaims", "spec.accessModes = -", "spec.accessModes: Required value: at least 1 access mode is required" },
        { "persistentvolumeclaims", "spec.accessModes = [\"x\"]", "spec.accessModes: Unsupported value: \"x\": supported values: \"ReadOnlyMany\", \"ReadWriteMany\", \"ReadWriteOnce\", \"ReadWriteOncePod\"" },
        { "persistentvolumeclaims", "spec.resources = -", "spec.resources[storage]: Required value" },
        { "persistentvolumeclaims", "spec.resources.requests.storage = \"0\"", "spec.resources[storage]: Invalid value: \"0\": must be greater than zero" },
        { "networkpolicies", "spec.policyTypes = [\"x\"]", "spec.policyTypes[0]: Unsupported value: \"x\": supported values: \"Ingress\", \"Egress\"" },
        { "networkpolicies", "spec.ingress = [{\"ports\":[{\"port\":0}]}]", "spec.ingress[0].ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive" },
        { "networkpolicies", "spec.ingress = [{\"from\":[{}]}]", "spec.ingress[0].from[0]: Required value: must specify a peer" },
        { "networkpolicies", "spec.egress = [{\"to\":[{\"ipBlock\":{\"cidr\":\"10.0.0.0/8\",\"except\":[\"11.0.0.0/16\"]}}]}]", "spec.egress[0].to[0].ipBlock.except[0]: Invalid value: \"11.0.0.0/16\": must be a strict subset of `cidr`" },
        { "networkpolicies", "spec.ingress = [{\"ports\":[{\"port\":\"web\",\"endPort\":90}]}]", "spec.ingress[0].ports[0].endPort: Invalid value: 90: may not be specified when `port` is non-numeric" },
        { "ingresses", "spec = {}", "spec: Invalid value: null: either `defaultBackend` or `rules` must be specified" },
        { "ingresses", "spec.rules[0].http.paths[0].pathType = -", "spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified" },
        { "ingresses", "spec.rules[0].http.paths[0].pathType = \"x\"", "spec.rules[0].http.paths[0].pathType: Unsupported value: \"x\": supported values: \"Exact\", \"ImplementationSpecific\", \"Prefix\"" },
        { "ingresses", "spec.rules[0].http.paths[0].path = \"a\"", "spec.rules[0].http.paths[0].path: Invalid value: \"a\": must be an absolute path" },
        { "ingresses", "spec.rules[0].http.paths[0].path = \"/a/..\"", "spec.rules[0].http.paths[0].path: Invalid value: \"/a/..\": cannot end with '/..'" },
        { "ingresses", "spec.rules[0].http.paths[0].backend = -", "spec.rules[0].http.paths[0].backend: Invalid value: \"\": resource or service backend is required" },
        { "ingresses", "spec.rules[0].http.paths[0].backend.service.port = -", "spec.rules[0].http.paths[0].backend: Required value: port name or number is required" },
        { "ingresses", "spec.rules[0].host = \"1.2.3.4\"", "spec.rules[0].host: Invalid value: \"1.2.3.4\": must be a DNS name, not an IP address" },
        { "ingresses", "spec.rules[0].host = \"A_\"", "spec.rules[0].host: Invalid value: \"A_\": a lowercase RFC 1123 subdomain must consist" },
        { "ingresses", "spec.rules[0].host = \"a.*.b\"", "spec.rules[0].host: Invalid value: \"a.*.b\": a wildcard DNS-1123 subdomain must start with '*.'" },
        { "limitranges", "spec.limits[0].type = \"x\"", "spec.limits[0].type: Invalid value: \"x\": must be a standard limit type or fully qualified" },
        { "limitranges", "spec.limits[1] = {\"type\":\"Container\"}", "spec.limits[1].type: Duplicate value: \"Container\"" },
        { "limitranges", "spec.limits[0] = {\"type\":\"Container\",\"max\":{\"cpu\":\"2\"},\"min\":{\"cpu\":\"3\"}}", "spec.limits[0].min[cpu]: Invalid value: \"3\": min value 3 is greater than max value 2 ; spec.limits[0].defaultRequest[cpu]: Invalid value: \"2\": min value 3 is greater than default request value 2 ; spec.limits[0].default[cpu]: Invalid value: \"3\": min value 3 is greater than default value 2" },
        { "limitranges", "spec.limits[0] = {\"type\":\"Container\",\"max\":{\"cpu\":\"2\"},\"default\":{\"cpu\":\"3\"},\"defaultRequest\":{\"cpu\":\"1\"}}", "spec.limits[0].default[cpu]: Invalid value: \"2\": default value 3 is greater than max value 2" },
        { "limitranges", "spec.limits[0] = {\"type\":\"Pod\",\"default\":{\"cpu\":\"3\"}}", "spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'" },
        { "limitranges", "spec.limits[0].maxLimitRequestRatio = {\"cpu\":\"500m\"}", "spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: \"500m\": ratio 500m is less than 1" },
        { "limitranges", "spec.limits[0] = {\"type\":\"Container\",\"max\":{\"cpu\":\"2\"},\"min\":{\"cpu\":\"1\"},\"maxLimitRequestRatio\":{\"cpu\":\"50\"}}", "spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: \"50\": ratio 50 is greater than max/min = 2.000000" },
        { "limitranges", "spec.limits[0] = {\"type\":\"Container\",\"max\":{\"pods\":\"2\"}}", "spec.limits[0].max[pods]: Invalid value: \"pods\": must be a standard resource for containers ; spec.limits[0].default[pods]: Invalid value: \"pods\": must be a standard resource for containers ; spec.limits[0].defaultRequest[pods]: Invalid value: \"pods\": must be a standard resource for containers" },
        { "limitranges", "spec.limits[0] = {\"type\":\"Pod\",\"max\":{\"mem\":\"2\"}}", "spec.limits[0].max[mem]: Invalid value: \"mem\": must be a standard resource type or fully qualified ; spec.limits[0].max[mem]: Invalid value: \"mem\": must be a standard resource for containers" },
        { "limitranges", "spec.limits[0] = {\"type\":\"PersistentVolumeClaim\"}", "spec.limits[0].limits: Required value: either minimum or maximum storage value is required, but neither was provided" },
        { "apiservices", "metadata.name = \"v1.b.c\"", "metadata.name: Invalid value: \"v1.b.c\": must be `spec.version+\".\"+spec.group`: \"v1.a.b\"" },
        { "apiservices", "spec.group = -", "metadata.name: Invalid value: \"v1.a.b\": must be `spec.version+\".\"+spec.group`: \"v1.\"" },
        { "apiservices", "spec.groupPriorityMinimum = 20001", "spec.groupPriorityMinimum: Invalid value: 20001: must be positive and less than 20000" },
        { "apiservices", "spec.versionPriority = -", "spec.versionPriority: Invalid value: 0: must be positive and less than 1000" },
        { "apiservices", "spec.service.name = -", "spec.service.name: Required value" },
        { "apiservices", "spec.service.port = 65536", "spec.service.port: Invalid value: 65536: port is not valid: must be between 1 and 65535, inclusive" },
        { "apiservices", "spec.caBundle = \"YWJj\"", "spec.insecureSkipTLSVerify: Invalid value: true: may not be true if caBundle is present" },
        { "apiservices", "spec.service = -", "spec.insecureSkipTLSVerify: Invalid value: true: local APIServices may not have insecureSkipTLSVerify" },
        { "apiservices", "spec = {\"group\":\"a.b\",\"version\":\"v1\",\"groupPriorityMinimum\":1,\"versionPriority\":1,\"caBundle\":\"YWI=\"}", "spec.caBundle: Invalid value: \"2 bytes\": local APIServices may not have a caBundle" },
    };

    public static TheoryData<string, string, string> Completed => new()
    {
        { "cronjobs", """{"spec":{"schedule":"* * * * *"}}""",
          """{"spec":{"concurrencyPolicy":"Allow","failedJobsHistoryLimit":1,"jobTemplate":{"spec":{"template":{"spec":{"dnsPolicy":"ClusterFirst","restartPolicy":"Always","schedulerName":"default-scheduler","securityContext":{},"terminationGracePeriodSeconds":30}}}},"schedule":"* * * * *","successfulJobsHistoryLimit":3,"suspend":false}}""" },
        { "statefulsets", """{"spec":{"template":{"spec":{"restartPolicy":"Always","dnsPolicy":"Default","schedulerName":"s","securityContext":{},"terminationGracePeriodSeconds":1}},"volumeClaimTemplates":[{"metadata":{"name":"v"}}]}}""",
          """{"spec":{"persistentVolumeClaimRetentionPolicy":{"whenDeleted":"Retain","whenScaled":"Retain"},"podManagementPolicy":"OrderedReady","replicas":1,"revisionHistoryLimit":10,"template":{"spec":{"dnsPolicy":"Default","restartPolicy":"Always","schedulerName":"s","securityContext":{},"terminationGracePeriodSeconds":1}},"updateStrategy":{"rollingUpdate":{"partition":0},"type":"RollingUpdate"},"volumeClaimTemplates":[{"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{"name":"v"},"spec":{"volumeMode":"Filesystem"},"status":{"phase":"Pending"}}]}}""" },
        { "daemonsets", """{"spec":{"updateStrategy":{"type":"OnDelete"},"template":{"spec":{"restartPolicy":"Always","dnsPolicy":"Default","schedulerName":"s","securityContext":{},"terminationGracePeriodSeconds":1}}}}""",
          """{"spec":{"revisionHistoryLimit":10,"template":{"spec":{"dnsPolicy":"Default","restartPolicy":"Always","schedulerName":"s","securityContext":{},"terminationGracePeriodSeconds":1}},"updateStrategy":{"type":"OnDelete"}}}""" },
        { "persistentvolumeclaims", """{"spec":{}}""", """{"spec":{"volumeMode":"Filesystem"},"status":{"phase":"Pending"}}""" },
        { "persistentvolumes", """{"spec":{}}""", """{"spec":{"persistentVolumeReclaimPolicy":"Retain","volumeMode":"Filesystem"},"status":{"phase":"Pending"}}""" },
        { "storageclasses", """{"provisioner":"p"}""", """{"provisioner":"p","reclaimPolicy":"Delete","volumeBindingMode":"Immediate"}""" },
        { "networkpolicies", """{"spec":{"egress":[{"ports":[{"port":53}]}]}}""", """{"spec":{"egress":[{"ports":[{"port":53,"protocol":"TCP"}]}],"podSelector":{},"policyTypes":["Ingress","Egress"]}}""" },
        { "replicationcontrollers", """{"metadata":{"name":"r"},"spec":{"template":{"metadata":{"labels":{"a":"b"}},"spec":{"restartPolicy":"Always","dnsPolicy":"Default","schedulerName":"s","securityContext":{},"terminationGracePeriodSeconds":1}}}}""",
          """{"metadata":{"labels":{"a":"b"},"name":"r"},"spec":{"replicas":1,"selector":{"a":"b"},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"dnsPolicy":"Default","restartPolicy":"Always","schedulerName":"s","securityContext":{},"terminationGracePeriodSeconds":1}}}}""" },
        { "mutatingwebhookconfigurations", """{"webhooks":[{"name":"a.b.c","clientConfig":{"service":{"name":"s"}},"rules":[{}]}]}""",
          """{"webhooks":[{"clientConfig":{"service":{"name":"s","port":443}},"failurePolicy":"Fail","matchPolicy":"Equivalent","name":"a.b.c","namespaceSelector":{},"objectSelector":{},"reinvocationPolicy":"Never","rules":[{"scope":"*"}],"timeoutSeconds":10}]}""" },
    };

    [Theory]
    [MemberData(nameof(Bad))]
    public void Refused(string plural, string edits, string expected)
    {
        var kind = Kind(plural);
        var tree = Edits.Parse(Sample(plural)).Edit(edits).Defaulted(kind, new AdmissionContext());
        var actual = Errors(kind, tree, null);
        Assert.True(actual == expected || (actual.StartsWith(expected, StringComparison.Ordinal) && !actual.Contains(" ; ", StringComparison.Ordinal)), actual);
    }

    [Theory]
    [InlineData("cronjobs")]
    [InlineData("statefulsets")]
    [InlineData("daemonsets")]
    [InlineData("replicationcontrollers")]
    [InlineData("persistentvolumeclaims")]
    [InlineData("networkpolicies")]
    [InlineData("ingresses")]
    [InlineData("limitranges")]
    [InlineData("apiservices")]
    public void Good_IsAccepted(string plural) =>
        Assert.Equal("", Errors(Kind(plural), Edits.Parse(Sample(plural)).Defaulted(Kind(plural), new AdmissionContext()), null));

    /// <summary>An object from before there were rules can still be labelled; what an update changes is judged.</summary>
    [Theory]
    [InlineData("cronjobs", "spec.schedule = \"x\"", "spec.suspend = true")]
    [InlineData("statefulsets", "spec.selector.matchLabels.a = \"c\"", "spec.replicas = 3")]
    [InlineData("ingresses", "spec.rules[0].http.paths[0].pathType = -", "spec.rules[0].host = \"b\"")]
    public void StoredBefore_IsJudgedWhenItsSpecChanges(string plural, string wrong, string change)
    {
        var (kind, update) = (Kind(plural), new AdmissionContext { Operation = AdmissionOperation.Update });
        var old = Edits.Parse(Sample(plural)).Edit(wrong);
        var labelled = old.DeepClone().AsObject().Edit("metadata.labels.x = \"y\"").Defaulted(kind, update, old);
        Assert.Equal("", Errors(kind, labelled, old));
        Assert.NotEqual("", Errors(kind, labelled.Edit(change), old));
    }

    /// <summary>Stored before there were defaults, and changed with or without them (a scale does not fill in).</summary>
    [Theory]
    [InlineData("statefulsets", "spec.replicas = 5")]
    [InlineData("statefulsets", "spec.template.spec.containers[0].image = \"i:2\"")]
    [InlineData("statefulsets", "spec.serviceName = \"\"")]
    [InlineData("replicationcontrollers", "spec.replicas = 5")]
    public void StoredBare_StaysOfUse(string plural, string change)
    {
        var (kind, update) = (Kind(plural), new AdmissionContext { Operation = AdmissionOperation.Update });
        var old = Edits.Parse(Sample(plural));
        if (plural == "statefulsets")
        {
            old["spec"]!["volumeClaimTemplates"] = Edits.Parse("""{"l":[{"metadata":{"name":"v"},"spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Gi"}}}}]}""")["l"]!.DeepClone();
            old["spec"]!.AsObject().Remove("serviceName");
        }
        var next = old.DeepClone().AsObject().Edit(change);
        Assert.Equal("", Errors(kind, next, old));
        Assert.Equal("", Errors(kind, next.DeepClone().AsObject().Defaulted(kind, update, old), old));
    }

    [Theory]
    [InlineData("spec.successPolicy = {\"rules\":[]}")]
    [InlineData("spec.backoffLimitPerIndex = 1")]
    public void JobStoredBefore_CanBeLabelled(string wrong)
    {
        var update = new AdmissionContext { Operation = AdmissionOperation.Update };
        var old = Edits.Parse("""
            {"metadata":{"name":"a.b","namespace":"d","uid":"u"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},
             "spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]}}}}
            """).Defaulted(BatchKinds.Job, update).Edit(wrong);
        var labelled = old.DeepClone().AsObject().Edit("metadata.labels.x = \"y\"").Defaulted(BatchKinds.Job, update, old);
        Assert.Equal("", Errors(BatchKinds.Job, labelled, old));
        Assert.NotEqual("", Errors(BatchKinds.Job, labelled.Edit("spec.suspend = true"), old));
    }

    [Fact]
    public void AutoscalerStoredBefore_CanBeLabelled()
    {
        var update = new AdmissionContext { Operation = AdmissionOperation.Update };
        var old = Edits.Parse("""
            {"metadata":{"name":"h","namespace":"d"},"spec":{"maxReplicas":3,"scaleTargetRef":{"kind":"Deployment","name":"d","apiVersion":"apps/v1"},"metrics":[{"type":"Pods","pods":{"metric":{"name":"m"}}}]}}
            """);
        var labelled = old.DeepClone().AsObject().Edit("metadata.labels.x = \"y\"").Defaulted(Kinds.HorizontalPodAutoscaler, update, old);
        Assert.Equal("", Errors(Kinds.HorizontalPodAutoscaler, labelled, old));
        Assert.NotEqual("", Errors(Kinds.HorizontalPodAutoscaler, labelled.Edit("spec.maxReplicas = 4"), old));
    }

    [Theory]
    [InlineData("spec.replicas = 5", "")]
    [InlineData("spec.template.spec.containers[0].image = \"i:2\"", "")]
    [InlineData("spec.serviceName = \"other\"", "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden")]
    public void StatefulSet_ChangesOnlyInPart(string edits, string expected)
    {
        var (kind, update) = (Kind("statefulsets"), new AdmissionContext { Operation = AdmissionOperation.Update });
        var old = Edits.Parse(Sample("statefulsets")).Defaulted(kind, update);
        Assert.Equal(expected, Errors(kind, old.DeepClone().AsObject().Edit(edits), old));
    }

    [Theory]
    [InlineData("pods", "1", "")]
    [InlineData("count/deployments.apps", "1", "")]
    [InlineData("requests.nvidia.com/gpu", "1", "")]
    [InlineData("requests.cpu", "1500m", "")]
    [InlineData("pods", "1500m", "spec.hard[pods]: Invalid value: \"1500m\": must be an integer")]
    [InlineData("nope", "1", "spec.hard[nope]: Invalid value: \"nope\": must be a standard resource type or fully qualified ; spec.hard[nope]: Invalid value: \"nope\": must be a standard resource for quota")]
    [InlineData("storage", "1", "spec.hard[storage]: Invalid value: \"storage\": must be a standard resource for quota")]
    public void Quota_OfAName(string name, string amount, string expected)
    {
        var quota = Edits.Parse($$$$"""{"metadata":{"name":"q","namespace":"d"},"spec":{"hard":{"{{{{name}}}}":"{{{{amount}}}}"}}}""");
        Assert.Equal(expected, Errors(Kinds.ResourceQuota, quota, null));
        Assert.Equal("", Errors(Kinds.ResourceQuota, quota, quota)); // stored before there were rules
    }

    [Theory]
    [MemberData(nameof(Completed))]
    public void Default_FillsIn(string plural, string input, string expected)
    {
        var tree = Edits.Parse(input);
        for (var times = 0; times < 2; times++)
        {
            Defaulting.Apply(Kind(plural), tree, null, new AdmissionContext());
            Assert.Equal(expected, Encoding.UTF8.GetString(CanonicalJson.Serialize(tree)));
        }
    }

    private static ResourceKind Kind(string plural) => StoredKinds.All.First(k => k.Plural == plural);

    private static string Errors(ResourceKind kind, JsonObject tree, JsonObject? old) =>
        string.Join(" ; ", Validation.Validate(kind, tree, old, new AdmissionContext()).Select(e => $"{e.Field}: {e.Message}"));

    private static string Sample(string plural) => plural switch
    {
        "cronjobs" => """{"metadata":{"name":"j","namespace":"d"},"spec":{"schedule":"*/5 * * * *","jobTemplate":{"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i:1"}]}}}}}}""",
        "statefulsets" => $$$"""{"metadata":{"name":"s","namespace":"d"},"spec":{"serviceName":"s","selector":{"matchLabels":{"a":"b"}},"template":{{{Pod}}}}}""",
        "daemonsets" => $$$"""{"metadata":{"name":"s","namespace":"d"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{{{Pod}}}}}""",
        "replicationcontrollers" => $$$"""{"metadata":{"name":"s","namespace":"d"},"spec":{"template":{{{Pod}}}}}""",
        "persistentvolumeclaims" => """{"metadata":{"name":"s","namespace":"d"},"spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Gi"}}}}""",
        "networkpolicies" => """{"metadata":{"name":"s","namespace":"d"},"spec":{"podSelector":{},"ingress":[{"from":[{"podSelector":{}}],"ports":[{"port":80}]}]}}""",
        "ingresses" => """{"metadata":{"name":"s","namespace":"d"},"spec":{"rules":[{"host":"*.a.b","http":{"paths":[{"path":"/","pathType":"Prefix","backend":{"service":{"name":"s","port":{"number":80}}}}]}}]}}""",
        "limitranges" => """{"metadata":{"name":"s","namespace":"d"},"spec":{"limits":[{"type":"Container","default":{"cpu":"1"},"max":{"cpu":"2"}}]}}""",
        "apiservices" => """
            {"metadata":{"name":"v1.a.b"},"spec":{"group":"a.b","version":"v1","groupPriorityMinimum":1000,"versionPriority":15,"insecureSkipTLSVerify":true,"service":{"namespace":"n","name":"s"}}}
            """,
        _ => throw new ArgumentOutOfRangeException(nameof(plural), plural, "no sample"),
    };
}
