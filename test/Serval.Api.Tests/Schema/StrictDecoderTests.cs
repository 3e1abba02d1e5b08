using System.Text;
using System.Text.Json.Nodes;
using Serval.Api.Core;
using Serval.Api.Schema;

namespace Serval.Api.Tests.Schema;

public sealed class StrictDecoderTests
{
    [Theory]
    [InlineData("""{"spec":{"foo":1}}""", "unknown field \"spec.foo\"")]
    [InlineData("""{"foo":{"a":{}}}""", "unknown field \"foo\"")]
    [InlineData("""{"spec":{"Replicas":1}}""", "unknown field \"spec.Replicas\"")]
    [InlineData("""{"metadata":{"labls":{}}}""", "unknown field \"metadata.labls\"")]
    [InlineData("""{"spec":{"template":{"spec":{"containers":[{"name":"a"},{"imge":"b"}]}}}}""", "unknown field \"spec.template.spec.containers[1].imge\"")]
    [InlineData("""{"spec":{"replicas":1,"replicas":2}}""", "duplicate field \"spec.replicas\"")]
    [InlineData("""{"metadata":{"labels":{"a":"1","a":"2"}}}""", "duplicate field \"metadata.labels.a\"")]
    [InlineData("""{"spec":{"repli\u0063as":1,"replicas":2}}""", "duplicate field \"spec.replicas\"")]
    [InlineData("""{"spec":{"we\"ird":1}}""", "unknown field \"spec.we\\\"ird\"")]
    public void Decode_UnknownOrDuplicate_IsReportedWithItsPath(string json, string warning)
    {
        var result = Decode(Kinds.Deployment, json);
        Assert.Equal([warning], result.Warnings);
        Assert.Null(result.Failure(strict: false));
        Assert.Equal(
            $"Deployment in version \"v1\" cannot be handled as a Deployment: strict decoding error: {warning}", result.Failure(strict: true)!.Message);
    }

    [Fact]
    public void Decode_Unknown_IsPrunedAndTheLastDuplicateWins()
    {
        var result = Decode(Kinds.Deployment, """{"apiVersion":"apps/v1","kind":"Deployment","spec":{"x":[{}],"replicas":1,"replicas":2},"y":1}""");
        Assert.Equal("""{"apiVersion":"apps/v1","kind":"Deployment","spec":{"replicas":2}}""", result.Tree.ToJsonString());
        Assert.Equal(3, result.Warnings.Count);
    }

    [Theory]
    [InlineData("""{"metadata":{"labels":{},"annotations":{},"finalizers":[],"generateName":"","name":"a"}}""", """{"metadata":{"name":"a"}}""")]
    [InlineData("""{"spec":{"replicas":0,"paused":false,"minReadySeconds":0,"selector":{"matchLabels":{}}}}""", """{"spec":{"replicas":0,"selector":{}}}""")]
    [InlineData("""{"spec":{"template":{"spec":{"hostNetwork":false,"nodeSelector":{},"affinity":{},"enableServiceLinks":false}}}}""", """{"spec":{"template":{"spec":{"affinity":{},"enableServiceLinks":false}}}}""")]
    [InlineData("""{"spec":{"template":{"spec":{"containers":[]}}}}""", """{"spec":{"template":{"spec":{"containers":[]}}}}""")]
    [InlineData(
        """{"spec":{"template":{"spec":{"containers":[{"name":"","args":[],"tty":false,"workingDir":"","resources":{"limits":{},"requests":{"cpu":"0"}},"env":[{"name":"A","value":""}]}]}}}}""",
        """{"spec":{"template":{"spec":{"containers":[{"name":"","resources":{"requests":{"cpu":"0"}},"env":[{"name":"A"}]}]}}}}""")]
    [InlineData("""{"status":{"replicas":0,"conditions":[],"observedGeneration":0}}""", """{"status":{}}""")]
    [InlineData("""{"metadata":{"managedFields":[]}}""", """{"metadata":{"managedFields":[]}}""")]
    public void Decode_EmptyOfBuiltIn_IsLeftOutWhereGoLeavesItOut(string json, string kept)
    {
        var result = Decode(Kinds.Deployment, json);
        Assert.Equal(kept, result.Tree.ToJsonString());
        Assert.Empty(result.Warnings);

        var tree = JsonNode.Parse(json)!.AsObject();
        Assert.Equal(json != kept, EmptyFields.Remove(Kinds.Deployment, tree)); // and the same of what was not read so
        Assert.Equal(kept, tree.ToJsonString());
        Assert.False(EmptyFields.Remove(Kinds.Deployment, tree));
    }

    [Theory]
    [InlineData("""{"spec":{"paused":true,"paused":false}}""", """{"spec":{}}""")]
    [InlineData("""{"spec":{"paused":false,"paused":true}}""", """{"spec":{"paused":true}}""")]
    public void Decode_EmptyThatStandsThereTwice_TheLastWins(string json, string kept) => Assert.Equal(kept, Decode(Kinds.Deployment, json).Tree.ToJsonString());

    [Theory]
    [InlineData("ConfigMap", """{"data":{"a":""},"binaryData":{"b":""},"immutable":false}""", """{"data":{"a":""},"binaryData":{"b":""},"immutable":false}""")]
    [InlineData("EndpointSlice", """{"endpoints":[],"ports":[{"name":"","port":0}]}""", """{"endpoints":[],"ports":[{"name":"","port":0}]}""")]
    [InlineData("Endpoints", """{"subsets":[{"ports":[{"name":"","port":1}],"addresses":[]}]}""", """{"subsets":[{"ports":[{"port":1}]}]}""")]
    [InlineData("Service", """{"spec":{"ports":[{"port":80,"nodePort":0,"targetPort":0,"name":""}],"selector":{}},"status":{"loadBalancer":{"ingress":[]}}}""",
        """{"spec":{"ports":[{"port":80,"targetPort":0}]},"status":{"loadBalancer":{}}}""")]
    [InlineData("Pod", """{"spec":{"volumes":[{"name":"a","emptyDir":{"medium":""}},{"name":"b","hostPath":{"path":"/","type":""}}],"securityContext":{"runAsUser":0}}}""",
        """{"spec":{"volumes":[{"name":"a","emptyDir":{}},{"name":"b","hostPath":{"path":"/","type":""}}],"securityContext":{"runAsUser":0}}}""")]
    public void Decode_Empty_IsLeftOutOrKeptAsItsTagSays(string kind, string json, string kept) =>
        Assert.Equal(kept, Decode(Kinds.All.Single(k => k.Kind == kind && !k.IsCustom), json).Tree.ToJsonString());

    [Fact]
    public void Decode_EmptyOfCustomKind_IsKeptButInItsMetadata() => Assert.Equal(
        """{"metadata":{"name":"a"},"spec":{"template":{"metadata":{"labels":{}},"spec":{"containers":[{"args":[],"name":""}]}}}}""",
        Decode(Kinds.KService, """{"metadata":{"name":"a","labels":{}},"spec":{"template":{"metadata":{"labels":{}},"spec":{"containers":[{"args":[],"name":""}]}}}}""").Tree.ToJsonString());

    [Theory]
    [InlineData("""{"spec":{"replicas":"3"}}""", "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32")]
    [InlineData("""{"spec":{"replicas":1.5}}""", "json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32")]
    [InlineData("""{"spec":{"replicas":3000000000}}""", "json: cannot unmarshal number 3000000000 into Go struct field DeploymentSpec.spec.replicas of type int32")]
    [InlineData("""{"spec":[]}""", "json: cannot unmarshal array into Go struct field Deployment.spec of type v1.DeploymentSpec")]
    [InlineData("""{"metadata":{"labels":{"a":1}}}""", "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string")]
    [InlineData("""{"metadata":{"labels":"a"}}""", "json: cannot unmarshal string into Go struct field ObjectMeta.metadata.labels of type map[string]string")]
    [InlineData("""{"spec":{"template":{"spec":{"containers":{}}}}}""", "json: cannot unmarshal object into Go struct field PodSpec.spec.template.spec.containers of type []v1.Container")]
    [InlineData("""{"spec":{"template":{"spec":{"containers":[{"env":[{"name":"A","value":true}]}]}}}}""", "json: cannot unmarshal bool into Go struct field EnvVar.spec.template.spec.containers.env.value of type string")]
    [InlineData("""{"spec":{"template":{"spec":{"volumes":[{"emptyDir":"x"}]}}}}""", "json: cannot unmarshal string into Go struct field Volume.spec.template.spec.volumes.VolumeSource.emptyDir of type v1.EmptyDirVolumeSource")]
    [InlineData("""{"spec":{"strategy":{"rollingUpdate":{"maxSurge":true}}}}""", "json: cannot unmarshal bool into Go struct field RollingUpdateDeployment.spec.strategy.rollingUpdate.maxSurge of type int32")]
    public void Decode_WrongTypeOfBuiltIn_SaysWhatGoSays(string json, string message)
    {
        var result = Decode(Kinds.Deployment, json);
        Assert.Equal(message, Assert.Single(result.Errors).Message);
        var failure = result.Failure(strict: false)!;
        Assert.Equal((400, "BadRequest"), (failure.Code, failure.Reason));
        Assert.Equal("Deployment in version \"v1\" cannot be handled as a Deployment: " + message, failure.Message);
    }

    [Theory]
    [InlineData("""{"spec":{"template":"x"}}""", "spec.template: Invalid value: \"string\": spec.template in body must be of type object: \"string\"")]
    [InlineData("""{"spec":{"template":{"spec":{"containerConcurrency":"1"}}}}""", "spec.template.spec.containerConcurrency: Invalid value: \"string\": spec.template.spec.containerConcurrency in body must be of type integer: \"string\"")]
    [InlineData("""{"spec":{"template":{"spec":{"containers":[{"image":5}]}}}}""", "spec.template.spec.containers[0].image: Invalid value: \"integer\": spec.template.spec.containers[0].image in body must be of type string: \"integer\"")]
    [InlineData("""{"spec":{"traffic":{}}}""", "spec.traffic: Invalid value: \"object\": spec.traffic in body must be of type array: \"object\"")]
    public void Decode_WrongTypeOfCustom_SaysWhatSchemasSay(string json, string message)
    {
        var tree = JsonNode.Parse(json)!.AsObject();
        tree["metadata"] = new JsonObject { ["name"] = "hello" };
        var failure = StrictDecoder.Decode(Kinds.KService, tree).Failure(strict: true)!;
        Assert.Equal(422, failure.Code);
        Assert.Equal("Service.serving.knative.dev \"hello\" is invalid: " + message, failure.Message);
    }

    [Fact]
    public void Decode_CustomUnknownField_IsAStrictError()
    {
        var failure = Decode(Kinds.KService, """{"spec":{"templat":{}}}""").Failure(strict: true)!;
        Assert.Equal("Service in version \"v1\" cannot be handled as a Service: strict decoding error: unknown field \"spec.templat\"", failure.Message);
        Assert.Equal(400, failure.Code);
    }

    [Fact]
    public void Decode_CustomWrongMetadata_IsABadRequest()
    {
        var failure = Decode(Kinds.KService, """{"metadata":{"labels":[]}}""").Failure(strict: false)!;
        Assert.Equal(400, failure.Code);
        Assert.Equal("Service in version \"v1\" cannot be handled as a Service: json: cannot unmarshal array into Go struct field ObjectMeta.metadata.labels of type map[string]string", failure.Message);
    }

    [Theory]
    [InlineData("""{"spec":{"template":{"spec":{"timeoutSeconds":5.0}}}}""", "5")]
    [InlineData("""{"spec":{"template":{"spec":{"timeoutSeconds":3e2}}}}""", "300")]
    public void Decode_CustomWholeFloat_IsAnInteger(string json, string stored)
    {
        var result = Decode(Kinds.KService, json);
        Assert.Empty(result.Errors);
        Assert.Equal(stored, result.Tree["spec"]!["template"]!["spec"]!["timeoutSeconds"]!.ToJsonString());
    }

    [Fact]
    public void Decode_Nulls_AreDroppedOrZeroAsUpstream()
    {
        var pod = Decode(Kinds.Pod, """{"metadata":{"creationTimestamp":null,"labels":{"a":null}},"spec":{"containers":[null,{"args":[null]}],"volumes":null}}""");
        Assert.Equal("""{"metadata":{"labels":{"a":""}},"spec":{"containers":[{},{"args":[""]}]}}""", pod.Tree.ToJsonString());
        Assert.Empty(pod.Errors);
        Assert.Empty(pod.Warnings);
    }

    [Fact]
    public void Decode_FreeJson_KeepsNullsAndReportsDuplicates()
    {
        var crd = Decode(Kinds.CustomResourceDefinition, """{"spec":{"versions":[{"schema":{"openAPIV3Schema":{"default":{"a":null,"b":[null,1.50,"x"],"a":1}}}}]}}""");
        Assert.Equal(
            """{"a":1,"b":[null,1.50,"x"]}""", crd.Tree["spec"]!["versions"]![0]!["schema"]!["openAPIV3Schema"]!["default"]!.ToJsonString());
        Assert.Equal(["duplicate field \"spec.versions[0].schema.openAPIV3Schema.default.a\""], crd.Warnings);
    }

    [Theory]
    [InlineData("\"2026-01-31T08:00:00Z\"", "\"2026-01-31T08:00:00Z\"")]
    [InlineData("\"2026-01-31T08:00:00.123456789Z\"", "\"2026-01-31T08:00:00Z\"")]
    [InlineData("\"2026-01-31T08:00:00+02:00\"", "\"2026-01-31T06:00:00Z\"")]
    public void Decode_Times_BecomeUtcSeconds(string written, string stored)
    {
        var result = Decode(Kinds.Pod, "{\"status\":{\"startTime\":" + written + "}}");
        Assert.Equal(stored, result.Tree["status"]!["startTime"]!.ToJsonString());
    }

    [Fact]
    public void Decode_MicroTimes_KeepSixDigits()
    {
        var lease = Decode(Kinds.Lease, """{"spec":{"renewTime":"2026-01-31T08:00:00.500000+01:00"}}""");
        Assert.Equal("2026-01-31T07:00:00.500000Z", lease.Tree["spec"]!["renewTime"]!.GetValue<string>());
    }

    [Theory]
    [InlineData("""{"status":{"startTime":"yesterday"}}""", "status.startTime", "parsing time \"yesterday\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"yesterday\" as \"2006\"")]
    [InlineData("""{"status":{"startTime":5}}""", "status.startTime", "json: cannot unmarshal number into Go struct field PodStatus.status.startTime of type string")]
    [InlineData("""{"spec":{"containers":[{"resources":{"limits":{"cpu":"1 core"}}}]}}""", "spec.containers[0].resources.limits.cpu",
        "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")]
    [InlineData("""{"spec":{"containers":[{"resources":{"limits":{"cpu":true}}}]}}""", "spec.containers[0].resources.limits.cpu",
        "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")]
    [InlineData("""{"spec":{"containers":[{"resources":{"limits":[]}}]}}""", "spec.containers[0].resources.limits",
        "json: cannot unmarshal array into Go struct field ResourceRequirements.spec.containers.resources.limits of type v1.ResourceList")]
    [InlineData("""{"spec":{"containers":[{"readinessProbe":{"httpGet":{"port":1.5}}}]}}""", "spec.containers[0].readinessProbe.httpGet.port",
        "json: cannot unmarshal number 1.5 into Go struct field HTTPGetAction.spec.containers.readinessProbe.ProbeHandler.httpGet.port of type int32")]
    [InlineData("""{"spec":{"containers":[{"name":"\ud800"}]}}""", "spec.containers[0].name", "the string has half of a surrogate pair (\\ud800 to \\udfff): write the character itself")]
    public void Decode_BadForm_SaysWhatGoSays(string json, string field, string message)
    {
        var error = Assert.Single(Decode(Kinds.Pod, json).Errors);
        Assert.Equal((field, message), (error.Field, error.Message));
    }

    /// <summary>Types that read themselves end the decoding; what was wrong before is not told then.</summary>
    [Fact]
    public void Decode_ErrorThatEndsIt_IsToldAlone() => Assert.Equal(
        "Pod in version \"v1\" cannot be handled as a Pod: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
        Decode(Kinds.Pod, """{"spec":{"containers":[{"image":5,"resources":{"limits":{"cpu":"x"}}}]}}""").Failure(strict: false)!.Message);

    [Fact]
    public void Decode_Base64_IsCheckedAndLineBreaksDropped()
    {
        Assert.Equal("aGVsbG8=", Decode(Kinds.Secret, """{"data":{"a":"aGVs\nbG8=\n"}}""").Tree["data"]!["a"]!.GetValue<string>());
        Assert.Contains("illegal base64", Assert.Single(Decode(Kinds.Secret, """{"data":{"a":"hello"}}""").Errors).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[]", "a JSON object is needed, not array")]
    [InlineData("{", "json parse error")]
    [InlineData("", "json parse error")]
    [InlineData("{} {}", "json parse error")]
    public void Decode_NoObject_IsABadRequest(string json, string why)
    {
        var error = Assert.Throws<ApiException>(() => Decode(Kinds.Pod, json));
        Assert.Equal(400, error.Code);
        Assert.Contains(why, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Decode_AsDeepAsItMayBe_CanBeReadBackEverywhere()
    {
        var read = Decode(Kinds.Pod, Nested(CanonicalJson.MaxDepth - 4));
        Assert.Null(read.Failure(strict: true));
        var obj = KubeObject.From(read.Tree);
        Assert.True(JsonNode.DeepEquals(read.Tree, obj.ToTree()));
        Assert.Equal("", obj.As<Pod>().Spec.NodeName);
    }

    [Fact]
    public void Decode_TooDeep_IsABadRequest() =>
        Assert.Equal(400, Assert.Throws<ApiException>(() => Decode(Kinds.Pod, Nested(CanonicalJson.MaxDepth - 3))).Code);

    private static string Nested(int depth) =>
        new StringBuilder("""{"metadata":{"managedFields":[{"fieldsV1":""").Insert(42, "{\"a\":", depth).Append('1').Append('}', depth).Append("}]}}").ToString();

    [Fact]
    public void Decode_InvalidUtf8_IsABadRequest() =>
        Assert.Equal(400, Assert.Throws<ApiException>(() => StrictDecoder.Decode(Kinds.Pod, new byte[] { (byte)'{', 0xff, (byte)'}' })).Code);

    [Fact]
    public void Decode_ManyUnknownFields_StopsAtAHundred()
    {
        var json = "{" + string.Join(',', Enumerable.Range(0, 500).Select(i => $"\"x{i}\":1")) + "}";
        Assert.Equal(100, Decode(Kinds.Pod, json).Warnings.Count);
    }

    [Fact]
    public void Decode_ManyWrongValues_TheFirstThatEndsItIsToldAllTheSame()
    {
        var wrong = string.Join(',', Enumerable.Repeat("""{"containerPort":"x"}""", 5000));
        var read = Decode(Kinds.Pod, $$"""{"spec":{"containers":[{"ports":[{{wrong}}],"resources":{"limits":{"cpu":"one","memory":"two"} } }]} }""");
        Assert.Equal((1001, Quantity.Complaint), (read.Errors.Count, read.TypeMessage));
    }

    private static DecodedObject Decode(ResourceKind kind, string json) => StrictDecoder.Decode(kind, Encoding.UTF8.GetBytes(json));
}
