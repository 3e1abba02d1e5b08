namespace Serval.FunctionalTests;

/// <summary>A cluster-local Route answers at the private gateway alone, under every form of its name; a public one at both.</summary>
public sealed class VisibilityTests(ServalFixture fixture) : IClassFixture<ServalFixture>
{
    private const string Label = "networking.knative.dev/visibility";

    public static TheoryData<string> Forms => new("", ".svc", ".svc.cluster.local");

    [Theory]
    [MemberData(nameof(Forms))]
    public async Task ClusterLocalHost_AnswersInside_NotOutside(string form)
    {
        await fixture.ServiceAsync("visible");

        Assert.Equal(404, await AskAsync("visible.default" + form, inside: false));
        Assert.Equal(200, await AskAsync("visible.default" + form, inside: true));
        Assert.Equal(200, await AskAsync("visible.default.localhost", inside: true));
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public async Task TagHost_OfAClusterLocalService_AnswersInside_NotOutside(string form)
    {
        await fixture.Kubectl.ApplyAsync(Manifests.Service("tagged").Replace("spec:\n  template", $"  labels: {{{Label}: cluster-local}}\nspec:\n  traffic: [{{tag: current, latestRevision: true, percent: 100}}]\n  template", StringComparison.Ordinal));
        await fixture.ReadyAsync("tagged");

        Assert.Equal(404, await AskAsync("current-tagged.default" + form, inside: false));
        Assert.Equal(200, await AskAsync("current-tagged.default" + form, inside: true));
        Assert.Equal(404, await AskAsync("current-tagged.default.localhost", inside: true));
    }

    /// <summary>What is shown as the URL of a cluster-local service is its address, and <c>serval invoke</c> takes the door it leads through.</summary>
    [Fact]
    public async Task ClusterLocalService_ShowsItsAddress_AndIsInvoked()
    {
        await fixture.ServiceAsync("inner");
        await fixture.Kubectl.OkAsync("label", "ksvc", "inner", Label + "=cluster-local");
        await fixture.UntilAsync("/apis/serving.knative.dev/v1/namespaces/default/services?fieldSelector=metadata.name=inner", IsLocal);

        Assert.Equal((0, "hello from busybox\n"), await InvokeAsync("inner"));

        static bool IsLocal(System.Text.Json.Nodes.JsonObject service) =>
            (string?)service["status"]?["url"] is { } url && url.Contains(".svc.cluster.local", StringComparison.Ordinal) && url == (string?)service["status"]!["address"]!["url"];
    }

    /// <summary>
    /// TestSubrouteVisibilityPublicToPrivate, TestSubrouteVisibilityPrivateToPublic and TestRouteVisibilityChanges: the label of a tag's placeholder hides that tag
    /// alone; that of the service hides all, and when it is taken away the tag stays hidden.
    /// </summary>
    [Fact]
    public async Task Tag_IsHiddenAlone_ByTheLabelOfItsService()
    {
        await fixture.Kubectl.ApplyAsync(Saying.Service("part", Saying.Template(), "[{tag: one, percent: 60}, {tag: two, percent: 40}]"));
        await HiddenAsync();

        await fixture.Kubectl.OkAsync("label", "service", "one-part", Label + "=cluster-local");
        await HiddenAsync("one");
        await fixture.AnswersAsync("one-part", 404);
        Assert.Equal(200, await AskAsync("one-part.default", inside: true));
        await fixture.AnswersAsync("two-part", 200);

        await fixture.Kubectl.OkAsync("label", "ksvc", "part", Label + "=cluster-local");
        await HiddenAsync("one", "two", "");
        await fixture.Kubectl.OkAsync("label", "ksvc", "part", Label + "-");
        await HiddenAsync("one");
        await fixture.AnswersAsync("part", 200);

        Task HiddenAsync(params string[] hidden) => fixture.UntilAsync(
            "/apis/serving.knative.dev/v1/namespaces/default/routes?fieldSelector=metadata.name=part",
            r => KubeHttp.IsReady(r) && IsLocal(r["status"]!["url"]) == hidden.Contains("")
                && r["status"]!["traffic"]!.AsArray().All(t => IsLocal(t!["url"]) == hidden.Contains((string)t["tag"]!)));

        static bool IsLocal(System.Text.Json.Nodes.JsonNode? url) => ((string?)url)?.Contains(".svc.cluster.local", StringComparison.Ordinal) == true;
    }

    [Fact]
    public async Task LabelFlips_DropNoRequestInside()
    {
        await fixture.ServiceAsync("flip");
        using var stop = new CancellationTokenSource();
        var hammer = HammerAsync(stop.Token);

        for (var i = 0; i < 3; i++)
        {
            await fixture.Kubectl.OkAsync("label", "ksvc", "flip", Label + "=cluster-local");
            await fixture.AnswersAsync("flip", 404);
            await fixture.Kubectl.OkAsync("label", "ksvc", "flip", Label + "-");
            await fixture.AnswersAsync("flip", 200);
        }
        await stop.CancelAsync();

        var answers = await hammer;
        Assert.True(answers.Count > 20, $"{answers.Count} requests");
        Assert.All(answers, code => Assert.Equal(200, code));

        async Task<List<int>> HammerAsync(CancellationToken ct)
        {
            var codes = new List<int>();
            while (!ct.IsCancellationRequested)
            {
                codes.Add(await AskAsync("flip.default.svc.cluster.local", inside: true));
            }
            return codes;
        }
    }

    private async Task<(int Code, string Out)> InvokeAsync(string name)
    {
        var (code, output, _) = await fixture.Serval.RunAsync("invoke", name);
        return (code, output);
    }

    private async Task<int> AskAsync(string host, bool inside) => inside
        ? (await RawHttp.GetAsync(fixture.Serval.PrivateGateway, host, "/", default)).Code
        : (await RawHttp.GetAsync(fixture.Serval.GatewayPort, host, "/", default)).Code;
}
