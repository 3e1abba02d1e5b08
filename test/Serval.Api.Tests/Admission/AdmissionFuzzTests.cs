using System.Text.Json.Nodes;
using Serval.Api.Admission;

namespace Serval.Api.Tests.Admission;

/// <summary>Values of the wrong type anywhere in a tree are the schema's to report; admission must survive them. The seed is in the test's name.</summary>
public sealed class AdmissionFuzzTests
{
    private const string Container = """
        {"name":"c","image":"a","ports":[{"containerPort":80,"name":"h2c"}],"env":[{"name":"A","value":"b","valueFrom":{"fieldRef":{"fieldPath":"x"}}}],
         "envFrom":[{"configMapRef":{"name":"m"}}],"volumeMounts":[{"name":"v","mountPath":"/v","subPath":"s"}],
         "resources":{"limits":{"cpu":"1","hugepages-2Mi":"2Mi"},"requests":{"cpu":"1"},"claims":[{"name":"x","request":"r"}]},"resizePolicy":[{"resourceName":"cpu"}],"securityContext":{"capabilities":{"add":["X"]},"runAsUser":1},
         "readinessProbe":{"httpGet":{"port":80},"periodSeconds":1},"livenessProbe":{"tcpSocket":{"port":"x"}},"startupProbe":{"grpc":{"port":1}}}
        """;

    private const string PodSpec = $$$$"""
        {{{{{Place}}}}"containers":[{{{{Container}}}}],"initContainers":[{{{{Container}}}}],"securityContext":{"supplementalGroups":[1]},"timeoutSeconds":3,
         "volumes":[{"name":"v","secret":{"items":[{"key":"k","path":"p"}]}},{"name":"p","projected":{"sources":[{"downwardAPI":{"items":[{"path":"x"}]}}]}}]}
        """;

    private const string Place = """
        "affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[{"matchExpressions":[{"key":"a","operator":"In","values":["b"]}],"matchFields":[{"key":"metadata.name"}]}]},
          "preferredDuringSchedulingIgnoredDuringExecution":[{"weight":1,"preference":{}}]},
         "podAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":[{"topologyKey":"k","namespaces":["n"],"labelSelector":{"matchLabels":{"a":"b"}},"matchLabelKeys":["a"],"mismatchLabelKeys":["a"]}]}},
         "topologySpreadConstraints":[{"maxSkew":1,"minDomains":1,"labelSelector":{},"matchLabelKeys":["a"]}],"resourceClaims":[{"name":"x"}],"resources":{"limits":{"cpu":"1"}},"overhead":{"cpu":"1"},
        """;

    private const string Meta = """
        {"name":"x","namespace":"d","labels":{"a":"b"},"annotations":{"autoscaling.knative.dev/min-scale":"1"},"finalizers":["a/b"],
         "ownerReferences":[{"apiVersion":"v1","kind":"Service","name":"x","uid":"u","controller":true}]}
        """;

    private const string Everything = $$$$"""
        {"apiVersion":"v1","kind":"X","metadata":{{{{Meta}}}},"type":"Opaque","immutable":true,"addressType":"IPv4","data":{"k":"dg=="},"stringData":{"s":"t"},
         "binaryData":{"b":"dg=="},"endpoints":[{"addresses":["10.0.0.1"]}],"ports":[{"port":1}],"subsets":[{"ports":[{"port":1}]}],
         "spec":{"template":{"metadata":{{{{Meta}}}},"spec":{{{{PodSpec}}}}},{{{{Place}}}}"containers":[{{{{Container}}}}],"volumes":[{"name":"v"}],"traffic":[{"percent":100,"tag":"t","revisionName":"r"}],
          "selector":{"matchLabels":{"a":"b"},"matchExpressions":[{"key":"a","operator":"In","values":["b"]}]},"replicas":1,"type":"ClusterIP",
          "strategy":{"type":"RollingUpdate","rollingUpdate":{"maxSurge":1,"maxUnavailable":"25%"}},"ports":[{"port":80,"targetPort":"x"}],
          "rules":[{"http":{"paths":[{"splits":[{"serviceName":"s","percent":1}]}]}}],"tls":[{"secretName":"s"}],"scaleTargetRef":{"name":"x"},"objectRef":{"name":"x"},
          "mode":"Proxy","leaseDurationSeconds":1}}
        """;

    private static readonly string[] s_odd = ["null", "true", "-1", "1.5", "\"\"", "\"text\"", "[]", "[null]", "{}", "{\"a\":null}", "99999999999999999999", "[[1]]"];

    [Theory]
    [InlineData(1)]
    [InlineData(20)]
    [InlineData(300)]
    [InlineData(4000)]
    public void Admission_OddTrees_NeverThrows(int seed)
    {
        var random = new Random(seed);
        foreach (var kind in Kinds.All)
        {
            for (var round = 0; round < 60; round++)
            {
                var tree = Mutate(Edits.Parse(Everything), random);
                var old = round % 2 == 0 ? null : Mutate(Edits.Parse(Everything), random);
                var ctx = new AdmissionContext { User = "u", Operation = old is null ? AdmissionOperation.Create : AdmissionOperation.Update };
                Defaulting.Apply(kind, tree, old, ctx);
                var errors = Validation.Validate(kind, tree, old, ctx);
                if (errors.Count > 0)
                {
                    Assert.NotEmpty(Validation.ToException(kind, "x", errors).Message);
                }
            }
        }
    }

    private static JsonObject Mutate(JsonObject tree, Random random)
    {
        for (var i = random.Next(1, 5); i > 0; i--)
        {
            var places = new List<(JsonNode Owner, object Key)>();
            Collect(tree, places);
            var (owner, key) = places[random.Next(places.Count)];
            var odd = JsonNode.Parse(s_odd[random.Next(s_odd.Length)]);
            if (key is int index)
            {
                ((JsonArray)owner)[index] = odd;
            }
            else
            {
                owner[(string)key] = odd;
            }
        }
        return tree;
    }

    private static void Collect(JsonNode? node, List<(JsonNode, object)> places)
    {
        if (node is JsonObject map)
        {
            foreach (var (key, value) in map)
            {
                places.Add((map, key));
                Collect(value, places);
            }
        }
        else if (node is JsonArray list)
        {
            for (var i = 0; i < list.Count; i++)
            {
                places.Add((list, i));
                Collect(list[i], places);
            }
        }
    }
}
