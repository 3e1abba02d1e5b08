using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Core;
using Serval.Node.Containers;

namespace Serval.Node.Tests;

public sealed class EnvironmentTests
{
    private static readonly Dictionary<int, int> s_ports = new() { [8080] = 20017, [9090] = 20018 };

    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("$(A)", "one")]
    [InlineData("x-$(A)-$(B)-y", "x-one-two-y")]
    [InlineData("$(MISSING)", "$(MISSING)")]
    [InlineData("$$(A)", "$(A)")]
    [InlineData("$$$(A)", "$one")]
    [InlineData("$", "$")]
    [InlineData("100$", "100$")]
    [InlineData("$A", "$A")]
    [InlineData("$(A", "$(A")]
    [InlineData("$()", "$()")]
    [InlineData("$$", "$")]
    public void Expansion_FollowsKubernetes(string text, string expected) =>
        Assert.Equal(expected, Expansion.Expand(text, new Dictionary<string, string> { ["A"] = "one", ["B"] = "two" }));

    [Theory]
    [InlineData("10.244.0.1", "tcp://10.244.0.1:6443")]
    [InlineData("fd00::1", "tcp://[fd00::1]:6443")]
    public void Build_TellsWhereTheApiIs_UnlessThePodKnowsBetter(string host, string url)
    {
        var pod = KubeObject.From(TestNode.Shell("", c => c["env"] = JsonNode.Parse(
            """[{"name":"KUBERNETES_PORT","value":"mine"},{"name":"A","value":"$(KUBERNETES_SERVICE_HOST)"}]"""))).As<Pod>();
        var built = ContainerEnvironment.Build(
            pod, pod.Spec.Containers[0], new PodFields(pod, "node-1", "127.0.0.1", "127.0.0.1"), new Known(), s_ports, new DnsEndPoint(host, 6443));
        Assert.Equal((host, "6443", "6443", url, host, "mine"), (
            built["KUBERNETES_SERVICE_HOST"], built["KUBERNETES_SERVICE_PORT"], built["KUBERNETES_SERVICE_PORT_HTTPS"], built["KUBERNETES_PORT_6443_TCP"], built["A"],
            built["KUBERNETES_PORT"]));
    }

    /// <summary>The names and values kubelet gives (pkg/kubelet/envvars).</summary>
    [Theory]
    [InlineData("null", true)]
    [InlineData("true", true)]
    [InlineData("false", false)]
    public void Build_TellsOfServices_WhereThePodWantsTheirLinks(string links, bool told)
    {
        var built = Build("""[{"name":"SIX_SERVICE_HOST","value":"mine"},{"name":"A","value":"$(MY_DB_SERVICE_HOST):$(MY_DB_SERVICE_PORT)"}]""", links: links);
        string[] expected =
        [
            "MY_DB_PORT=tcp://10.96.0.7:5432", "MY_DB_PORT_5432_TCP=tcp://10.96.0.7:5432", "MY_DB_PORT_5432_TCP_ADDR=10.96.0.7", "MY_DB_PORT_5432_TCP_PORT=5432",
            "MY_DB_PORT_5432_TCP_PROTO=tcp", "MY_DB_PORT_99_UDP=udp://10.96.0.7:99", "MY_DB_PORT_99_UDP_ADDR=10.96.0.7", "MY_DB_PORT_99_UDP_PORT=99",
            "MY_DB_PORT_99_UDP_PROTO=udp", "MY_DB_SERVICE_HOST=10.96.0.7", "MY_DB_SERVICE_PORT=5432", "MY_DB_SERVICE_PORT_SQL_MAIN=5432", "MY_DB_SERVICE_PORT_STATS=99",
            "SIX_PORT=tcp://[fd00::6]:80", "SIX_PORT_80_TCP=tcp://[fd00::6]:80", "SIX_PORT_80_TCP_ADDR=fd00::6", "SIX_PORT_80_TCP_PORT=80", "SIX_PORT_80_TCP_PROTO=tcp",
            "SIX_SERVICE_PORT=80",
        ];
        var services = built.Where(v => v.Key.StartsWith("MY_DB", StringComparison.Ordinal) || (v.Key.StartsWith("SIX", StringComparison.Ordinal) && v.Value != "mine"))
            .Select(v => $"{v.Key}={v.Value}").Order(StringComparer.Ordinal);
        Assert.Equal(told ? expected : [], services);
        Assert.Equal("mine", built["SIX_SERVICE_HOST"]);
        Assert.Equal(told ? "10.96.0.7:5432" : "$(MY_DB_SERVICE_HOST):$(MY_DB_SERVICE_PORT)", built["A"]);
    }

    [Fact]
    public void Port_IsTheInstancesPort_AlsoWhenThePodSetIt()
    {
        Assert.Equal("20017", Build("[]")["PORT"]);
        Assert.Equal("20017", Build("""[{"name":"PORT","value":"8080"}]""")["PORT"]);
        Assert.Equal("20018", Build("""[{"name":"PORT","value":"9090"}]""")["PORT"]);
        Assert.Equal("http://x:20017/", Build("""[{"name":"URL","value":"http://x:$(PORT)/"}]""")["URL"]);
        Assert.Equal("1234", Build("""[{"name":"PORT","value":"1234"}]""")["PORT"]);
    }

    [Theory]
    [InlineData("metadata.name", "p1")]
    [InlineData("metadata.namespace", "team")]
    [InlineData("metadata.uid", "u-1")]
    [InlineData("metadata.labels['app']", "web")]
    [InlineData("metadata.annotations['note']", "hi")]
    [InlineData("metadata.labels['none']", "")]
    [InlineData("spec.nodeName", "node-1")]
    [InlineData("spec.serviceAccountName", "default")]
    [InlineData("status.podIP", "127.0.0.1")]
    [InlineData("status.hostIP", "127.0.0.1")]
    public void FieldRef_GivesThePodsField(string path, string expected)
    {
        var env = Build($$$"""[{"name":"F","valueFrom":{"fieldRef":{"fieldPath":"{{{path}}}"} } }]""");
        Assert.Equal(expected, env["F"]);
    }

    [Theory]
    [InlineData("limits.cpu", "0", "1")]
    [InlineData("limits.cpu", "1m", "250")]
    [InlineData("limits.memory", "1Mi", "64")]
    [InlineData("requests.memory", "1", "1000")]
    [InlineData("requests.cpu", "1", "0")]
    public void ResourceFieldRef_IsRoundedUpByItsDivisor(string resource, string divisor, string expected)
    {
        var env = Build($$$"""[{"name":"R","valueFrom":{"resourceFieldRef":{"resource":"{{{resource}}}","divisor":"{{{divisor}}}"} } }]""");
        Assert.Equal(expected, env["R"]);
    }

    [Fact]
    public void References_GiveKeysAndWholeMaps_LaterOnesWin()
    {
        var env = Build(
            """
            [{"name":"K","valueFrom":{"configMapKeyRef":{"name":"c","key":"a"}}},
             {"name":"S","valueFrom":{"secretKeyRef":{"name":"s","key":"token"}}},
             {"name":"O","valueFrom":{"secretKeyRef":{"name":"gone","key":"x","optional":true}}},
             {"name":"P_b","value":"own"}, {"name":"SUM","value":"$(K)$(S)"}]
            """,
            """[{"configMapRef":{"name":"c"},"prefix":"P_"},{"secretRef":{"name":"s"}},{"secretRef":{"name":"gone","optional":true}}]""");

        Assert.Equal("1", env["P_a"]);
        Assert.Equal("own", env["P_b"]);
        Assert.Equal("hush", env["token"]);
        Assert.Equal("1hush", env["SUM"]);
        Assert.False(env.ContainsKey("O"));
    }

    [Theory]
    [InlineData("""[{"name":"K","valueFrom":{"configMapKeyRef":{"name":"no","key":"a"}}}]""", "configmap \"no\" not found")]
    [InlineData("""[{"name":"K","valueFrom":{"configMapKeyRef":{"name":"c","key":"z"}}}]""", "couldn't find key z in ConfigMap team/c")]
    [InlineData("""[{"name":"K","valueFrom":{"secretKeyRef":{"name":"no","key":"a"}}}]""", "secret \"no\" not found")]
    [InlineData("""[{"name":"K","valueFrom":{"secretKeyRef":{"name":"s","key":"z"}}}]""", "couldn't find key z in Secret team/s")]
    [InlineData("""[{"name":"K","valueFrom":{"fieldRef":{"fieldPath":"spec.magic"}}}]""", "unsupported fieldPath: spec.magic")]
    public void Reference_Missing_BeginsAsKubeletSaysIt(string env, string message) =>
        Assert.StartsWith(message, Assert.Throws<ContainerConfigException>(() => Build(env)).Message, StringComparison.Ordinal);

    private static Dictionary<string, string> Build(string env, string envFrom = "[]", string links = "null")
    {
        var pod = KubeObject.Parse(Encoding.UTF8.GetBytes($$$"""
            {"apiVersion":"v1","kind":"Pod",
             "metadata":{"name":"p1","namespace":"team","uid":"u-1","labels":{"app":"web"},"annotations":{"note":"hi"}},
             "spec":{"enableServiceLinks":{{{links}}},"containers":[{"name":"app","image":"x","ports":[{"containerPort":8080},{"containerPort":9090}],
               "resources":{"limits":{"cpu":"250m","memory":"64Mi"},"requests":{"memory":"1k"}},"env":{{{env}}},"envFrom":{{{envFrom}}} }]}}
            """)).As<Pod>();
        return ContainerEnvironment.Build(pod, pod.Spec.Containers[0], new PodFields(pod, "node-1", "127.0.0.1", "127.0.0.1"), new Known(), s_ports);
    }

    private sealed class Known : IReferences
    {
        public ConfigMap? ConfigMap(string name) => name != "c"
            ? null
            : KubeObject.From(new JsonObject { ["data"] = new JsonObject { ["a"] = "1", ["b"] = "2" } }).As<ConfigMap>();

        public Secret? Secret(string name) => name != "s"
            ? null
            : KubeObject.From(new JsonObject { ["data"] = new JsonObject { ["token"] = "aHVzaA==" } }).As<Secret>();

        public ObjectMeta? ServiceAccount(string name) => null;

        public IEnumerable<(string Name, ServiceSpec Spec)> Services() =>
        [
            ("my-db", new ServiceSpec { ClusterIP = "10.96.0.7", Ports = [new() { Name = "sql-main", Port = 5432 }, new() { Name = "stats", Port = 99, Protocol = "UDP" }] }),
            ("six", new ServiceSpec { ClusterIP = "fd00::6", Ports = [new() { Port = 80 }] }),
        ];
    }
}
