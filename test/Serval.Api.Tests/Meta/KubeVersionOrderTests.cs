namespace Serval.Api.Tests.Meta;

public sealed class KubeVersionOrderTests
{
    /// <summary>The order of apimachinery's own example (CustomResourceDefinitionSpec.versions).</summary>
    [Fact]
    public void Sorts_AsKubernetesDoes()
    {
        string[] sorted = ["v10", "v2", "v1", "v11beta2", "v10beta3", "v3beta1", "v12alpha1", "v11alpha2", "foo1", "foo10", "v01", "vbeta1"];
        var shuffled = sorted.ToArray();
        new Random(5).Shuffle(shuffled);
        Assert.Equal(sorted, shuffled.Order(KubeVersionOrder.Instance));
    }
}
