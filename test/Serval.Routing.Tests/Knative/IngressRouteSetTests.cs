using Serval.Api;
using Serval.Api.Networking;
using Serval.Routing.Knative;

namespace Serval.Routing.Tests.Knative;

public sealed class IngressRouteSetTests
{
    private static readonly DateTimeOffset s_t0 = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private static CompiledIngress Ingress(string name, int age, params string[] hosts) => new()
    {
        Key = new ObjectKey("d", name),
        Created = s_t0.AddMinutes(-age),
        Hosts = [.. hosts.Select(h => new CompiledHost(h, [new RouteRule { Owner = name }]))],
    };

    private static string? Owner(IngressRouteSet set, string host) => set.Build(1).Match(host, "/")?.Owner;

    [Fact]
    public void Set_OlderIngress_TakesTheHostAndTellsTheOther()
    {
        var set = new IngressRouteSet();
        Assert.Empty(set.Set(Ingress("young", 1, "a", "b")));
        Assert.Equal([new ObjectKey("d", "young")], set.Set(Ingress("old", 9, "a")));
        Assert.Equal("old", Owner(set, "a"));
        Assert.Equal([new HostConflict("a", new ObjectKey("d", "old"))], set.Conflicts(new ObjectKey("d", "young")));
        Assert.Empty(set.Conflicts(new ObjectKey("d", "old")));
    }

    [Fact]
    public void Remove_Winner_GivesTheHostToTheNext()
    {
        var set = new IngressRouteSet();
        set.Set(Ingress("old", 9, "a"));
        set.Set(Ingress("young", 1, "a"));
        Assert.Equal([new ObjectKey("d", "young")], set.Remove(new ObjectKey("d", "old")));
        Assert.Equal("young", Owner(set, "a"));
        set.Remove(new ObjectKey("d", "young"));
        Assert.Null(Owner(set, "a"));
        Assert.Empty(set.Ingresses);
    }

    [Fact]
    public void Set_WithOtherHosts_GivesUpTheOldOnes()
    {
        var set = new IngressRouteSet();
        set.Set(Ingress("x", 1, "a", "b"));
        set.Set(Ingress("x", 1, "b", "c"));
        Assert.Null(Owner(set, "a"));
        Assert.Equal("x", Owner(set, "c"));
    }

    [Fact]
    public void Build_AfterAnotherIngressChanged_KeepsRuleInstances()
    {
        var set = new IngressRouteSet();
        set.Set(Ingress("x", 1, "a"));
        var before = set.Build(1).Match("a", "/");
        set.Set(Ingress("y", 1, "b"));
        Assert.Same(before, set.Build(2).Match("a", "/"));
    }
}
