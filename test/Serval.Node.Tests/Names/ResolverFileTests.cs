using System.Net;
using System.Text;
using Serval.Api;
using Serval.Api.Core;
using Serval.Node.Names;

namespace Serval.Node.Tests.Names;

public sealed class ResolverFileTests
{
    private const string Machine = "# made by hand\nnameserver 10.0.0.53\nnameserver 127.0.0.53\nsearch old\nsearch corp.test lab.test\noptions timeout:1 edns0\n";
    private static readonly IPAddress s_server = new([10, 244, 0, 1]);

    [Theory]
    [InlineData("{}", "search ns.svc.cluster.local svc.cluster.local cluster.local corp.test lab.test\nnameserver 10.244.0.1\noptions ndots:5\n")]
    [InlineData("""{"dnsPolicy":"ClusterFirstWithHostNet"}""", "search ns.svc.cluster.local svc.cluster.local cluster.local corp.test lab.test\nnameserver 10.244.0.1\noptions ndots:5\n")]
    [InlineData("""{"dnsPolicy":"Default"}""", "search corp.test lab.test\nnameserver 10.0.0.53\nnameserver 10.244.0.1\noptions timeout:1 edns0\n")]
    [InlineData("""{"dnsPolicy":"None","dnsConfig":{"nameservers":["1.2.3.4"],"searches":["a.test"],"options":[{"name":"ndots","value":"2"},{"name":"rotate"}]}}""",
        "search a.test\nnameserver 1.2.3.4\noptions ndots:2 rotate\n")]
    [InlineData("""{"dnsConfig":{"nameservers":["1.2.3.4","10.244.0.1"],"searches":["corp.test","a.test"],"options":[{"name":"ndots","value":"2"}]}}""",
        "search ns.svc.cluster.local svc.cluster.local cluster.local corp.test lab.test a.test\nnameserver 10.244.0.1\nnameserver 1.2.3.4\noptions ndots:2\n")]
    public void Policy_AndConfig_AsKubeletWritesThem(string spec, string expected) =>
        Assert.Equal(expected, ResolverFile.ForPod(Spec(spec), "ns", ResolverFile.Parse(Machine), s_server).ToString());

    [Fact]
    public void WithoutANameServer_ItIsTheMachines() =>
        Assert.Equal(
            "search corp.test lab.test\nnameserver 10.0.0.53\nnameserver 127.0.0.53\noptions timeout:1 edns0\n",
            ResolverFile.ForPod(Spec("{}"), "ns", ResolverFile.Parse(Machine), null).ToString());

    [Fact]
    public void Limits_AreKubelets()
    {
        var many = string.Join(',', Enumerable.Range(0, 40).Select(i => $"\"{new string('a', 100)}{i}.test\""));
        var file = ResolverFile.ForPod(
            Spec($$"""{"dnsPolicy":"None","dnsConfig":{"nameservers":["1.1.1.1","2.2.2.2","3.3.3.3","4.4.4.4"],"searches":[{{many}}]} }"""), "ns", new ResolverFile(), s_server);
        Assert.Equal(3, file.Servers.Count);
        Assert.InRange(string.Join(' ', file.Searches).Length, 1900, 2048);
    }

    /// <summary>A value with a line of its own would write what the pod's author did not say.</summary>
    [Fact]
    public void Values_StayInTheirLines()
    {
        var file = ResolverFile.ForPod(
            Spec("""{"dnsPolicy":"None","dnsConfig":{"nameservers":["1.2.3.4\nnameserver 6.6.6.6"],"searches":["a\tb"],"options":[{"name":"x","value":"1\n2"}]}}"""), "ns", new ResolverFile(), s_server);
        Assert.Equal("", file.ToString());
    }

    private static PodSpec Spec(string json) => KubeObject.Parse(Encoding.UTF8.GetBytes($$"""{"spec":{{json}} }""")).As<Pod>().Spec;
}
