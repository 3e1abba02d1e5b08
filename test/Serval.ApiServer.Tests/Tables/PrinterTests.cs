using System.Text.Json;
using Serval.Api;
using Serval.ApiServer.Tables;

namespace Serval.ApiServer.Tests.Tables;

public sealed class PrinterTests
{
    private static readonly DateTimeOffset s_now = DateTimeOffset.Parse("2026-03-01T12:00:00Z");
    private const string Meta = "{\"metadata\":{\"name\":\"x\",\"creationTimestamp\":\"2026-03-01T11:55:00Z\"},";

    public static TheoryData<string, string, string> Rows() => new()
    {
        { "v1/Pod", """{"spec":{"containers":[{}]},"status":{"phase":"Pending"}}""", "x 0/1 Pending 0 5m <none> <none> <none> <none>" },
        {
            "v1/Pod",
            """{"spec":{"nodeName":"n","containers":[{},{}]},"status":{"phase":"Running","podIP":"10.0.0.1","containerStatuses":[{"ready":true,"restartCount":2,"state":{"running":{}},"lastState":{"terminated":{"finishedAt":"2026-03-01T11:59:50Z"}}},{"ready":false,"restartCount":0,"state":{"waiting":{"reason":"CrashLoopBackOff"}}}]}}""",
            "x 1/2 CrashLoopBackOff 2 (10s ago) 5m 10.0.0.1 n <none> <none>"
        },
        {
            "v1/Pod", """{"spec":{"containers":[{}]},"status":{"phase":"Failed","containerStatuses":[{"restartCount":0,"state":{"terminated":{"exitCode":3}}}]}}""",
            "x 0/1 ExitCode:3 0 5m <none> <none> <none> <none>"
        },
        {
            "v1/Pod", """{"spec":{"initContainers":[{}],"containers":[{}]},"status":{"phase":"Pending","initContainerStatuses":[{"state":{"running":{}}}]}}""",
            "x 0/1 Init:0/1 0 5m <none> <none> <none> <none>"
        },
        {
            "v1/Service", """{"spec":{"type":"ClusterIP","clusterIP":"10.1.0.1","ports":[{"port":80},{"port":443,"nodePort":30000,"protocol":"TCP"}],"selector":{"app":"x"}}}""",
            "x ClusterIP 10.1.0.1 <none> 80/TCP,443:30000/TCP 5m app=x"
        },
        { "v1/Service", """{"spec":{"type":"ExternalName","externalName":"a.example"}}""", "x ExternalName <none> a.example <none> 5m <none>" },
        { "v1/Service", """{"spec":{"type":"LoadBalancer"}}""", "x LoadBalancer <none> <pending> <none> 5m <none>" },
        { "v1/ConfigMap", """{"data":{"a":"1"},"binaryData":{"b":""}}""", "x 2 5m" },
        { "v1/Secret", """{"type":"Opaque","data":{"a":""}}""", "x Opaque 1 5m" },
        { "v1/Namespace", """{"status":{"phase":"Active"}}""", "x Active 5m" },
        { "v1/ServiceAccount", """{"secrets":[]}""", "x 5m" },
        {
            "v1/Node", """{"status":{"conditions":[{"type":"Ready","status":"True"}],"nodeInfo":{"kubeletVersion":"v1"},"addresses":[{"type":"InternalIP","address":"127.0.0.1"}]}}""",
            "x Ready <none> 5m v1 127.0.0.1 <none> <unknown> <unknown> <unknown>"
        },
        {
            "v1/Event", """{"involvedObject":{"kind":"Pod","name":"p"},"type":"Normal","reason":"Started","message":"go","lastTimestamp":"2026-03-01T11:59:55Z","firstTimestamp":"2026-03-01T11:58:50Z","count":3,"source":{"component":"kubelet","host":"n"}}""",
            "5s Normal Started pod/p  kubelet, n go 70s 3 x"
        },
        { "v1/Endpoints", """{"subsets":[{"addresses":[{"ip":"1.1.1.1"},{"ip":"1.1.1.2"}],"ports":[{"port":1},{"port":2}]}]}""", "x 1.1.1.1:1,1.1.1.1:2,1.1.1.2:1 + 1 more... 5m" },
        { "discovery.k8s.io/v1/EndpointSlice", """{"addressType":"IPv4","ports":[{"port":80}],"endpoints":[{"addresses":["1.1.1.1"]}]}""", "x IPv4 80 1.1.1.1 5m" },
        { "rbac.authorization.k8s.io/v1/ClusterRole", """{"rules":[]}""", "x 2026-03-01T11:55:00Z" },
        {
            "rbac.authorization.k8s.io/v1/RoleBinding",
            """{"roleRef":{"kind":"Role","name":"r"},"subjects":[{"kind":"User","name":"a"},{"kind":"ServiceAccount","namespace":"n","name":"s"},{"kind":"User","name":"b"}]}""",
            "x Role/r 5m a, b  n/s"
        },
        {
            "batch/v1/Job",
            """{"spec":{"completions":3,"parallelism":1,"selector":{"matchLabels":{"a":"b"}},"template":{"spec":{"containers":[{"name":"c","image":"i"}]}}},"status":{"succeeded":1,"startTime":"2026-03-01T11:58:30Z"}}""",
            "x Running 1/3 90s 5m c i a=b"
        },
        {
            "batch/v1/Job",
            """{"spec":{"parallelism":2},"status":{"startTime":"2026-03-01T11:55:00Z","completionTime":"2026-03-01T11:55:07Z","conditions":[{"type":"Complete","status":"True"}]}}""",
            "x Complete 0/1 of 2 7s 5m   <none>"
        },
        { "batch/v1/Job", """{"spec":{"suspend":true},"status":{"conditions":[{"type":"Suspended","status":"True"}]}}""", "x Suspended 0/1  5m   <none>" },
        { "policy/v1/PodDisruptionBudget", """{"spec":{"maxUnavailable":"25%"},"status":{"disruptionsAllowed":1}}""", "x N/A 25% 1 5m" },
        { "coordination.k8s.io/v1/Lease", """{"spec":{"holderIdentity":"me"}}""", "x me 5m" },
        {
            "apps/v1/Deployment", """{"spec":{"replicas":3,"selector":{"matchLabels":{"a":"b"}},"template":{"spec":{"containers":[{"name":"c","image":"i"}]}}},"status":{"readyReplicas":1,"updatedReplicas":2,"availableReplicas":1}}""",
            "x 1/3 2 1 5m c i a=b"
        },
        {
            "autoscaling/v2/HorizontalPodAutoscaler",
            """{"spec":{"scaleTargetRef":{"kind":"Deployment","name":"d"},"minReplicas":1,"maxReplicas":9,"metrics":[{"type":"Resource","resource":{"name":"cpu","target":{"averageUtilization":80}}},{"type":"Resource","resource":{"name":"memory","target":{"averageValue":"200Mi"}}},{"type":"Pods","pods":{}}]},"status":{"currentReplicas":3,"currentMetrics":[{"type":"Resource","resource":{"name":"cpu","current":{"averageUtilization":12,"averageValue":"6m"}}}]}}""",
            "x Deployment/d cpu: 12%/80%, memory: <unknown>/200Mi, <unknown> 1 9 3 5m"
        },
        { "apps/v1/ReplicaSet", """{"spec":{"replicas":3},"status":{"replicas":2,"readyReplicas":1}}""", "x 3 2 1 5m   <none>" },
        {
            "serving.knative.dev/v1/Service", """{"status":{"url":"http://x","latestReadyRevisionName":"x-1","conditions":[{"type":"Ready","status":"True"}]}}""",
            "x http://x ∅ x-1 True ∅ 5m"
        },
    };

    [Theory]
    [MemberData(nameof(Rows))]
    public void Print_Object_GivesUpstreamsCells(string type, string body, string expected)
    {
        var slash = type.LastIndexOf('/');
        var layout = TableLayouts.For(Kinds.Find(type[..slash], type[(slash + 1)..])!);
        using var document = JsonDocument.Parse(Meta + body[1..]);
        var cells = new List<object?>();
        layout.Print(document.RootElement, s_now, cells);
        Assert.Equal(layout.Columns.Count, cells.Count);
        Assert.Equal(expected, string.Join(' ', cells.Select(c => c ?? "∅")));
    }

    [Fact]
    public void For_EveryKind_HasAsManyCellsAsColumns()
    {
        using var document = JsonDocument.Parse("{}");
        foreach (var kind in Kinds.All)
        {
            var layout = TableLayouts.For(kind);
            var cells = new List<object?>();
            layout.Print(document.RootElement, s_now, cells);
            Assert.Equal(layout.Columns.Count, cells.Count);
        }
    }
}
