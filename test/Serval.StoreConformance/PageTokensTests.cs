using Serval.Api;
using Serval.ApiServer.Pipeline;
using Serval.Kube;
using static Serval.StoreConformance.Objects;

namespace Serval.StoreConformance;

/// <summary>What is kept of lists that are read in pages.</summary>
public sealed class PageTokensTests
{
    private static readonly PageScope s_scope = new(Kinds.ConfigMap, "facts", "", "");
    private static readonly List<KubeObject> s_items = [ConfigMap("a"), ConfigMap("b"), ConfigMap("c")];

    private readonly ManualTime _clock = new();

    [Fact]
    public void ListsThatExpired_AreLetGo()
    {
        using var tokens = new PageTokens(_clock);
        var early = tokens.First(s_scope, 5, s_items, 1);
        _clock.Advance(TimeSpan.FromMinutes(2));
        var late = tokens.First(s_scope, 6, s_items, 1);
        Assert.Equal(2, tokens.Count);
        _clock.Advance(TimeSpan.FromMinutes(3));
        Assert.Equal(1, tokens.Count);
        Assert.Equal(410, Assert.Throws<ApiException>(() => Next(tokens, early)).Code);
        Assert.Equal(["b"], Next(tokens, late).Items.Select(o => o.Metadata.Name));
        _clock.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(0, tokens.Count);
        tokens.First(s_scope, 7, s_items, 1);
        _clock.Advance(PageTokens.Life);
        Assert.Equal(0, tokens.Count);
    }

    [Fact]
    public void TooManyLists_TheOldestGoes()
    {
        using var tokens = new PageTokens(_clock);
        var first = tokens.First(s_scope, 5, s_items, 1);
        for (var i = 0; i < 32; i++)
        {
            _clock.Advance(TimeSpan.FromSeconds(1));
            tokens.First(s_scope, 6, s_items, 1);
        }
        Assert.Equal(32, tokens.Count);
        Assert.Equal(410, Assert.Throws<ApiException>(() => Next(tokens, first)).Code);
    }

    private static KubeList Next(PageTokens tokens, KubeList page) => tokens.Next(PageToken.Read(s_scope, page.Continue), 1);
}
