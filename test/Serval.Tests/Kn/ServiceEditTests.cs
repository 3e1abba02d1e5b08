using System.Text.Json.Nodes;
using Serval.Cli;
using Serval.Kn;

namespace Serval.Tests.Kn;

public sealed class ServiceEditTests
{
    [Theory]
    [InlineData("env B=2 | env-value-from A=cm:m:k | env C=x=y", "{env: [{name: B, value: '1'}]}", "{env: [{name: B, value: '2'}, {name: A, valueFrom: {configMapKeyRef: {name: m, key: k}}}, {name: C, value: x=y}]}")]
    [InlineData("env-value-from A=secret:s:k | env A=1 | env B-", "{env: [{name: B, value: '1'}]}", "{env: [{name: A, value: '1'}]}")]
    [InlineData("env A-", "{env: [{name: A, value: '1'}]}", "{}")]
    [InlineData("env A=", "{}", "{env: [{name: A, value: ''}]}")]
    [InlineData("env-from cm:m | env-from sc:s | env-from config-map:m", "{}", "{envFrom: [{configMapRef: {name: m}}, {secretRef: {name: s}}]}")]
    [InlineData("env-from cm:m- | env-from secret:m-", "{envFrom: [{configMapRef: {name: m}}, {secretRef: {name: s}}]}", "{envFrom: [{secretRef: {name: s}}]}")]
    [InlineData("image b", "{image: a}", "{image: b}")]
    [InlineData("port h2c:8081", "{ports: [{containerPort: 1}, {containerPort: 2}]}", "{ports: [{containerPort: 8081, name: h2c}]}")]
    [InlineData("port 8081", "{}", "{ports: [{containerPort: 8081}]}")]
    [InlineData("cmd sh | arg -c | cmd -x | arg --force", "{command: [a], args: [b]}", "{command: [sh, -x], args: [-c, --force]}")]
    [InlineData("request cpu=100m,memory=1Mi | limit cpu- | limit memory=2Mi", "{resources: {limits: {cpu: '1'}}}", "{resources: {requests: {cpu: 100m, memory: 1Mi}, limits: {memory: 2Mi}}}")]
    [InlineData("pull-policy ifnotpresent", "{}", "{imagePullPolicy: IfNotPresent}")]
    [InlineData("user 1001 | security-context strict", "{securityContext: {privileged: true}}", "{securityContext: {allowPrivilegeEscalation: false, runAsNonRoot: true, capabilities: {drop: [ALL]}, seccompProfile: {type: RuntimeDefault}, runAsUser: 1001}}")]
    [InlineData("security-context none", "{securityContext: {runAsUser: 1}}", "{}")]
    [InlineData("probe-liveness http:::/live | probe-liveness-opts periodSeconds=3,FAILURETHRESHOLD=2", "{livenessProbe: {tcpSocket: {port: 1}, timeoutSeconds: 5}}", "{livenessProbe: {timeoutSeconds: 5, httpGet: {path: /live}, periodSeconds: 3, failureThreshold: 2}}")]
    [InlineData("probe-readiness https:h:web:/a:b", "{}", "{readinessProbe: {httpGet: {path: '/a:b', scheme: HTTPS, host: h, port: web}}}")]
    [InlineData("probe-readiness tcp::8080", "{}", "{readinessProbe: {tcpSocket: {port: 8080}}}")]
    [InlineData("probe-readiness exec:cat,/a:b", "{}", "{readinessProbe: {exec: {command: [cat, '/a:b']}}}")]
    public void Apply_FlagOfTheContainer_Changes(string flags, string before, string after) =>
        Edits.Equal(after, Edits.PodSpec(flags, "{containers: [" + before + "]}")["containers"]![0]);

    [Theory]
    [InlineData("concurrency-limit 0 | timeout 20", "{}", "{containerConcurrency: 0, timeoutSeconds: 20}")]
    [InlineData("service-account a | pull-secret s", "{}", "{serviceAccountName: a, imagePullSecrets: [{name: s}]}")]
    [InlineData("service-account  | pull-secret ", "{serviceAccountName: a, imagePullSecrets: [{name: s}]}", "{}")]
    [InlineData("node-selector disk=ssd | node-selector old-", "{nodeSelector: {old: a}}", "{nodeSelector: {disk: ssd}}")]
    [InlineData("toleration Key=\"a\",Operator=Exists,Effect=NoSchedule", "{}", "{tolerations: [{key: a, operator: Exists, effect: NoSchedule}]}")]
    [InlineData("node-affinity Type=Required,Key=z,Operator=In,Values=a b", "{}", "{affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: z, operator: In, values: [a, b]}]}]}}}}")]
    [InlineData("node-affinity Type=Preferred,Key=z,Operator=Exists,Weight=3", "{}", "{affinity: {nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 3, preference: {matchExpressions: [{key: z, operator: Exists}]}}]}}}")]
    public void Apply_FlagOfThePod_Changes(string flags, string before, string after)
    {
        var spec = Edits.PodSpec(flags, before);
        spec.Remove("containers");
        Edits.Equal(after, spec);
    }

    [Theory]
    [InlineData("mount /a=cm:m", "{}", "{volumes: [{name: a-2256c6ac, configMap: {name: m}}], mounts: [{name: a-2256c6ac, mountPath: /a, readOnly: true}]}")]
    [InlineData("mount /a=secret:s/sub/path", "{}", "{volumes: [{name: a-2256c6ac, secret: {secretName: s}}], mounts: [{name: a-2256c6ac, mountPath: /a, readOnly: true, subPath: sub/path}]}")]
    [InlineData("mount /a=ed:x", "{}", "{volumes: [{name: a-2256c6ac, emptyDir: {}}], mounts: [{name: a-2256c6ac, mountPath: /a}]}")]
    [InlineData("mount /a=pvc:c:readOnly=true", "{}", "{volumes: [{name: a-2256c6ac, persistentVolumeClaim: {claimName: c}}], mounts: [{name: a-2256c6ac, mountPath: /a, readOnly: true}]}")]
    [InlineData("mount /a=v:readonly=false | volume v=cm:m", "{}", "{volumes: [{name: v, configMap: {name: m}}], mounts: [{name: v, mountPath: /a}]}")]
    [InlineData("volume v=ed:x:type=Memory,size=1Gi", "{}", "{volumes: [{name: v, emptyDir: {medium: Memory, sizeLimit: 1Gi}}], mounts: }")]
    [InlineData("mount /a-", "{volumes: [{name: a-2256c6ac, configMap: {name: m}}, {name: v, emptyDir: {}}], containers: [{volumeMounts: [{name: a-2256c6ac, mountPath: /a}]}]}", "{volumes: [{name: v, emptyDir: {}}], mounts: }")]
    [InlineData("volume v- | mount /a-", "{volumes: [{name: v, emptyDir: {}}], containers: [{volumeMounts: [{name: v, mountPath: /a}]}]}", "{volumes: , mounts: }")]
    public void Apply_VolumesAndMounts_GoTogether(string flags, string before, string after)
    {
        var spec = Edits.PodSpec(flags, before);
        Edits.Equal(after, new JsonObject { ["volumes"] = spec["volumes"]?.DeepClone(), ["mounts"] = spec["containers"]?[0]?["volumeMounts"]?.DeepClone() });
    }

    [Theory]
    [InlineData("/", "k--42099b4a")]
    [InlineData("/Data/x_y", "data-x-y-be2e3a2c")]
    [InlineData("/12345678901234567890123456789012345678901234567890123456789012345", "1234567890123456789012345678901234567890123456789012345678901-n")]
    public void GeneratedName_AnyPath_IsADnsLabelAndTheOneKnMakes(string path, string name) => Assert.Equal(name, VolumeEdit.GeneratedName(path));

    [Theory]
    [InlineData("scale 2", "{min-scale: '2', max-scale: '2'}")]
    [InlineData("scale 1..5", "{min-scale: '1', max-scale: '5'}")]
    [InlineData("scale 1..", "{min-scale: '1'}")]
    [InlineData("scale ..5", "{max-scale: '5'}")]
    [InlineData("scale-min 1 | scale-max 0 | scale-init 0 | scale-activation 2", "{min-scale: '1', max-scale: '0', initial-scale: '0', activation-scale: '2'}")]
    [InlineData("scale-metric rps | scale-target 100 | scale-utilization 80 | scale-window 10s", "{metric: rps, target: '100', target-utilization-percentage: '80', window: 10s}")]
    public void Apply_FlagOfTheAutoscaler_IsAnAnnotationOfTheTemplate(string flags, string annotations)
    {
        var service = Edits.Apply(flags, Edits.Tree("{metadata: {name: x}}"));

        var actual = (JsonObject)service["spec"]!["template"]!["metadata"]!["annotations"]!;
        actual.Remove(ServiceEdit.UpdateTimestamp);
        Edits.Equal(annotations, new JsonObject(actual.Select(a => KeyValuePair.Create(a.Key.Replace("autoscaling.knative.dev/", "", StringComparison.Ordinal), a.Value?.DeepClone()))));
        Assert.Null(service["metadata"]!["annotations"]);
    }

    [Theory]
    [InlineData("label a=1 | label-service a=2 | label-revision b=3 | label old-", "labels", "{a: '2'}", "{a: '1', b: '3'}")]
    [InlineData("annotation a=1 | annotation-revision a- | annotation-service c=4", "annotations", "{old: x, a: '1', c: '4'}", "{old: x}")]
    [InlineData("annotation autoscaling.knative.dev/min-scale=1", "annotations", "{old: x}", "{old: x, autoscaling.knative.dev/min-scale: '1'}")]
    [InlineData("cluster-local true", "labels", "{old: x, networking.knative.dev/visibility: cluster-local}", "{old: x}")]
    [InlineData("cluster-local false", "labels", "{old: x}", "{old: x}")]
    public void Apply_LabelsAndAnnotations_OfServiceAndTemplate(string flags, string field, string ofService, string ofTemplate)
    {
        var service = Edits.Apply(flags, Edits.Tree("{metadata: {name: x, FIELD: {old: x}}, spec: {template: {metadata: {FIELD: {old: x}}}}}".Replace("FIELD", field, StringComparison.Ordinal)));

        Edits.Equal(ofService, service["metadata"]![field]);
        var template = (JsonObject)service["spec"]!["template"]!["metadata"]![field]!;
        template.Remove(ServiceEdit.UpdateTimestamp);
        Edits.Equal(ofTemplate, template);
    }

    [Theory]
    [InlineData("env A", "--env \"A\"")]
    [InlineData("env =1", "--env \"=1\"")]
    [InlineData("env-value-from A=cm:m", "--env-value-from")]
    [InlineData("env-from m", "--env-from \"m\"")]
    [InlineData("port web", "--port \"web\"")]
    [InlineData("scale-min -1", "--scale-min \"-1\"")]
    [InlineData("scale a..b", "--scale \"a\"")]
    [InlineData("scale 1..2..3", "--scale \"1..2..3\"")]
    [InlineData("scale 1 | scale-max 3", "--scale and --scale-max")]
    [InlineData("pull-policy often", "--pull-policy \"often\"")]
    [InlineData("security-context lax", "--security-context \"lax\"")]
    [InlineData("mount /a=v", "there is no volume \"v\"")]
    [InlineData("mount /a=cm:m:rw=true", "--mount")]
    [InlineData("mount /a=what:m", "--mount")]
    [InlineData("volume v=m", "--volume \"v=m\"")]
    [InlineData("volume v=ed:x:color=red", "--volume")]
    [InlineData("volume v=cm:m | mount /a=v | volume v-", "is mounted")]
    [InlineData("probe-liveness web:1", "--probe-liveness \"web:1\"")]
    [InlineData("probe-liveness exec:", "--probe-liveness")]
    [InlineData("probe-readiness-opts often=1", "\"often=1\"")]
    [InlineData("probe-readiness-opts periodSeconds=x", "\"periodSeconds=x\"")]
    [InlineData("toleration Color=red", "\"Color=red\"")]
    [InlineData("node-affinity Key=a", "no Type")]
    [InlineData("annotation-service autoscaling.knative.dev/min-scale=1", "--annotation-revision")]
    [InlineData("revision-name {{.Nothing}}", "--revision-name")]
    [InlineData("containers {}", "containers")]
    public void Apply_WrongValue_IsAUsageErrorThatNamesIt(string flags, string message)
    {
        var error = Assert.Throws<CliException>(() => Edits.Apply(flags, Edits.Tree("{metadata: {name: x}}")));

        Assert.Equal(ExitCodes.Usage, error.ExitCode);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Apply_SeveralContainers_ChangesTheOneWithThePort()
    {
        const string before = "{containers: [{name: a}, {name: b, ports: [{containerPort: 1}]}]}";
        Edits.Equal("{containers: [{name: a}, {name: b, ports: [{containerPort: 1}], image: i}]}", Edits.PodSpec("image i", before));
        Edits.Equal(
            "{containers: [{name: a, image: s}, {name: b, ports: [{containerPort: 1}]}, {name: c}]}",
            Edits.PodSpec("containers {\"containers\": [{\"name\": \"a\", \"image\": \"s\"}, {\"name\": \"c\"}]}", before));
    }

    [Theory]
    [InlineData("{{.Service}}-v{{.Generation}}", "x-v5")]
    [InlineData("v1-{{ .Random 3 }}", "x-v1-zzz")]
    [InlineData("x-1", "x-1")]
    [InlineData("", null)]
    public void Apply_RevisionName_FollowsItsTemplate(string template, string? name)
    {
        var service = Edits.Apply($"revision-name {template}", Edits.Tree("{metadata: {name: x, generation: 4}, spec: {template: {metadata: {name: x-old}}}}"));

        Assert.Equal(name, (string?)service["spec"]!["template"]!["metadata"]!["name"]);
    }

    [Theory]
    [InlineData("env A=1", "x-zzzzz-5")] // the server's names may be taken by revisions their user named
    [InlineData("label-service a=1", "x-old")]
    public void Apply_NamedRevisionBefore_GetsANewNameWithANewRevision(string flags, string name)
    {
        var service = Edits.Apply(flags, Edits.Tree("{metadata: {name: x, generation: 4}, spec: {template: {metadata: {name: x-old}}}}"));

        Assert.Equal(name, (string?)service["spec"]!["template"]!["metadata"]!["name"]);
    }

    [Theory]
    [InlineData("env A=1", EditVerb.Update, "2026-05-06T07:08:09Z")]
    [InlineData("env A=1", EditVerb.Create, "2026-05-06T07:08:09Z")]
    [InlineData("env A=1", EditVerb.Apply, null)]
    [InlineData("label-service a=1 | annotation-service a=1 | cluster-local true", EditVerb.Update, null)]
    public void Apply_NewRevision_HasTheTime(string flags, object verb, string? time) =>
        Assert.Equal(time, (string?)Edits.Apply(flags, Edits.Tree("{metadata: {name: x}}"), (EditVerb)verb)["spec"]?["template"]?["metadata"]?["annotations"]?[ServiceEdit.UpdateTimestamp]);

    [Fact]
    public void Apply_ServiceGiven_StaysAsItIs()
    {
        var service = ServiceEdit.New("x", "default");
        var before = service.ToJsonString();

        Edits.Apply("image a | env A=1 | label a=b", service);

        Assert.Equal(before, service.ToJsonString());
    }

    [Theory]
    [InlineData("image a:1", "", "a:1", "a:1")]
    [InlineData("image a:1 | lock-to-digest false", "", "a:1", null)]
    [InlineData("image b@sha256:2", "a:1", "b@sha256:2", "b@sha256:2")]
    [InlineData("env A=1", "a:1", "a@sha256:1", "a:1")]
    [InlineData("env A=1", null, "a:1", null)] // not created by this tool
    [InlineData("env A=1 | lock-to-digest true", null, "a@sha256:1", "a:1")]
    [InlineData("env A=1 | lock-to-digest false", "a:1", "a:1", null)]
    [InlineData("label-service a=b", "a:1", "a:1", "a:1")]
    public void Apply_Image_IsLockedToTheDigestThatRuns(string flags, string? userImage, string image, string? userImageAfter)
    {
        var before = Edits.Tree("{metadata: {name: x}, spec: {template: {metadata: {annotations: {}}, spec: {containers: [{name: c, image: 'a:1'}]}}}}");
        if (userImage is not null)
        {
            before["spec"]!["template"]!["metadata"]!["annotations"]![ServiceEdit.UserImage] = userImage;
        }

        var after = Edits.Apply(flags, before, baseRevision: Edits.Tree("{spec: {containers: [{name: c, image: 'a:1'}]}, status: {containerStatuses: [{name: c, imageDigest: 'a@sha256:1'}]}}"));

        Assert.Equal(image, (string?)after["spec"]!["template"]!["spec"]!["containers"]![0]!["image"]);
        Assert.Equal(userImageAfter, (string?)after["spec"]!["template"]!["metadata"]!["annotations"]![ServiceEdit.UserImage]);
    }

    [Fact]
    public void Apply_BaseRevisionOfAnotherImage_CannotPin()
    {
        var service = Edits.Tree("{metadata: {name: x}, spec: {template: {metadata: {annotations: {client.knative.dev/user-image: 'a:1'}}, spec: {containers: [{name: c, image: 'a:1'}]}}}}");

        var error = Assert.Throws<CliException>(() => Edits.Apply("env A=1", service, baseRevision: Edits.Tree("{metadata: {name: x-1}, spec: {containers: [{name: c, image: 'b:1'}]}}")));

        Assert.Contains("can not pin image to digest", error.Message, StringComparison.Ordinal);
        Assert.Contains("b:1", error.Message, StringComparison.Ordinal);
    }
}
