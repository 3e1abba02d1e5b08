using System.Text.Json.Nodes;

namespace Serval.ApiServer.Tests.Http;

/// <summary>Objects that two kinds show: HorizontalPodAutoscalers of autoscaling/v1 and v2, Events of core/v1 and events.k8s.io/v1.</summary>
public sealed class ViewTests : AccessServerTests
{
    private const string V1 = "/apis/autoscaling/v1/namespaces/one/horizontalpodautoscalers";
    private const string V2 = "/apis/autoscaling/v2/namespaces/one/horizontalpodautoscalers";
    private const string Named = "/apis/events.k8s.io/v1/namespaces/one/events";
    private const string Core = "/api/v1/namespaces/one/events";

    private const string Event = """
        {"metadata":{"name":"e"},"eventTime":"2026-01-01T00:00:00.000001Z","reportingController":"c","reportingInstance":"i","action":"Do","reason":"Why","type":"Normal",
         "note":"n","regarding":{"kind":"Pod","name":"p","namespace":"one"}}
        """;

    [Fact]
    public async Task Hpa_OfV1_IsOneOfV2()
    {
        var made = await AdminAsync(V1, """{"metadata":{"name":"h"},"spec":{"scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"d"},"maxReplicas":5,"targetCPUUtilizationPercentage":50}}""");
        Assert.Equal(("autoscaling/v1", 1, 50),
            ((string?)made["apiVersion"], (int?)made["spec"]!["minReplicas"], (int?)made["spec"]!["targetCPUUtilizationPercentage"]));
        var newer = await Server.GetAsync($"{V2}/h");
        Assert.Equal("""[{"resource":{"name":"cpu","target":{"averageUtilization":50,"type":"Utilization"}},"type":"Resource"}]""", newer["spec"]!["metrics"]!.ToJsonString());
        Assert.Equal((string?)made["metadata"]!["uid"], (string?)newer["metadata"]!["uid"]);
        Assert.Equal((string?)made["metadata"]!["resourceVersion"], (string?)newer["metadata"]!["resourceVersion"]);
        await SendAsync(Server.Client, "PATCH", $"{V1}/h", """{"spec":{"targetCPUUtilizationPercentage":60}}""", "application/strategic-merge-patch+json");
        Assert.Equal(60, (int?)(await Server.GetAsync($"{V2}/h"))["spec"]!["metrics"]![0]!["resource"]!["target"]!["averageUtilization"]);
        var table = await Server.GetAsync(V1, "application/json;as=Table;g=meta.k8s.io;v=v1");
        Assert.Equal(["h", "Deployment/d", "cpu: <unknown>/60%"], table["rows"]![0]!["cells"]!.AsArray().Take(3).Select(c => (string?)c));
        Assert.Equal(200, (await SendAsync(Server.Client, "DELETE", $"{V1}/h")).Code);
        Assert.Equal(404, (await SendAsync(Server.Client, "GET", $"{V2}/h")).Code);
    }

    [Fact]
    public async Task Hpa_WhatV1Lacks_SurvivesAWriteThroughIt()
    {
        const string spec = """
            {"behavior":{"scaleDown":{"policies":[{"periodSeconds":15,"type":"Percent","value":100}],"stabilizationWindowSeconds":60}},"maxReplicas":5,
             "metrics":[{"resource":{"name":"cpu","target":{"averageUtilization":50,"type":"Utilization"}},"type":"Resource"},
              {"resource":{"name":"memory","target":{"averageValue":"1Gi","type":"AverageValue"}},"type":"Resource"},
              {"object":{"describedObject":{"kind":"Service","name":"s"},"metric":{"name":"m","selector":{"matchLabels":{"a":"b"}}},"target":{"type":"Value","value":"2"}},"type":"Object"},
              {"external":{"metric":{"name":"q"},"target":{"averageValue":"3","type":"AverageValue"}},"type":"External"}],
             "minReplicas":1,"scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"d"}}
            """;
        var made = await AdminAsync(V2, $$$"""{"metadata":{"name":"h","annotations":{"mine":"x"}},"spec":{{{spec}}}}""");
        var older = await Server.GetAsync($"{V1}/h");
        var notes = older["metadata"]!["annotations"]!;
        Assert.Equal(
            """
            [{"type":"Resource","resource":{"name":"memory","targetAverageValue":"1Gi"}},{"type":"Object","object":{"metricName":"m","selector":{"matchLabels":{"a":"b"}},"target":{"kind":"Service","name":"s"},"targetValue":"2"}},{"type":"External","external":{"metricName":"q","targetAverageValue":"3"}}]
            """.Trim(), (string?)notes["autoscaling.alpha.kubernetes.io/metrics"]);
        Assert.Equal("""{"ScaleDown":{"Policies":[{"PeriodSeconds":15,"Type":"Percent","Value":100}],"SelectPolicy":"Max","StabilizationWindowSeconds":60},"ScaleUp":{"Policies":[{"PeriodSeconds":15,"Type":"Pods","Value":4},{"PeriodSeconds":15,"Type":"Percent","Value":100}],"SelectPolicy":"Max","StabilizationWindowSeconds":0}}""",
            (string?)notes["autoscaling.alpha.kubernetes.io/behavior"]);
        older["spec"]!["maxReplicas"] = 7;
        Assert.Equal(200, (await SendAsync(Server.Client, "PUT", $"{V1}/h", older.ToJsonString())).Code);
        made["spec"]!["maxReplicas"] = 7;
        var after = await Server.GetAsync($"{V2}/h");
        Assert.Equal(made["spec"]!.ToJsonString(), after["spec"]!.ToJsonString());
        Assert.Equal("""{"mine":"x"}""", after["metadata"]!["annotations"]!.ToJsonString());
    }

    [Theory]
    [InlineData("spec.targetCPUUtilizationPercentage", "0", 422)]
    [InlineData("spec.maxReplicas", "0", 422)]
    [InlineData("metadata.annotations", """{"autoscaling.alpha.kubernetes.io/metrics":"[{\"type\":5}]"}""", 400)]
    [InlineData("metadata.annotations", """{"autoscaling.alpha.kubernetes.io/metrics":"[[["}""", 201)]
    [InlineData("metadata.annotations", """{"autoscaling.alpha.kubernetes.io/behavior":"[{\"type\":5}]"}""", 201)]
    [InlineData("metadata.annotations", """{"autoscaling.alpha.kubernetes.io/behavior":"{\"\":5,\"a\":1,\"A\":2}"}""", 201)]
    [InlineData("metadata.annotations", """{"autoscaling.alpha.kubernetes.io/metrics":"[{\"\\ud800\":1}]"}""", 201)]
    [InlineData("metadata.annotations", """{"autoscaling.alpha.kubernetes.io/metrics":"[{\"type\":\"\\ud800\"}]"}""", 201)]
    [InlineData("metadata.annotations", """{"autoscaling.alpha.kubernetes.io/metrics":"[{\"type\":\"Pods\",\"type\":\"Pods\"}]"}""", 201)]
    [InlineData("metadata.annotations", """{"autoscaling.alpha.kubernetes.io/behavior":"{\"a\":{\"b\":1,\"b\":2}}"}""", 201)]
    [InlineData("metadata.annotations", """{"autoscaling.alpha.kubernetes.io/behavior":"{\"a\":{\"\\udc00\":2}}"}""", 201)]
    [InlineData("metadata.annotations", """{"autoscaling.alpha.kubernetes.io/conditions":"[{\"a\":1,\"a\":2}]"}""", 201)]
    public async Task Hpa_ThatIsWrong_IsRefusedAsOneOfV2(string field, string value, int code)
    {
        var hpa = JsonNode.Parse("""{"metadata":{"name":"h"},"spec":{"scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"d"},"maxReplicas":5}}""")!;
        hpa[field.Split('.')[0]]![field.Split('.')[1]] = JsonNode.Parse(value);
        Assert.Equal(code, (await SendAsync(Server.Client, "POST", V1, hpa.ToJsonString())).Code);
    }

    [Fact]
    public async Task Hpa_Applied_ByBothVersions()
    {
        var code = async (string path, string version, string spec, string manager) => (await SendAsync(Server.Client, "PATCH", $"{path}/h?fieldManager={manager}&force=true",
            $$$"""{"apiVersion":"autoscaling/{{{version}}}","kind":"HorizontalPodAutoscaler","metadata":{"name":"h"},"spec":{{{spec}}}}""", "application/apply-patch+yaml")).Code;
        Assert.Equal(201, await code(V1, "v1", """{"scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"d"},"maxReplicas":5,"targetCPUUtilizationPercentage":50}""", "a"));
        Assert.Equal(200, await code(V2, "v2", """{"maxReplicas":6,"behavior":{"scaleUp":{"stabilizationWindowSeconds":5}}}""", "b"));
        Assert.Equal(200, await code(V1, "v1", """{"scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"d"},"targetCPUUtilizationPercentage":70}""", "a"));
        var spec = (await Server.GetAsync($"{V2}/h"))["spec"]!;
        Assert.Equal((6, 70, 5), ((int?)spec["maxReplicas"], (int?)spec["metrics"]![0]!["resource"]!["target"]!["averageUtilization"], (int?)spec["behavior"]!["scaleUp"]!["stabilizationWindowSeconds"]));
    }

    [Fact]
    public async Task Event_OfEitherGroup_IsShownByBoth()
    {
        var made = await AdminAsync(Named, Event);
        var core = await Server.GetAsync($"{Core}/e");
        Assert.Equal(("Event", "v1", "n", "c", "p"),
            ((string?)core["kind"], (string?)core["apiVersion"], (string?)core["message"], (string?)core["reportingComponent"], (string?)core["involvedObject"]!["name"]));
        Assert.Equal((string?)made["metadata"]!["resourceVersion"], (string?)core["metadata"]!["resourceVersion"]);
        await AdminAsync(Core, """{"metadata":{"name":"f"},"involvedObject":{"kind":"Pod","name":"q","namespace":"one"},"message":"m","source":{"component":"s"},"count":3}""");
        var old = await Server.GetAsync($"{Named}/f");
        Assert.Equal("""{"component":"s"} 3 m""", $"{old["deprecatedSource"]!.ToJsonString()} {old["deprecatedCount"]} {old["note"]}");
        foreach (var (selector, names) in new[] { ("regarding.name%3Dq", "f"), ("reason%3DWhy,type%3DNormal", "e"), ("reportingController%3Dc", "e"), ("regarding.kind!%3DPod", "") })
        {
            Assert.Equal(names, string.Join(' ', (await Server.GetAsync($"{Named}?fieldSelector={selector}"))["items"]!.AsArray().Select(i => (string?)i!["metadata"]!["name"])));
        }
        Assert.Equal(400, (await SendAsync(Server.Client, "GET", $"{Named}?fieldSelector=involvedObject.name%3Dq")).Code);
        var table = await Server.GetAsync(Named, "application/json;as=Table;g=meta.k8s.io;v=v1");
        Assert.Contains("pod/p", table["rows"]![0]!["cells"]!.ToJsonString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("eventTime", "null", "eventTime: Required value")]
    [InlineData("type", "\"Odd\"", "type: Invalid value: \"\": has invalid value: Odd")]
    [InlineData("action", "\"\"", "action: Required value")]
    [InlineData("reportingController", "\"\"", "reportingController: Required value")]
    [InlineData("deprecatedCount", "1", "count: Invalid value: \"\": needs to be unset")]
    [InlineData("deprecatedSource", "{}", "")]
    [InlineData("series", """{"count":1,"lastObservedTime":"2026-01-01T00:00:00.000000Z"}""", "series.count: Invalid value: \"\": should be at least 2")]
    [InlineData("regarding", """{"kind":"Node","name":"n"}""", "involvedObject.namespace: Invalid value: \"\": does not match event.namespace")]
    public async Task NewEvent_ThatLacksSomething_IsRefused(string field, string value, string error)
    {
        var tree = JsonNode.Parse(Event)!;
        tree[field] = JsonNode.Parse(value);
        var (code, body) = await SendAsync(Server.Client, "POST", Named, tree.ToJsonString());
        Assert.Equal(error.Length == 0 ? 201 : 422, code);
        Assert.Contains(error, (string?)body!["message"] ?? "", StringComparison.Ordinal);
        Assert.True(error.Length == 0 || ((string)body["message"]!).StartsWith("Event \"e\" is invalid", StringComparison.Ordinal)); // judged as what is kept
    }

    [Fact]
    public async Task NewEvent_ChangesInItsSeriesAlone()
    {
        await AdminAsync(Named, Event);
        var code = async (string patch) => (await SendAsync(Server.Client, "PATCH", $"{Named}/e", patch, "application/strategic-merge-patch+json")).Code;
        Assert.Equal(200, await code("""{"series":{"count":2,"lastObservedTime":"2026-01-01T00:00:00.000000Z"}}"""));
        Assert.Equal(422, await code("""{"note":"other"}"""));
    }
}
