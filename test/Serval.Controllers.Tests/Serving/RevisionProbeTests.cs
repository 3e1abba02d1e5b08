using System.Text;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Admission;
using Serval.Api.Config;
using Serval.Api.Serving;
using Serval.Controllers.Serving;

namespace Serval.Controllers.Tests.Serving;

/// <summary>What becomes of a revision's probes, from what a user wrote to what its pods have (knative/serving: revision_defaults, revision/resources).</summary>
public sealed class RevisionProbeTests
{
    [Theory]
    [InlineData("""{}""", """{"readinessProbe":{"successThreshold":1,"tcpSocket":{"port":8080}}}""", "")]
    [InlineData("""{"readinessProbe":{}}""", """{"readinessProbe":{"successThreshold":1,"tcpSocket":{"port":8080}}}""", "")]
    [InlineData("""{"readinessProbe":{"tcpSocket":{"port":9000,"host":"elsewhere"}}}""", """{"readinessProbe":{"successThreshold":1,"tcpSocket":{"port":9000}}}""", "")]
    [InlineData("""{"readinessProbe":{"tcpSocket":{},"successThreshold":3}}""", """{"readinessProbe":{"successThreshold":3,"tcpSocket":{"port":8080}}}""", "c")]
    [InlineData("""{"readinessProbe":{"httpGet":{"path":"/h","host":"elsewhere"}}}""", """{"readinessProbe":{"httpGet":{"path":"/h","port":8080},"successThreshold":1}}""", "c")]
    [InlineData("""{"readinessProbe":{"httpGet":{"port":9000,"scheme":"HTTPS"},"periodSeconds":0}}""", """{"readinessProbe":{"httpGet":{"port":9000,"scheme":"HTTPS"},"periodSeconds":0,"successThreshold":1}}""", "c")]
    [InlineData("""{"readinessProbe":{"httpGet":{"port":9000,"scheme":"http"}}}""", """{"readinessProbe":{"httpGet":{"port":9000,"scheme":"HTTP"},"successThreshold":1}}""", "c")]
    [InlineData("""{"readinessProbe":{"httpGet":{},"periodSeconds":5}}""", """{"readinessProbe":{"failureThreshold":3,"httpGet":{"port":8080},"periodSeconds":5,"successThreshold":1,"timeoutSeconds":1}}""", "")]
    [InlineData("""{"readinessProbe":{"grpc":{}}}""", """{"readinessProbe":{"grpc":{"port":8080,"service":""},"successThreshold":1}}""", "c")]
    [InlineData("""{"readinessProbe":{"exec":{"command":["a"]}}}""", """{"readinessProbe":{"exec":{"command":["a"]},"successThreshold":1}}""", "")]
    [InlineData("""{"livenessProbe":{"httpGet":{"port":9000,"host":"h"}}}""", """{"livenessProbe":{"httpGet":{"host":"h","port":8080}},"readinessProbe":{"successThreshold":1,"tcpSocket":{"port":8080}}}""", "")]
    [InlineData("""{"livenessProbe":{"tcpSocket":{"port":"user-port"}}}""", """{"livenessProbe":{"tcpSocket":{"port":8080}},"readinessProbe":{"successThreshold":1,"tcpSocket":{"port":8080}}}""", "")]
    [InlineData("""{"livenessProbe":{"grpc":{"port":9000}}}""", """{"livenessProbe":{"grpc":{"port":9000,"service":""}},"readinessProbe":{"successThreshold":1,"tcpSocket":{"port":8080}}}""", "")]
    [InlineData("""{"startupProbe":{"httpGet":{"port":9000},"periodSeconds":3}}""", """{"readinessProbe":{"successThreshold":1,"tcpSocket":{"port":8080}},"startupProbe":{"httpGet":{"port":9000},"periodSeconds":3}}""", "")]
    [InlineData("""{"startupProbe":{"tcpSocket":{}}}""", """{"readinessProbe":{"successThreshold":1,"tcpSocket":{"port":8080}},"startupProbe":{"tcpSocket":{"port":8080}}}""", "")]
    public void Probes_OfTheOnlyContainer(string probes, string expected, string eager)
    {
        var container = JsonNode.Parse(probes)!.AsObject();
        (container["name"], container["image"]) = ("c", "i");
        var template = Template(ServingConfig.Default, container.ToJsonString());
        Assert.Equal(Sorted(JsonNode.Parse(expected)!).ToJsonString(), Probes(template, 0));
        Assert.Equal(eager, (string?)template["metadata"]!["annotations"]![KnativeNames.EagerReadinessAnnotation] ?? "");
    }

    /// <summary>With the gate a container's own liveness port is its own, and sidecars are probed as they say.</summary>
    [Fact]
    public void Probes_WithMultiContainerProbing_KeepTheirPorts()
    {
        var (config, _) = ServingConfig.Default.With("config-features", new Dictionary<string, string> { ["multi-container-probing"] = "enabled" });
        var template = Template(
            config, """{"name":"c","image":"i","ports":[{"containerPort":8080}],"livenessProbe":{"httpGet":{"port":9000}}}""",
            """{"name":"s","image":"i","readinessProbe":{"httpGet":{"port":9001,"host":"h"}},"livenessProbe":{"tcpSocket":{"port":9002}}}""");
        Assert.Equal("""{"livenessProbe":{"httpGet":{"port":9000}},"readinessProbe":{"successThreshold":1,"tcpSocket":{"port":8080}}}""", Probes(template, 0));
        Assert.Equal("""{"livenessProbe":{"tcpSocket":{"port":9002}},"readinessProbe":{"httpGet":{"port":9001},"successThreshold":1}}""", Probes(template, 1));
        Assert.Equal("s", (string?)template["metadata"]!["annotations"]![KnativeNames.EagerReadinessAnnotation]);
    }

    [Theory]
    [InlineData("enabled", "true")]
    [InlineData("allowed", null)]
    [InlineData("disabled", null)]
    public void AutodetectHttp2_IsToldToTheNode(string flag, string? annotation)
    {
        var (config, _) = ServingConfig.Default.With("config-features", new Dictionary<string, string> { ["autodetect-http2"] = flag });
        var template = Template(config, """{"name":"c","image":"i"}""");
        Assert.Equal(annotation, (string?)template["metadata"]!["annotations"]![KnativeNames.DetectHttp2Annotation]);
    }

    private static JsonObject Template(ServingConfig config, params string[] containers)
    {
        var tree = JsonNode.Parse($$$$"""
            {"apiVersion":"serving.knative.dev/v1","kind":"Revision","metadata":{"name":"r","namespace":"n","uid":"u"},"spec":{"containers":[{{{{string.Join(',', containers)}}}}]}}
            """)!.AsObject();
        Defaulting.Apply(Kinds.Revision, tree, null, new AdmissionContext { Config = config });
        var revision = KubeObject.Parse(Encoding.UTF8.GetBytes(tree.ToJsonString()));
        var deployment = DeploymentMaker.Make(revision, revision.As<Revision>(), new Dictionary<string, string> { ["c"] = "i@d", ["s"] = "i@d" }, config);
        return deployment["spec"]!["template"]!.AsObject();
    }

    private static string Probes(JsonObject template, int container)
    {
        var probes = new JsonObject();
        foreach (var (name, probe) in template["spec"]!["containers"]![container]!.AsObject().Where(p => p.Key.EndsWith("Probe", StringComparison.Ordinal)).OrderBy(p => p.Key))
        {
            probes[name] = Sorted(probe!);
        }
        return probes.ToJsonString();
    }

    private static JsonNode Sorted(JsonNode node) => node is JsonObject tree
        ? new JsonObject(tree.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => KeyValuePair.Create(p.Key, (JsonNode?)Sorted(p.Value!))))
        : node.DeepClone();
}
