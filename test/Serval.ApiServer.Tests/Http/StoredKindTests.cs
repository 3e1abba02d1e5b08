using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Admission;
using Serval.ApiServer.Http;
using Serval.Kube;

namespace Serval.ApiServer.Tests.Http;

/// <summary>Kinds that are kept and not acted on: whoever writes one hears so.</summary>
public sealed class StoredKindTests : AccessServerTests
{
    private const string Pods = "/api/v1/namespaces/one/pods";
    private const string Classes = "/apis/scheduling.k8s.io/v1/priorityclasses";

    public static TheoryData<string> Names => [.. StoredKinds.All.Select(k => k.ResourceName)];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Object_IsKept_WithAWarning(string name)
    {
        var kind = StoredKinds.All.Single(k => k.ResourceName == name);
        var given = kind == StoredKinds.ApiService ? "v1.x" : "x";
        var path = $"/{(kind.Group.Length == 0 ? "api" : "apis/" + kind.Group)}/v1/{(kind.Namespaced ? "namespaces/one/" : "")}{kind.Plural}";
        var (made, obj) = await Server.SendAsync(HttpMethod.Post, path + "?fieldValidation=Strict", $"{{\"metadata\":{{\"name\":\"{given}\"}}{Least(kind)}}}");
        Assert.True((int)made.StatusCode == 201, obj.ToJsonString());
        Assert.Equal(kind.Inert.Length == 0 ? [] : [$"299 - \"{kind.Inert}\""], made.Headers.TryGetValues("Warning", out var warnings) ? warnings : []);
        var table = await Server.GetAsync(path, "application/json;as=Table;g=meta.k8s.io;v=v1");
        Assert.Equal(given, (string?)table["rows"]![0]!["cells"]![0]);
        Assert.Equal(table["columnDefinitions"]!.AsArray().Count, table["rows"]![0]!["cells"]!.AsArray().Count);
        Assert.NotNull(ProtobufField.Of(kind.Kind)); // Go's typed clients send nothing else
        var applied = $$$$"""{"apiVersion":"{{{{kind.ApiVersion}}}}","kind":"{{{{kind.Kind}}}}","metadata":{"name":"{{{{given}}}}","labels":{"a":"b"}}}""";
        Assert.Equal(200, (await SendAsync(Server.Client, "PATCH", $"{path}/{given}?fieldManager=m", applied, "application/apply-patch+yaml")).Code);
    }

    // What one cannot be without.
    private static string Least(ResourceKind kind)
    {
        const string pod = """{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}""";
        return kind.Kind switch
        {
            "StatefulSet" or "DaemonSet" => $$$$""","spec":{"selector":{"matchLabels":{"a":"b"}},"template":{{{{pod}}}}}""",
            "ReplicationController" => $$$$""","spec":{"template":{{{{pod}}}}}""",
            "PodTemplate" => $$$$""","template":{{{{pod}}}}""",
            "CronJob" => ""","spec":{"schedule":"* * * * *","jobTemplate":{"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]}}}}}""",
            "PersistentVolumeClaim" => ""","spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Gi"}}}""",
            "Ingress" => ""","spec":{"defaultBackend":{"service":{"name":"s","port":{"number":80}}}}""",
            "APIService" => ""","spec":{"group":"x","version":"v1","groupPriorityMinimum":1,"versionPriority":1}""",
            _ => "",
        };
    }

    /// <summary>kube-aggregator: registry/apiservice. What another server would serve is not available here, and its writer hears why.</summary>
    [Fact]
    public async Task ApiService_OfAService_IsNotAvailable_AndALocalOneIs()
    {
        const string services = "/apis/apiregistration.k8s.io/v1/apiservices";
        var (made, obj) = await Server.SendAsync(HttpMethod.Post, services, """
            {"metadata":{"name":"v1beta1.metrics.k8s.io"},"spec":{"group":"metrics.k8s.io","version":"v1beta1","groupPriorityMinimum":100,"versionPriority":100,"insecureSkipTLSVerify":true,
             "service":{"name":"metrics-server","namespace":"kube-system"}},"status":{"conditions":[{"type":"Available","status":"True"}]}}
            """);
        Assert.Equal(201, (int)made.StatusCode);
        Assert.Contains("Serval does not ask other API servers", Assert.Single(made.Headers.GetValues("Warning")), StringComparison.Ordinal);
        Assert.Equal((443, null), ((int?)obj["spec"]!["service"]!["port"], obj["metadata"]!["generation"]));
        var (refused, _) = await Server.SendAsync(HttpMethod.Post, services, """{"metadata":{"name":"x"},"spec":{"service":{"name":"s"}}}""");
        Assert.Equal((422, false), ((int)refused.StatusCode, refused.Headers.Contains("Warning")));
        await AdminAsync(services, """{"metadata":{"name":"v1.apps"},"spec":{"group":"apps","version":"v1","groupPriorityMinimum":17800,"versionPriority":15}}""");
        Assert.Equal(["v1.apps Local True", "v1beta1.metrics.k8s.io kube-system/metrics-server False (NotSupported)"], await RowsAsync());

        var local = new JsonObject { ["spec"] = new JsonObject { ["service"] = null, ["insecureSkipTLSVerify"] = null } }.ToJsonString();
        Assert.Equal(200, (await SendAsync(Server.Client, "PATCH", $"{services}/v1beta1.metrics.k8s.io", local, "application/merge-patch+json")).Code);
        Assert.Equal(["v1.apps Local True", "v1beta1.metrics.k8s.io Local True"], await RowsAsync());

        var stored = await Server.GetAsync($"{services}/v1.apps");
        stored["metadata"]!["labels"] = new JsonObject { ["a"] = "b" };
        stored["status"]!["conditions"]![0]!["status"] = "Unknown";
        var (code, next) = await SendAsync(Server.Client, "PUT", $"{services}/v1.apps/status", stored.ToJsonString());
        Assert.Equal((200, "Unknown", null), (code, (string?)next!["status"]!["conditions"]![0]!["status"], next["metadata"]!["labels"]));
        stored["metadata"]!.AsObject().Remove("resourceVersion");
        Assert.Equal(422, (await SendAsync(Server.Client, "PUT", $"{services}/v1.apps", stored.ToJsonString())).Code);

        async Task<IEnumerable<string>> RowsAsync() => (await Server.GetAsync(services, "application/json;as=Table;g=meta.k8s.io;v=v1"))["rows"]!.AsArray()
            .Select(r => string.Join(' ', r!["cells"]!.AsArray().Take(3)));
    }

    [Fact]
    public async Task StatefulSet_ShowsWhatIsReady_AndScales()
    {
        const string sets = "/apis/apps/v1/namespaces/one/statefulsets";
        await AdminAsync(sets, """
            {"metadata":{"name":"s"},"spec":{"replicas":3,"serviceName":"s","selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}},
             "volumeClaimTemplates":[{"metadata":{"name":"data"},"spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Gi"}}}}]}}
            """);
        var table = await Server.GetAsync(sets, "application/json;as=Table;g=meta.k8s.io;v=v1");
        Assert.Equal("0/3", (string?)table["rows"]![0]!["cells"]![1]);
        Assert.Equal(200, (await SendAsync(Server.Client, "PATCH", $"{sets}/s/scale", """{"spec":{"replicas":1}}""", "application/merge-patch+json")).Code);
        Assert.Equal(1, (int?)(await Server.GetAsync($"{sets}/s"))["spec"]!["replicas"]);
    }

    /// <summary>A Scale that says whose it is, or of which state, is for that alone (registry/apps/deployment/storage: scaleUpdatedObjectInfo).</summary>
    [Theory]
    [InlineData("/apis/apps/v1/namespaces/one/deployments", "deployments/scale.apps")]
    [InlineData("/apis/apps/v1/namespaces/one/replicasets", "replicasets/scale.apps")]
    [InlineData("/apis/apps/v1/namespaces/one/statefulsets", "statefulsets/scale.apps")]
    [InlineData("/api/v1/namespaces/one/replicationcontrollers", "replicationcontrollers/scale")]
    public async Task Scale_OfAnotherUidOrVersion_IsAConflict(string path, string resource)
    {
        var selector = path.StartsWith("/api/", StringComparison.Ordinal) ? """{"a":"b"}""" : """{"matchLabels":{"a":"b"}}""";
        await AdminAsync(path, $$$$"""{"metadata":{"name":"x"},"spec":{"replicas":0,"selector":{{{{selector}}}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]} } } }""");
        var uid = (string?)(await Server.GetAsync($"{path}/x"))["metadata"]!["uid"];
        foreach (var metadata in (string[])["\"uid\":\"other\"", "\"resourceVersion\":\"1\""])
        {
            var scale = $$"""{"apiVersion":"autoscaling/v1","kind":"Scale","metadata":{"name":"x","namespace":"one",{{metadata}} },"spec":{"replicas":1} }""";
            foreach (var (verb, query, type) in ((string, string, string)[])
                [("PUT", "", "application/json"), ("PATCH", "", "application/merge-patch+json"), ("PATCH", "", "application/strategic-merge-patch+json"),
                 ("PATCH", "?fieldManager=m&force=true", "application/apply-patch+yaml")])
            {
                var answer = await SendAsync(Server.Client, verb, $"{path}/x/scale{query}", scale, type);
                Assert.True(answer.Code == 409, $"{verb} {type} {metadata}: {answer.Code}");
            }
        }
        var (_, refusal) = await SendAsync(Server.Client, "PATCH", $"{path}/x/scale", """{"metadata":{"uid":"other"}}""", "application/merge-patch+json");
        Assert.Equal($"Operation cannot be fulfilled on {resource} \"x\": Precondition failed: UID in precondition: other, UID in object meta: {uid}", (string?)refusal!["message"]);
        Assert.Equal(0, (int?)(await Server.GetAsync($"{path}/x"))["spec"]!["replicas"] ?? 0);
        Assert.Equal(200, (await SendAsync(Server.Client, "PATCH", $"{path}/x/scale", $$$"""{"metadata":{"uid":"{{{uid}}}"},"spec":{"replicas":1}}""", "application/merge-patch+json")).Code);
    }

    /// <summary>Finalizers and the phase of a namespace have a door each, with rules of their own.</summary>
    [Fact]
    public async Task Namespace_ThroughItsDoors_IsJudged()
    {
        const string one = "/api/v1/namespaces/doors";
        var (_, made) = await Server.SendAsync(HttpMethod.Post, "/api/v1/namespaces", """{"metadata":{"name":"doors"},"spec":{"finalizers":["a.b/c"]}}""");
        Assert.Equal("""["a.b/c","kubernetes"]""", made["spec"]!["finalizers"]!.ToJsonString());
        foreach (var (verb, path, body, code) in ((string, string, string, int)[])
            [
                ("POST", "/api/v1/namespaces", """{"metadata":{"name":"other"},"spec":{"finalizers":["nodomain"]}}""", 422),
                ("PATCH", one + "/status", """{"status":{"phase":"Terminating"}}""", 422),
                ("PATCH", one + "/status?fieldValidation=Ignore", """{"status":{"phase":"Terminating"}}""", 422),
                ("PATCH", one + "/status", """{"status":{"phase":null}}""", 200),
                ("PUT", one + "/finalize", """{"metadata":{"name":"doors"},"spec":{"finalizers":["nope"]}}""", 422),
                ("PATCH", one + "/finalize", "{}", 405),
                ("DELETE", one, """{"preconditions":{"uid":"other"}}""", 409),
                ("PUT", one + "/finalize", """{"metadata":{"name":"doors","labels":{"a":"b"}},"spec":{"finalizers":[]}}""", 200),
            ])
        {
            var answer = await SendAsync(Server.Client, verb, path, body, verb == "PATCH" ? "application/merge-patch+json" : "application/json");
            Assert.True(answer.Code == code, $"{verb} {path} {body}: {answer.Code}");
        }
        var stored = await Server.GetAsync(one);
        Assert.Equal("""{"a":"b","kubernetes.io/metadata.name":"doors"}""", stored["metadata"]!["labels"]!.ToJsonString());
        Assert.Equal(("{}", "Active"), (stored["spec"]!.ToJsonString(), (string?)stored["status"]!["phase"]));
    }

    /// <summary>Its selector is a map of labels, not a LabelSelector.</summary>
    [Fact]
    public async Task ReplicationController_ScalesWithItsSelector()
    {
        const string controllers = "/api/v1/namespaces/one/replicationcontrollers";
        await AdminAsync(controllers, """
            {"metadata":{"name":"r"},"spec":{"replicas":3,"selector":{"c":"d","a":"b"},"template":{"metadata":{"labels":{"a":"b","c":"d"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}
            """);
        var scale = await Server.GetAsync($"{controllers}/r/scale");
        Assert.Equal((3, "a=b,c=d"), ((int?)scale["spec"]!["replicas"], (string?)scale["status"]!["selector"]));
    }

    [Theory]
    [InlineData("\"priorityClassName\":\"high\"", "high 1000 PreemptLowerPriority")]
    [InlineData("\"priorityClassName\":\"high\",\"priority\":1000", "high 1000 PreemptLowerPriority")]
    [InlineData("\"priorityClassName\":\"system-node-critical\"", "system-node-critical 2000001000 PreemptLowerPriority")]
    [InlineData("", "usual 7 Never")] // the one for all
    [InlineData("\"priorityClassName\":\"none\"", "pods \"p\" is forbidden: no PriorityClass with name none was found")]
    [InlineData("\"priorityClassName\":\"high\",\"priority\":1", "pods \"p\" is forbidden: the integer value of priority (1) must not be provided in pod spec; priority admission controller computed 1000 from the given PriorityClass name")]
    [InlineData("\"priorityClassName\":\"high\",\"preemptionPolicy\":\"Never\"", "pods \"p\" is forbidden: the string value of PreemptionPolicy (Never) must not be provided in pod spec; priority admission controller computed PreemptLowerPriority from the given PriorityClass name")]
    public async Task Pod_GetsTheNumberOfItsClass(string spec, string expected)
    {
        foreach (var known in PriorityRules.System)
        {
            await Client.CreateAsync(StoredKinds.PriorityClass, known, WriteOptions.By("test"));
        }
        await AdminAsync(Classes, """{"metadata":{"name":"high"},"value":1000}""");
        await AdminAsync(Classes, """{"metadata":{"name":"usual"},"value":7,"globalDefault":true,"preemptionPolicy":"Never"}""");
        var (_, pod) = await Server.SendAsync(HttpMethod.Post, Pods, $$$"""{"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i"}]{{{(spec.Length > 0 ? "," + spec : "")}}}}}""");
        Assert.Equal(expected, (string?)pod["message"] ?? $"{pod["spec"]!["priorityClassName"]} {pod["spec"]!["priority"]} {pod["spec"]!["preemptionPolicy"]}");
    }

    [Theory]
    [InlineData("""{"metadata":{"name":"x"},"value":1000000001}""", "value: Forbidden: maximum allowed value of a user defined priority is 1000000000")]
    [InlineData("""{"metadata":{"name":"system-x"},"value":1}""", "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only")]
    public async Task PriorityClass_ThatIsWrong_IsRefused(string body, string error)
    {
        var (code, answer) = await SendAsync(Server.Client, "POST", Classes, body);
        Assert.Equal(422, code);
        Assert.Contains(error, (string?)answer!["message"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task PriorityClass_ForAllPods_IsOneAlone()
    {
        const string patch = "application/merge-patch+json";
        const string why = "is forbidden: PriorityClass b is already marked as default. Only one default can exist";
        await AdminAsync(Classes, """{"metadata":{"name":"b"},"value":1000,"globalDefault":true}""");
        var (code, refusal) = await SendAsync(Server.Client, "POST", Classes, """{"metadata":{"name":"a"},"value":1,"globalDefault":true}""");
        Assert.Equal((403, $"priorityclasses.scheduling.k8s.io \"a\" {why}"), (code, (string?)refusal!["message"]));
        await AdminAsync(Classes, """{"metadata":{"name":"a"},"value":1}""");
        (code, refusal) = await SendAsync(Server.Client, "PATCH", $"{Classes}/a", """{"globalDefault":true}""", patch);
        Assert.Equal((403, $"priorityclasses.scheduling.k8s.io \"a\" {why}"), (code, (string?)refusal!["message"]));
        Assert.Equal(200, (await SendAsync(Server.Client, "PATCH", $"{Classes}/b", """{"description":"d"}""", patch)).Code);
        Assert.Equal(200, (await SendAsync(Server.Client, "PATCH", $"{Classes}/b", """{"globalDefault":false}""", patch)).Code);
        Assert.Equal(200, (await SendAsync(Server.Client, "PATCH", $"{Classes}/a", """{"globalDefault":true}""", patch)).Code);
    }

    /// <summary>Two that were made at once.</summary>
    [Fact]
    public void PriorityClass_OfSeveralForAllPods_TheLowestCounts()
    {
        var pod = JsonNode.Parse("""{"metadata":{"name":"p"},"spec":{}}""")!.AsObject();
        PriorityRules.Admit(pod, [.. ((IEnumerable<(string, int)>)[("a", 7), ("c", 3), ("b", 3)]).Select(c => KubeObject.From(JsonNode.Parse(
            $$$"""{"apiVersion":"scheduling.k8s.io/v1","kind":"PriorityClass","metadata":{"name":"{{{c.Item1}}}"},"value":{{{c.Item2}}},"globalDefault":true}""")!.AsObject()))]);
        Assert.Equal("b", (string?)pod["spec"]!["priorityClassName"]);
    }

    [Fact]
    public async Task PriorityClass_KeepsItsNumber()
    {
        await AdminAsync(Classes, """{"metadata":{"name":"high"},"value":1000}""");
        Assert.Equal(422, (await SendAsync(Server.Client, "PATCH", $"{Classes}/high", """{"value":1}""", "application/merge-patch+json")).Code);
        Assert.Equal(200, (await SendAsync(Server.Client, "PATCH", $"{Classes}/high", """{"description":"d"}""", "application/merge-patch+json")).Code);
    }

    [Fact]
    public async Task Account_OfAPod_MustBeThere_UnlessItIsTheDefault()
    {
        var (code, refusal) = await SendAsync(Server.Client, "POST", Pods, """{"metadata":{"name":"p"},"spec":{"serviceAccountName":"none","containers":[{"name":"c","image":"i"}]}}""");
        Assert.Equal((403, "pods \"p\" is forbidden: error looking up service account one/none: serviceaccount \"none\" not found"), (code, (string?)refusal!["message"]));
        var pod = await AdminAsync(Pods, """{"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i"}]}}""");
        Assert.Equal(AccountMount.Path, (string?)pod["spec"]!["containers"]![0]!["volumeMounts"]![0]!["mountPath"]);
    }
}
