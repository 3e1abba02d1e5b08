using System.Text;
using Serval.Api.Admission;
using Serval.Api.Config;

namespace Serval.Api.Tests.Admission;

/// <summary>Golden cases: what goes in, and the canonical JSON that comes out. A second pass changes nothing.</summary>
public sealed class DefaultingTests
{
    public static TheoryData<string, string, string> Golden => new()
    {
        { "serving.knative.dev/v1 Service", """{"spec":{"template":{"spec":{"containers":[{"image":"a"}]}}}}""",
          """{"spec":{"template":{"spec":{"containerConcurrency":0,"containers":[{"image":"a","name":"user-container","readinessProbe":{"successThreshold":1,"tcpSocket":{"port":0}},"resources":{}}],"enableServiceLinks":false,"timeoutSeconds":300}},"traffic":[{"latestRevision":true,"percent":100}]}}""" },
        { "serving.knative.dev/v1 Service", """{"spec":{"template":{"spec":{"timeoutSeconds":600,"containers":[{"image":"a","ports":[{"containerPort":80}],"readinessProbe":{"httpGet":{"path":"/"},"periodSeconds":5}},{"image":"b"}]}},"traffic":[{"revisionName":"r","percent":100},{"tag":"t"}]}}""",
          """{"spec":{"template":{"spec":{"containerConcurrency":0,"containers":[{"image":"a","name":"user-container-0","ports":[{"containerPort":80,"protocol":"TCP"}],"readinessProbe":{"failureThreshold":3,"httpGet":{"path":"/"},"periodSeconds":5,"successThreshold":1,"timeoutSeconds":1},"resources":{}},{"image":"b","name":"user-container-1","resources":{}}],"enableServiceLinks":false,"responseStartTimeoutSeconds":300,"timeoutSeconds":600}},"traffic":[{"latestRevision":false,"percent":100,"revisionName":"r"},{"latestRevision":true,"percent":0,"tag":"t"}]}}""" },
        { "serving.knative.dev/v1 Revision", """{"spec":{"volumes":[{"name":"s","secret":{}},{"name":"e","emptyDir":{}}],"containers":[{"name":"c","image":"a","livenessProbe":{"grpc":{}},"volumeMounts":[{"name":"s"},{"name":"e"}]}]}}""",
          """{"spec":{"containerConcurrency":0,"containers":[{"image":"a","livenessProbe":{"grpc":{"service":""}},"name":"c","readinessProbe":{"successThreshold":1,"tcpSocket":{"port":0}},"resources":{},"volumeMounts":[{"name":"s","readOnly":true},{"name":"e"}]}],"enableServiceLinks":false,"timeoutSeconds":300,"volumes":[{"name":"s","secret":{}},{"emptyDir":{},"name":"e"}]}}""" },
        { "serving.knative.dev/v1 Route", """{"spec":{"traffic":[{"configurationName":"c","percent":100}]}}""",
          """{"spec":{"traffic":[{"configurationName":"c","latestRevision":true,"percent":100}]}}""" },
        { "serving.knative.dev/v1beta1 DomainMapping", """{"metadata":{"name":"a.b","namespace":"d"},"spec":{"ref":{"apiVersion":"v1","kind":"Service","name":"s"}}}""",
          """{"metadata":{"name":"a.b","namespace":"d"},"spec":{"ref":{"apiVersion":"v1","kind":"Service","name":"s","namespace":"d"}}}""" },
        { "serving.knative.dev/v1beta1 DomainMapping", """{"metadata":{"name":"a.b","namespace":"d"},"spec":{"ref":{"name":"s","namespace":"e"}}}""",
          """{"metadata":{"name":"a.b","namespace":"d"},"spec":{"ref":{"name":"s","namespace":"e"}}}""" },
        { "autoscaling.internal.knative.dev/v1alpha1 PodAutoscaler", """{"spec":{}}""",
          """{"metadata":{"annotations":{"autoscaling.knative.dev/class":"kpa.autoscaling.knative.dev","autoscaling.knative.dev/metric":"concurrency"}},"spec":{}}""" },
        { "networking.internal.knative.dev/v1alpha1 Ingress", """{"spec":{"rules":[{"http":{"paths":[{"splits":[{"serviceName":"s"}]}]}}]}}""",
          """{"spec":{"rules":[{"http":{"paths":[{"splits":[{"percent":100,"serviceName":"s"}]}]},"visibility":"ExternalIP"}]}}""" },
        { "v1 Pod", """{"spec":{"containers":[{"name":"c","image":"a:1","ports":[{"containerPort":80}],"readinessProbe":{"httpGet":{"port":80}},"resources":{"limits":{"cpu":"1"}}}],"volumes":[{"name":"v"},{"name":"m","configMap":{"name":"x"}}]}}""",
          """{"spec":{"containers":[{"image":"a:1","imagePullPolicy":"IfNotPresent","name":"c","ports":[{"containerPort":80,"protocol":"TCP"}],"readinessProbe":{"failureThreshold":3,"httpGet":{"path":"/","port":80,"scheme":"HTTP"},"periodSeconds":10,"successThreshold":1,"timeoutSeconds":1},"resources":{"limits":{"cpu":"1"},"requests":{"cpu":"1"}},"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File"}],"dnsPolicy":"ClusterFirst","enableServiceLinks":true,"restartPolicy":"Always","schedulerName":"default-scheduler","securityContext":{},"terminationGracePeriodSeconds":30,"volumes":[{"emptyDir":{},"name":"v"},{"configMap":{"defaultMode":420,"name":"x"},"name":"m"}]}}""" },
        { "apps/v1 Deployment", """{"spec":{"template":{"spec":{"containers":[{"name":"c","image":"a"}]}}}}""",
          """{"spec":{"progressDeadlineSeconds":600,"replicas":1,"revisionHistoryLimit":10,"strategy":{"rollingUpdate":{"maxSurge":"25%","maxUnavailable":"25%"},"type":"RollingUpdate"},"template":{"spec":{"containers":[{"image":"a","imagePullPolicy":"Always","name":"c","resources":{},"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File"}],"dnsPolicy":"ClusterFirst","restartPolicy":"Always","schedulerName":"default-scheduler","securityContext":{},"terminationGracePeriodSeconds":30}}}}""" },
        { "apps/v1 Deployment", """{"spec":{"replicas":0,"strategy":{"type":"Recreate"},"template":{"spec":{"terminationGracePeriodSeconds":0}}}}""",
          """{"spec":{"progressDeadlineSeconds":600,"replicas":0,"revisionHistoryLimit":10,"strategy":{"type":"Recreate"},"template":{"spec":{"dnsPolicy":"ClusterFirst","restartPolicy":"Always","schedulerName":"default-scheduler","securityContext":{},"terminationGracePeriodSeconds":0}}}}""" },
        { "v1 Service", """{"spec":{"ports":[{"port":80}]}}""",
          """{"spec":{"internalTrafficPolicy":"Cluster","ports":[{"port":80,"protocol":"TCP","targetPort":80}],"sessionAffinity":"None","type":"ClusterIP"}}""" },
        { "v1 Service", """{"spec":{"type":"ExternalName","externalName":"x.y"}}""", """{"spec":{"externalName":"x.y","sessionAffinity":"None","type":"ExternalName"}}""" },
        { "v1 Secret", """{"data":{"a":"eA=="},"stringData":{"b":"y"}}""", """{"data":{"a":"eA==","b":"eQ=="},"type":"Opaque"}""" },
        { "v1 Namespace", """{"metadata":{"name":"n"}}""",
          """{"metadata":{"labels":{"kubernetes.io/metadata.name":"n"},"name":"n"},"status":{"phase":"Active"}}""" },
        { "discovery.k8s.io/v1 EndpointSlice", """{"ports":[{"port":80}]}""", """{"ports":[{"name":"","port":80,"protocol":"TCP"}]}""" },
        { "coordination.k8s.io/v1 Lease", """{"spec":{"holderIdentity":"h","preferredHolder":"x","strategy":"OldestEmulationVersion"}}""", """{"spec":{"holderIdentity":"h"}}""" },
        { "autoscaling/v2 HorizontalPodAutoscaler", """{"spec":{"behavior":{"scaleDown":{"selectPolicy":"Disabled"}},"metrics":[{"type":"Pods"}]}}""",
          """{"spec":{"behavior":{"scaleDown":{"policies":[{"periodSeconds":15,"type":"Percent","value":100}],"selectPolicy":"Disabled"},"scaleUp":{"policies":[{"periodSeconds":15,"type":"Pods","value":4},{"periodSeconds":15,"type":"Percent","value":100}],"selectPolicy":"Max","stabilizationWindowSeconds":0}},"metrics":[{"type":"Pods"}],"minReplicas":1}}""" },
        { "v1 ConfigMap", """{"data":{"a":"b"}}""", """{"data":{"a":"b"}}""" },
    };

    [Theory]
    [MemberData(nameof(Golden))]
    public void Apply_Object_YieldsTheGolden(string kindName, string input, string expected)
    {
        var parts = kindName.Split(' ');
        var kind = Kinds.Find(parts[0], parts[1])!;
        var tree = Edits.Parse(input);
        Defaulting.Apply(kind, tree, null, new AdmissionContext());
        Assert.Equal(expected, Encoding.UTF8.GetString(CanonicalJson.Serialize(tree)));
        Defaulting.Apply(kind, tree, null, new AdmissionContext());
        Assert.Equal(expected, Encoding.UTF8.GetString(CanonicalJson.Serialize(tree)));
    }

    [Fact]
    public void Apply_ConfiguredDefaults_AreUsed()
    {
        var data = new Dictionary<string, string>
        {
            ["revision-timeout-seconds"] = "120", ["revision-idle-timeout-seconds"] = "30", ["revision-cpu-request"] = "0.5", ["revision-memory-limit"] = "1024Mi",
            ["container-name-template"] = "{{.Name}}-app", ["container-concurrency"] = "7", ["enable-service-links"] = "default",
        };
        var (config, error) = ServingConfig.Default.With("config-defaults", data);
        Assert.Null(error);
        var tree = Edits.Parse("""{"metadata":{"name":"web"},"spec":{"template":{"spec":{"containers":[{"image":"a"}]}}}}""");
        Defaulting.Apply(Kinds.KService, tree, null, new AdmissionContext { Config = config });
        Assert.Equal("""{"containerConcurrency":7,"containers":[{"image":"a","name":"web-app","readinessProbe":{"successThreshold":1,"tcpSocket":{"port":0}},"resources":{"limits":{"memory":"1Gi"},"requests":{"cpu":"500m"}}}],"idleTimeoutSeconds":30,"timeoutSeconds":120}""",
            Encoding.UTF8.GetString(CanonicalJson.Serialize(tree["spec"]!["template"]!["spec"])));
    }

    [Fact]
    public void Apply_SecurePodDefaults_RestrictContainers()
    {
        var (config, _) = ServingConfig.Default.With("config-features", new Dictionary<string, string> { ["secure-pod-defaults"] = "enabled" });
        var tree = Edits.Parse("""{"spec":{"containers":[{"name":"c","image":"a","ports":[{"containerPort":80}]}]}}""");
        Defaulting.Apply(Kinds.Revision, tree, null, new AdmissionContext { Config = config });
        Assert.Equal("""{"allowPrivilegeEscalation":false,"capabilities":{"add":["NET_BIND_SERVICE"],"drop":["ALL"]},"runAsNonRoot":true,"seccompProfile":{"type":"RuntimeDefault"}}""",
            Encoding.UTF8.GetString(CanonicalJson.Serialize(tree["spec"]!["containers"]![0]!["securityContext"])));
    }

    [Fact]
    public void Apply_UpdateOfRevisionOrOfNamedTemplate_LeavesTheSpec()
    {
        var update = new AdmissionContext { Operation = AdmissionOperation.Update };
        var revision = Edits.Parse("""{"spec":{"containers":[{"image":"a"}]}}""");
        Defaulting.Apply(Kinds.Revision, revision, revision, update);
        Assert.Equal("""{"spec":{"containers":[{"image":"a"}]}}""", revision.ToJsonString());
        var named = Edits.Parse("""{"spec":{"template":{"metadata":{"name":"n-1"},"spec":{"containers":[{"image":"a"}]}},"traffic":[]}}""");
        Defaulting.Apply(Kinds.KService, named, (System.Text.Json.Nodes.JsonObject)named.DeepClone(), update);
        Assert.Null(named["spec"]!["template"]!["spec"]!["timeoutSeconds"]);
    }
}
