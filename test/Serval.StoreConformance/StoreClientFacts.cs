using Serval.Api;
using Serval.Kube;
using static Serval.StoreConformance.Objects;

namespace Serval.StoreConformance;

/// <summary>What only a client beside the store promises: field selectors may name any scalar. An API server takes those of the kind.</summary>
public abstract class StoreClientFacts : KubeClientFacts
{
    [Theory]
    [InlineData("color=red", "data.key=c", "c")]
    [InlineData("", "data.absent=", "a,c")]
    public async Task List_SelectsByAnyField(string labels, string fields, string names)
    {
        await Create(ConfigMap("c", "c", labels: """{"color":"red"}"""));
        await Create(ConfigMap("a", "a"));
        var list = await Client.ListAsync(Kinds.ConfigMap, "facts", new ListOptions { LabelSelector = labels, FieldSelector = fields });
        Assert.Equal(names, string.Join(',', list.Items.Select(o => o.Metadata.Name)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public Task Watch_WithASelectorOfAnyField_ShowsEnteringAndLeaving(bool resumed) =>
        ShowsEnteringAndLeaving(new WatchOptions { LabelSelector = "on", FieldSelector = "data.key!=aGlkZGVu" }, resumed);
}
