namespace Serval.Routing.Tests.Model;

public sealed class RouteTableTests
{
    private static RouteRule Rule(string owner, string path = "/", params HeaderMatch[] headers) =>
        new() { Owner = owner, PathPrefix = path, Headers = headers };

    [Theory]
    [InlineData("hello.default.localhost", "exact")]
    [InlineData("HELLO.Default.localhost:8880", "exact")]
    [InlineData("hello.default.localhost.", "exact")]
    [InlineData("a.apps.example.com", "apps")]
    [InlineData("a.b.apps.example.com", "apps")]
    [InlineData("a.example.com", "com")]
    [InlineData("apps.example.com", "com")]
    [InlineData("example.com", null)]
    [InlineData("other", null)]
    [InlineData("", null)]
    [InlineData("[::1]:8880", "v6")]
    [InlineData("héllo.example.com", null)]
    public void Match_ByHost(string host, string? owner)
    {
        var table = new RouteTableBuilder()
            .Add("hello.default.localhost", Rule("exact"))
            .Add("*.apps.example.com", Rule("apps"))
            .Add("*.example.com", Rule("com"))
            .Add("[::1]", Rule("v6"))
            .Build(1);
        Assert.Equal(owner, table.Match(host, "/")?.Owner);
    }

    /// <summary>The same, whether one table was made of the other or is compared with it.</summary>
    [Fact]
    public void ChangeFrom_HasWhatDiffers()
    {
        var (kept, gone, policy) = (BackendKey.Revision("n", "kept"), BackendKey.Revision("n", "gone"), new RevisionPolicy());
        var before = new RouteTableBuilder().Add("a", Rule("1")).Add("b", Rule("1")).Add("*.c", Rule("1")).SetPolicy(kept, policy).SetPolicy(gone, policy).Build(1);
        var after = before.With(2, [new("A.", [Rule("2")]), new("a", [Rule("2")]), new("*.c", null), new("*", [Rule("2")])], [new(gone, null)]);

        var made = after.ChangeFrom(before);
        Assert.Equal("*.c a | * a | n/gone", Said(made));
        Assert.Equal(("1", "2"), (made.Before.Single(h => h.Host == "a").Rules[0].Owner, made.After.Single(h => h.Host == "a").Rules[0].Owner));
        Assert.Equal(Said(made), Said(after.With(3, [], []).ChangeFrom(before)));
        Assert.Equal("* a | *.c a | n/gone", Said(before.ChangeFrom(after)));
        Assert.Equal(" |  | ", Said(after.ChangeFrom(after)));

        static string Said(TableChange change) => $"{Hosts(change.Before)} | {Hosts(change.After)} | {string.Join(' ', change.Policies)}";
        static string Hosts(IEnumerable<HostRoutes> hosts) => string.Join(' ', hosts.Select(h => h.Host).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Match_StarHost_TakesWhatNoOtherTakes()
    {
        var table = new RouteTableBuilder().Add("*", Rule("any")).Add("a.b", Rule("ab")).Build(1);
        Assert.Equal("any", table.Match("x", "/")?.Owner);
        Assert.Equal("ab", table.Match("a.b", "/")?.Owner);
    }

    [Theory]
    [InlineData("/", "root")]
    [InlineData("/a", "a")]
    [InlineData("/a/", "a")]
    [InlineData("/a/x", "a")]
    [InlineData("/ab", "root")]
    [InlineData("/a/b", "ab")]
    [InlineData("/a/b/c", "ab")]
    [InlineData("/A", "root")]
    [InlineData("*", "root")]
    public void Match_ByPathSegments_LongestFirst(string path, string owner)
    {
        var table = new RouteTableBuilder().Add("h", Rule("root", ""), Rule("a", "/a/"), Rule("ab", "/a/b")).Build(1);
        Assert.Equal(owner, table.Match("h", path)?.Owner);
    }

    [Fact]
    public void Match_ByHeaders_MoreHeadersFirst()
    {
        var table = new RouteTableBuilder().Add(
            "h",
            Rule("plain", "/long/path"),
            Rule("one", "/", new HeaderMatch("X-A", "1")),
            Rule("two", "/", new HeaderMatch("X-A", "1"), new HeaderMatch("X-B", "2"))).Build(1);
        Assert.Equal("plain", table.Match("h", "/long/path")?.Owner);
        Assert.Equal("one", table.Match("h", "/long/path", new Dictionary<string, string> { ["x-a"] = "1" })?.Owner);
        Assert.Equal("two", table.Match("h", "/", new Dictionary<string, string> { ["x-a"] = "1", ["X-B"] = "2" })?.Owner);
        Assert.Null(table.Match("h", "/", new Dictionary<string, string> { ["x-a"] = "2" }));
    }

    [Fact]
    public void Match_ClusterLocalRule_OnlyForLocalClients()
    {
        var rule = new RouteRule { Visibility = RouteVisibility.ClusterLocal };
        var table = new RouteTableBuilder().Add("h", rule).Build(1);
        Assert.Same(rule, table.Match("h", "/"));
        Assert.Null(table.Match("h", "/", clusterLocal: false));
    }

    [Theory]
    [InlineData("/", null, "target")] // cluster-local, and reached from outside all the same
    [InlineData("/a/b", null, "path")]
    [InlineData("/a", "blue", "tagged")]
    public void Match_Rematch_GoesByTheRulesOfTheOtherHost(string path, string? tag, string owner)
    {
        var table = new RouteTableBuilder()
            .Add("hello.example.com", Again("hello.default.svc.cluster.local"))
            .Add("hello.default.svc.cluster.local",
                new RouteRule { Owner = "target", Visibility = RouteVisibility.ClusterLocal },
                new RouteRule { Owner = "path", PathPrefix = "/a", Visibility = RouteVisibility.ClusterLocal },
                new RouteRule { Owner = "tagged", Headers = [new HeaderMatch("Tag", "blue")], Visibility = RouteVisibility.ClusterLocal })
            .Build(1);
        var headers = tag is null ? null : new Dictionary<string, string> { ["Tag"] = tag };
        Assert.Equal(owner, table.Match("Hello.example.com:8880", path, headers, clusterLocal: false)?.Owner);
    }

    [Fact]
    public void Match_Rematch_IsOneStep()
    {
        var table = new RouteTableBuilder()
            .Add("a", Again("b")).Add("b", Again("c")).Add("c", Rule("c"))
            .Add("self", Again("self")).Add("gone", Again("nowhere"))
            .Build(1);
        Assert.Equal("c", table.Match("b", "/")?.Owner);
        Assert.Null(table.Match("a", "/"));
        Assert.Null(table.Match("self", "/"));
        Assert.Null(table.Match("gone", "/"));
    }

    [Fact]
    public void Match_RematchThatRedirects_IsTheAnswerForWhoTakesRedirects()
    {
        var table = new RouteTableBuilder()
            .Add("a", new RouteRule { Owner = "a", RewriteHost = "b", Rematch = true, RedirectsToHttps = true }).Add("b", Rule("b")).Build(1);
        Assert.Equal("a", table.Match("a", "/", redirects: true)?.Owner);
        Assert.Equal("b", table.Match("a", "/", redirects: false)?.Owner);
    }

    private static RouteRule Again(string host) => new() { RewriteHost = host, Rematch = true };

    [Fact]
    public void PolicyOf_Unknown_IsTheDefaultOfItsKind()
    {
        var revision = BackendKey.Revision("n", "r");
        var table = new RouteTableBuilder().SetPolicy(revision, new RevisionPolicy { ContainerConcurrency = 3 }).Build(1);
        Assert.Equal(3, table.PolicyOf(revision).ContainerConcurrency);
        Assert.Same(RevisionPolicy.Default, table.PolicyOf(BackendKey.Revision("n", "other")));
        Assert.Same(RevisionPolicy.PlainService, table.PolicyOf(BackendKey.Service("n", "r", "80")));
    }
}
