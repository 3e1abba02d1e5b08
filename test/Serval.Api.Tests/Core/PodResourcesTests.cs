using System.Text;
using Serval.Api.Core;

namespace Serval.Api.Tests.Core;

/// <summary>What a pod asks for as a whole. Cases after kubernetes' own rules: component-helpers resource, quota evaluator.</summary>
public sealed class PodResourcesTests
{
    [Theory]
    [InlineData("""{"containers":[{"name":"a"}]}""", "pods=1")]
    [InlineData("""{"containers":[{"name":"a","resources":{"requests":{"cpu":"200m","memory":"1Gi"}}},{"name":"b","resources":{"requests":{"cpu":0.1}}}]}""", "cpu=300m memory=1Gi pods=1")]
    [InlineData("""{"containers":[{"name":"a","resources":{"requests":{"cpu":"200m"},"limits":{"cpu":"1","memory":"64Mi"}}}]}""", "cpu=200m memory=64Mi pods=1")]
    [InlineData("""{"containers":[{"name":"a","resources":{"requests":{"cpu":"200m"}}}],"initContainers":[{"name":"i","resources":{"requests":{"cpu":"1","memory":"1Mi"}}},{"name":"j","resources":{"requests":{"cpu":"500m"}}}]}""", "cpu=1 memory=1Mi pods=1")]
    [InlineData("""{"containers":[{"name":"a","resources":{"requests":{"cpu":"200m"}}}],"initContainers":[{"name":"s","restartPolicy":"Always","resources":{"requests":{"cpu":"300m"}}},{"name":"i","resources":{"requests":{"cpu":"400m"}}}]}""", "cpu=700m pods=1")]
    [InlineData("""{"containers":[{"name":"a","resources":{"requests":{"cpu":"200m"}}}],"initContainers":[{"name":"i","resources":{"requests":{"cpu":"400m"}}},{"name":"s","restartPolicy":"Always","resources":{"requests":{"cpu":"300m"}}}]}""", "cpu=500m pods=1")]
    public void Requests_OfAPod_AreTheMostItNeedsAtATime(string spec, string expected) => Assert.Equal(expected, Text(PodResources.Requests(Pod(spec))));

    [Theory]
    [InlineData("""{"containers":[{"name":"a"}]}""", "count/pods=1 pods=1")]
    [InlineData(
        """{"containers":[{"name":"a","resources":{"requests":{"cpu":"200m","x.dev/y":"2"},"limits":{"cpu":"500m","memory":"1Gi"}}}]}""",
        "count/pods=1 cpu=200m limits.cpu=500m limits.memory=1Gi memory=1Gi pods=1 requests.cpu=200m requests.memory=1Gi requests.x.dev/y=2")]
    public void Usage_OfAPod_HasBothNamesOfWhatItRequests(string spec, string expected) => Assert.Equal(expected, Text(PodResources.Usage(Pod(spec))));

    [Theory]
    [InlineData("pods", true)]
    [InlineData("count/pods", true)]
    [InlineData("cpu", true)]
    [InlineData("requests.nvidia.com/gpu", true)]
    [InlineData("limits.memory", true)]
    [InlineData("limits.nvidia.com/gpu", false)]
    [InlineData("requests.storage", false)]
    [InlineData("services", false)]
    [InlineData("count/deployments.apps", false)]
    public void Counted_AreTheNamesOfPods(string name, bool counted) => Assert.Equal(counted, PodResources.IsCounted(name));

    [Fact]
    public void Sum_OfQuantities_KeepsTheFormOfTheFirst()
    {
        Assert.Equal("300m", (Quantity.Parse("100m") + Quantity.Parse("0.2")).ToString());
        Assert.Equal("1536Mi", (Quantity.Zero + Quantity.Parse("1Gi") + Quantity.Parse("512Mi")).ToString());
        Assert.Equal("0", (Quantity.Parse("1Gi") - Quantity.Parse("1024Mi")).ToString());
    }

    private static PodSpec Pod(string spec) =>
        KubeObject.Parse(Encoding.UTF8.GetBytes($$"""{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","namespace":"n"},"spec":{{spec}} }""")).As<Pod>().Spec;

    private static string Text(IReadOnlyDictionary<string, Quantity> amounts) =>
        string.Join(' ', amounts.OrderBy(a => a.Key, StringComparer.Ordinal).Select(a => $"{a.Key}={a.Value}"));
}
