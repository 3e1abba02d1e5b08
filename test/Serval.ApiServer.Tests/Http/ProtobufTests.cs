using System.Text;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.GoText;
using Serval.ApiServer.Http;

namespace Serval.ApiServer.Tests.Http;

public sealed class ProtobufTests
{
    [Fact]
    public void Decode_Deployment_ReadsAsItsJson()
    {
        var probe = Message(1, Message(2, [.. Text(1, "/"), .. Message(2, [.. Number(1, 0), .. Number(2, 80)])])).Concat(Number(4, 0));
        var container = Text(1, "c").Concat(Text(2, "image")).Concat(Text(14, "")).Concat(Message(10, probe))
            .Concat(Message(8, Message(1, [.. Text(1, "cpu"), .. Message(2, Text(1, "100m"))])));
        var template = Message(1, Entry(11, "app", "web")).Concat(Message(2, Message(2, container)));
        var spec = Number(1, 0).Concat(Message(2, Entry(1, "app", "web"))).Concat(Message(3, template))
            .Concat(Message(4, Message(2, Message(1, [.. Number(1, 0), .. Number(2, 0)])))).Concat(Number(5, 0));
        var metadata = Text(1, "web").Concat(Text(3, "")).Concat(Message(8, [])).Concat(Text(14, "a/b"));

        var tree = ProtobufDecoder.Decode(Wrap("apps/v1", "Deployment", [.. Message(1, metadata), .. Message(2, spec)]));

        var expected = JsonNode.Parse("""
            {"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","finalizers":["a/b"]},
             "spec":{"replicas":0,"selector":{"matchLabels":{"app":"web"}},"strategy":{"rollingUpdate":{"maxUnavailable":0}},
              "template":{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[
               {"name":"c","image":"image","livenessProbe":{"httpGet":{"path":"/","port":80}},"resources":{"limits":{"cpu":"100m"}}}]}}}}
            """);
        Assert.True(JsonNode.DeepEquals(expected, tree), tree.ToJsonString());
    }

    /// <summary>Go's clients of the extensions send definitions so where the type is asked for (Kubernetes' own tests do).</summary>
    [Fact]
    public void Decode_Definition_ReadsAsItsJson()
    {
        IEnumerable<byte> Property(string name, IEnumerable<byte> schema) => Message(29, [.. Text(1, name), .. Message(2, schema)]);
        var text = Text(5, "string").ToArray();
        byte[] schema =
        [
            .. Text(3, "#/x"), .. Text(5, "object"), .. Message(8, Text(1, """{"a":[1,null]}""")), .. Fixed(9, 2.5), .. Number(10, 0), .. Number(13, 0), .. Message(20, Text(1, "null")),
            .. Message(20, Text(1, "\"x\"")), .. Text(23, "a"), .. Number(38, 1), .. Text(42, "map"), .. Text(41, "k"), .. Message(44, [.. Text(1, "self.a"), .. Text(4, "FieldValueInvalid")]),
            .. Property("one", Message(24, Message(1, text))), .. Property("many", Message(24, [.. Message(2, text), .. Message(2, [])])),
            .. Property("free", Message(30, Number(1, 1))), .. Property("closed", Message(30, Number(1, 0))), .. Property("shut", Message(30, [])), .. Property("typed", Message(30, [.. Number(1, 1), .. Message(2, text)])),
            .. Message(32, [.. Text(1, "d"), .. Message(2, Text(2, "e"))]),
        ];
        var version = Text(1, "v1").Concat(Number(2, 0)).Concat(Number(3, 1)).Concat(Message(4, Message(1, schema))).Concat(Message(5, Message(1, []))).Concat(Number(7, 0));
        var spec = Text(1, "g.io").Concat(Message(3, [.. Text(1, "as"), .. Text(4, "A")])).Concat(Text(4, "Namespaced")).Concat(Message(7, version))
            .Concat(Message(9, [.. Text(1, "Webhook"), .. Message(2, [.. Message(2, Text(3, "https://x")), .. Text(3, "v1")])])).Concat(Number(10, 0));

        var tree = ProtobufDecoder.Decode(Wrap("apiextensions.k8s.io/v1", "CustomResourceDefinition", [.. Message(1, Text(1, "as.g.io")), .. Message(2, spec)]));

        var expected = JsonNode.Parse("""
            {"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"as.g.io"},"spec":{"group":"g.io","names":{"plural":"as","kind":"A"},"scope":"Namespaced",
             "versions":[{"name":"v1","served":false,"storage":true,"subresources":{"status":{}},"schema":{"openAPIV3Schema":{
              "$ref":"#/x","type":"object","default":{"a":[1,null]},"maximum":2.5,"maxLength":0,"enum":[null,"x"],"required":["a"],"x-kubernetes-preserve-unknown-fields":true,
              "x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["k"],"x-kubernetes-validations":[{"rule":"self.a","reason":"FieldValueInvalid"}],
              "properties":{"one":{"items":{"type":"string"}},"many":{"items":[{"type":"string"},{}]},"free":{"additionalProperties":true},"closed":{"additionalProperties":false},"shut":{"additionalProperties":false},
               "typed":{"additionalProperties":{"type":"string"}}},"dependencies":{"d":["e"]}}}}],
             "conversion":{"strategy":"Webhook","webhook":{"clientConfig":{"url":"https://x"},"conversionReviewVersions":["v1"]}}}}
            """);
        Assert.True(JsonNode.DeepEquals(expected, tree), tree.ToJsonString());
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.NegativeInfinity)]
    public void Decode_NumberThatJsonDoesNotHave_IsRefused(double number)
    {
        var version = Message(4, Message(1, Fixed(9, number)));
        var refusal = Assert.Throws<ApiException>(() => ProtobufDecoder.Decode(Wrap("apiextensions.k8s.io/v1", "CustomResourceDefinition", Message(2, Message(7, version)))));
        Assert.Equal((400, "the body is not readable protobuf: a number is not finite"), (refusal.Code, refusal.Message));
    }

    [Fact]
    public void Decode_Secret_KeepsBytesAsBase64()
    {
        var entry = Message(2, [.. Text(1, "k"), .. Text(2, "value")]);
        var tree = ProtobufDecoder.Decode(Wrap("v1", "Secret", entry));
        Assert.Equal("dmFsdWU=", (string?)tree["data"]!["k"]);
    }

    [Fact]
    public void Decode_Time_IsText()
    {
        var tree = ProtobufDecoder.Decode(Wrap("v1", "Event", Message(6, Number(1, 1_700_000_000))));
        Assert.Equal("2023-11-14T22:13:20Z", (string?)tree["firstTimestamp"]);
    }

    [Theory]
    [InlineData("coordination.k8s.io/v1", "Lease", 2, 4, "renewTime")]
    [InlineData("coordination.k8s.io/v1", "Lease", 2, 3, "acquireTime")]
    [InlineData("v1", "Event", 11, 2, "lastObservedTime")]
    [InlineData("v1", "Event", 0, 10, "eventTime")]
    [InlineData("events.k8s.io/v1", "Event", 0, 2, "eventTime")]
    public void Decode_MicroTime_OfAWholeSecond_HasSixDigits_AndIsTaken(string apiVersion, string kind, int part, int number, string field)
    {
        var time = Message(number, Number(1, 1_700_000_000));
        var tree = ProtobufDecoder.Decode(Wrap(apiVersion, kind, [.. part == 0 ? time : Message(part, time)]));
        var text = (string?)(tree[field] ?? tree["spec"]?[field] ?? tree["series"]?[field]);
        Assert.Equal("2023-11-14T22:13:20.000000Z", text);
        Assert.Null(GoTime.Complaint(text!, micro: true));
    }

    [Fact]
    public void Decode_RoleBinding_ReadsAsItsJson()
    {
        var subject = Text(1, "User").Concat(Text(2, "rbac.authorization.k8s.io")).Concat(Text(3, "ann")).Concat(Text(4, ""));
        var role = Text(1, "rbac.authorization.k8s.io").Concat(Text(2, "Role")).Concat(Text(3, "r"));
        var tree = ProtobufDecoder.Decode(Wrap(
            "rbac.authorization.k8s.io/v1", "RoleBinding", [.. Message(1, Text(1, "x")), .. Message(2, [.. subject]), .. Message(3, [.. role])]));
        Assert.Equal(
            """{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"RoleBinding","metadata":{"name":"x"},"subjects":[{"kind":"User","apiGroup":"rbac.authorization.k8s.io","name":"ann"}],"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"r"}}""",
            tree.ToJsonString());
    }

    [Fact]
    public void Decode_Job_ReadsAsItsJson()
    {
        var rule = Text(1, "FailJob").Concat(Message(2, [.. Text(2, "In"), .. Number(3, 42)]));
        var spec = Number(2, 3).Concat(Message(6, Message(2, Text(3, "Never")))).Concat(Number(7, 0)).Concat(Text(9, "Indexed")).Concat(Message(11, Message(1, rule)));
        var tree = ProtobufDecoder.Decode(Wrap("batch/v1", "Job", [.. Message(1, Text(1, "j")), .. Message(2, [.. spec])]));
        Assert.Equal(
            """{"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"j"},"spec":{"completions":3,"template":{"spec":{"restartPolicy":"Never"}},"backoffLimit":0,"completionMode":"Indexed","podFailurePolicy":{"rules":[{"action":"FailJob","onExitCodes":{"operator":"In","values":[42]}}]}}}""",
            tree.ToJsonString());
    }

    /// <summary>Typed Go clients send protobuf for every built-in kind, and do not fall back.</summary>
    [Fact]
    public void Decode_EveryBuiltInKind_IsRead()
    {
        foreach (var kind in Kinds.All.Where(k => !k.IsCustom && k != Kinds.CustomResourceDefinition))
        {
            Assert.Equal("x", (string?)ProtobufDecoder.Decode(Wrap(kind.ApiVersion, kind.Kind, Message(1, Text(1, "x"))))["metadata"]?["name"]);
        }
    }

    [Fact]
    public void Decode_HorizontalPodAutoscaler_ReadsAsItsJson()
    {
        var target = Text(1, "Utilization").Concat(Number(4, 80));
        var metric = Text(1, "Resource").Concat(Message(4, [.. Text(1, "cpu"), .. Message(2, target)]));
        var spec = Message(1, [.. Text(1, "Deployment"), .. Text(2, "d"), .. Text(3, "apps/v1")]).Concat(Number(2, 1)).Concat(Number(3, 3)).Concat(Message(4, metric));
        Assert.Equal(
            """{"apiVersion":"autoscaling/v2","kind":"HorizontalPodAutoscaler","metadata":{"name":"h"},"spec":{"scaleTargetRef":{"kind":"Deployment","name":"d","apiVersion":"apps/v1"},"minReplicas":1,"maxReplicas":3,"metrics":[{"type":"Resource","resource":{"name":"cpu","target":{"type":"Utilization","averageUtilization":80}}}]}}""",
            ProtobufDecoder.Decode(Wrap("autoscaling/v2", "HorizontalPodAutoscaler", [.. Message(1, Text(1, "h")), .. Message(2, spec)])).ToJsonString());
    }

    [Fact]
    public void Decode_Eviction_ReadsAsItsJson()
    {
        var options = Number(1, 5).Concat(Message(2, Text(1, "u"))).Concat(Text(5, "All"));
        Assert.Equal(
            """{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"p"},"deleteOptions":{"gracePeriodSeconds":5,"preconditions":{"uid":"u"},"dryRun":["All"]}}""",
            ProtobufDecoder.Decode(Wrap("policy/v1", "Eviction", [.. Message(1, Text(1, "p")), .. Message(2, options)])).ToJsonString());
    }

    [Theory]
    [InlineData("policy/v1beta1", "Eviction", 1, 415)]
    [InlineData("v1", "ConfigMap", 99, 415)]
    [InlineData("serving.knative.dev/v1", "Service", 1, 415)]
    [InlineData("v9", "ConfigMap", 1, 415)]
    public void Decode_Unknown_IsRefusedNotDropped(string apiVersion, string kind, int field, int code) =>
        Assert.Equal(code, Assert.Throws<ApiException>(() => ProtobufDecoder.Decode(Wrap(apiVersion, kind, Text(field, "x")))).Code);

    [Fact]
    public void Decode_AnyCutOrFlip_IsAnApiErrorOrAnObject()
    {
        var random = new Random(7);
        var good = Wrap("v1", "ConfigMap", [.. Message(1, Text(1, "x")), .. Entry(2, "a", "b")]);
        for (var round = 0; round < 5000; round++)
        {
            var bytes = good[..random.Next(good.Length + 1)];
            for (var i = random.Next(3); i > 0 && bytes.Length > 0; i--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }
            try
            {
                ProtobufDecoder.Decode(bytes);
            }
            catch (ApiException e)
            {
                Assert.InRange(e.Code, 400, 415);
            }
        }
    }

    internal static byte[] Wrap(string apiVersion, string kind, byte[] raw) =>
        [.. "k8s\0"u8, .. Message(1, [.. Text(1, apiVersion), .. Text(2, kind)]), .. Message(2, raw), .. Text(3, ""), .. Text(4, "")];

    internal static byte[] Text(int field, string text) => Message(field, Encoding.UTF8.GetBytes(text));

    internal static byte[] Message(int field, IEnumerable<byte> body)
    {
        var bytes = body.ToArray();
        return [.. Variable(((ulong)field << 3) | 2), .. Variable((ulong)bytes.Length), .. bytes];
    }

    private static byte[] Entry(int field, string key, string value) => Message(field, [.. Text(1, key), .. Text(2, value)]);

    private static byte[] Fixed(int field, double value) => [.. Variable(((ulong)field << 3) | 1), .. BitConverter.GetBytes(value)];

    private static byte[] Number(int field, long value) => [.. Variable((ulong)field << 3), .. Variable((ulong)value)];

    private static List<byte> Variable(ulong value)
    {
        var bytes = new List<byte>();
        for (; value >= 0x80; value >>= 7)
        {
            bytes.Add((byte)(value | 0x80));
        }
        bytes.Add((byte)value);
        return bytes;
    }
}
