using System.Text.Json.Nodes;

namespace Serval.FunctionalTests;

/// <summary>Which revision answers: percentages, tags, names, the latest, and what the status says of them.</summary>
public sealed class TrafficTests(ServalFixture fixture) : IClassFixture<ServalFixture>, IAsyncLifetime
{
    private const string Shape = "jsonpath={range .status.traffic[*]}{.tag}:{.revisionName}:{.percent}:{.latestRevision} {end}";
    private GatewayClient _client = null!; // set by InitializeAsync

    public Task InitializeAsync()
    {
        _client = new GatewayClient(fixture.Serval.GatewayPort);
        return Task.CompletedTask;
    }

    public Task DisposeAsync()
    {
        _client.Dispose();
        return Task.CompletedTask;
    }

    /// <summary>TestBlueGreenRoute: half and half at the service's own host, and each tag's host leads to its revision alone.</summary>
    [Fact]
    public async Task BlueAndGreen_ShareTheHost_AndHaveTheirOwn()
    {
        await ApplyAsync("teal", "1");
        await ApplyAsync("teal", "2");
        await ApplyAsync("teal", "2", "[{tag: blue, revisionName: teal-00001, percent: 50}, {tag: green, revisionName: teal-00002, percent: 50}]");
        Assert.Equal(
            $"http://blue-teal.default.localhost:{fixture.Serval.GatewayPort} http://green-teal.default.localhost:{fixture.Serval.GatewayPort}",
            await fixture.Kubectl.OkAsync("get", "ksvc", "teal", "-o", "jsonpath={.status.traffic[*].url}"));

        var answers = await Task.WhenAll(Enumerable.Range(0, 400).Select(_ => _client.AskAsync("teal")));

        Assert.All(answers, a => Assert.Equal(200, a.Code));
        Assert.InRange(answers.Count(a => a.Text == "teal-00001\n"), 140, 260); // six standard deviations
        Assert.All(await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => _client.AskAsync("blue-teal"))), a => Assert.Equal("teal-00001\n", a.Text));
        Assert.All(await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => _client.AskAsync("green-teal"))), a => Assert.Equal("teal-00002\n", a.Text));
    }

    /// <summary>TestServiceWithTrafficSplit, its five shapes one after the other.</summary>
    [Fact]
    public async Task Release_StepByStep_EachTagAndTheHostLeadWhereTheyShould()
    {
        const string current = "{tag: current, revisionName: release-00001, percent: 100}";
        const string half = "{tag: current, revisionName: release-00001, percent: 50}";
        await ApplyAsync("release", "1");
        await ApplyAsync("release", "1", $"[{current}, {{tag: latest}}]");
        await IsAsync("release", "current:release-00001:100:false latest:release-00001:0:true ", ["release-00001"], ("latest", "release-00001"), ("current", "release-00001"));

        await ApplyAsync("release", "2", $"[{current}, {{tag: latest}}]");
        await IsAsync("release", "current:release-00001:100:false latest:release-00002:0:true ", ["release-00001"], ("latest", "release-00002"), ("current", "release-00001"));

        const string candidate = $"[{half}, {{tag: candidate, revisionName: release-00002, percent: 50}}, {{tag: latest}}]";
        await ApplyAsync("release", "2", candidate);
        await IsAsync(
            "release", "current:release-00001:50:false candidate:release-00002:50:false latest:release-00002:0:true ", ["release-00001", "release-00002"], ("latest", "release-00002"), ("candidate", "release-00002"));

        await ApplyAsync("release", "3", candidate);
        await IsAsync(
            "release", "current:release-00001:50:false candidate:release-00002:50:false latest:release-00003:0:true ", ["release-00001", "release-00002"], ("latest", "release-00003"), ("candidate", "release-00002"));

        await ApplyAsync("release", "3", $"[{half}, {{tag: candidate, percent: 50}}, {{tag: latest}}]");
        await IsAsync(
            "release", "current:release-00001:50:false candidate:release-00003:50:true latest:release-00003:0:true ", ["release-00001", "release-00003"], ("latest", "release-00003"), ("candidate", "release-00003"), ("current", "release-00001"));
    }

    /// <summary>TestRollbackBYOName and TestServiceBYOName: the names are the user's; the earlier one again is no new revision, and a changed template needs another.</summary>
    [Fact]
    public async Task RevisionsNamedByTheUser_RollForthAndBack()
    {
        await NamedAsync("old", "1");
        await NamedAsync("new", "2");
        Assert.Equal("named-new\n", (await _client.AskAsync("named")).Text);

        var refused = await fixture.Kubectl.RefusedAsync(Named("new", "3"), "apply", "-f", "-");
        Assert.Contains("spec.template.metadata.name", refused, StringComparison.Ordinal);

        await NamedAsync("old", "1");
        Assert.Equal("named-old\n", (await _client.AskAsync("named")).Text);
        Assert.Equal(
            "named-new named-old",
            string.Join(' ', (await fixture.Kubectl.OkAsync("get", "revisions", "-l", "serving.knative.dev/service=named", "-o", "jsonpath={.items[*].metadata.name}")).Split(' ').Order(StringComparer.Ordinal)));

        async Task NamedAsync(string name, string step)
        {
            await fixture.Kubectl.ApplyAsync(Named(name, step));
            await UntilAsync("services", "named", s => KubeHttp.IsReady(s) && Revisions(s).SequenceEqual(["named-" + name])
                && (string?)s["status"]!["latestReadyRevisionName"] == "named-" + name && (string?)s["status"]!["latestCreatedRevisionName"] == "named-" + name);
        }

        static string Named(string name, string step) =>
            Saying.Service("named", Saying.Template(step, "named-" + name), $"[{{revisionName: named-{name}, percent: 100}}]");
    }

    /// <summary>TestRoutesNotReady: a revision that does not exist fails the Route and is said on the Service.</summary>
    [Fact]
    public async Task Traffic_ToARevisionThatDoesNotExist_IsSaid()
    {
        await fixture.Kubectl.ApplyAsync(Saying.Service("astray", Saying.Template(), "[{revisionName: nowhere, percent: 100}]"));
        await UntilAsync("services", "astray", s => KubeHttp.ConditionOf(s, "Ready") == "False" && KubeHttp.ConditionOf(s, "RoutesReady") == "False");
        var route = await fixture.Serval.Api.GetAsync($"{Serving}/routes/astray");
        Assert.Equal(("False", "RevisionMissing"), (KubeHttp.ConditionOf(route, "Ready"), KubeHttp.ConditionOf(route, "Ready", "reason")));
    }

    /// <summary>TestTagHeaderBasedRouting: with the feature a header chooses the tag, and one that names none changes nothing.</summary>
    [Fact]
    public async Task TagHeader_ChoosesTheRevision_WhenTheFeatureIsOn()
    {
        await ApplyAsync("marked", "1");
        await ApplyAsync("marked", "2");
        await ApplyAsync("marked", "2", "[{tag: first, revisionName: marked-00001, percent: 0}, {revisionName: marked-00002, percent: 100}]");
        Assert.Equal("marked-00002\n", (await _client.AskAsync("marked", headers: ("Knative-Serving-Tag", "first"))).Text);

        await fixture.ConfigureAsync("config-features", "tag-header-based-routing", "Enabled");
        try
        {
            await fixture.UntilAsync(
                "/apis/networking.internal.knative.dev/v1alpha1/namespaces/default/ingresses?fieldSelector=metadata.name=marked",
                i => i.ToJsonString().Contains("Knative-Serving-Tag", StringComparison.Ordinal) && KubeHttp.IsReady(i));
            foreach (var http2 in new[] { false, true })
            {
                Assert.Equal("marked-00001\n", (await _client.AskAsync("marked", http2: http2, headers: ("Knative-Serving-Tag", "first"))).Text);
                Assert.Equal("marked-00002\n", (await _client.AskAsync("marked", http2: http2, headers: ("Knative-Serving-Tag", "none"))).Text);
                Assert.Equal("marked-00002\n", (await _client.AskAsync("marked", http2: http2)).Text);
            }
        }
        finally
        {
            await fixture.ConfigureAsync("config-features", "tag-header-based-routing", "Disabled");
        }
    }

    /// <summary>
    /// TestRouteCreation, TestRouteAndConfigGenerateName, TestRouteGetAndList and TestConfigurationGetAndList: a Route and a Configuration without a Service,
    /// named by the server; a change of the one moves the other, and no request fails meanwhile.
    /// </summary>
    [Fact]
    public async Task RouteAndConfiguration_OfTheirOwn_FollowTheLatest_AndDropNothing()
    {
        var configuration = await CreatedAsync("configurations", Saying.Configuration("generateName: alone-", Saying.Template()));
        var route = await CreatedAsync("routes", Saying.Route("generateName: way-", $"[{{configurationName: {configuration}, percent: 100}}]"));
        Assert.Matches("^alone-[a-z0-9]{5}$", configuration);
        Assert.Matches("^way-[a-z0-9]{5}$", route);
        await UntilAsync("routes", route, r => KubeHttp.IsReady(r) && Revisions(r).SequenceEqual([configuration + "-00001"]));
        Assert.Equal((200, $"{configuration}-00001\n"), await _client.AskAsync(route));

        using var stop = new CancellationTokenSource();
        var asking = AskAsync(route, stop.Token);
        await fixture.Kubectl.OkAsync("patch", "configuration", configuration, "--type=json", "-p", """[{"op": "replace", "path": "/spec/template/spec/containers/0/env/0/value", "value": "2"}]""");
        await UntilAsync("routes", route, r => KubeHttp.IsReady(r) && Revisions(r).SequenceEqual([configuration + "-00002"]));
        Assert.Equal((200, $"{configuration}-00002\n"), await _client.AskAsync(route));
        await stop.CancelAsync();
        Assert.All(await asking, code => Assert.Equal(200, code));

        Assert.Equal("2", await fixture.Kubectl.OkAsync("get", "revision", configuration + "-00002", "-o", """jsonpath={.metadata.labels.serving\.knative\.dev/configurationGeneration}"""));
        Assert.Equal($"{configuration}-00002", await fixture.Kubectl.OkAsync("get", "configuration", configuration, "-o", "jsonpath={.status.latestReadyRevisionName}"));
        Assert.Contains($"route.serving.knative.dev/{route}\n", await fixture.Kubectl.OkAsync("get", "routes", "-o", "name"), StringComparison.Ordinal);
        Assert.Contains($"configuration.serving.knative.dev/{configuration}\n", await fixture.Kubectl.OkAsync("get", "configurations", "-o", "name"), StringComparison.Ordinal);
    }

    /// <summary>TestUpdateConfigurationMetadata and TestServiceCreateAndUpdate: metadata of a Configuration makes no revision, that of a template does.</summary>
    [Fact]
    public async Task Metadata_OfTheConfiguration_MakesNoRevision_ThatOfItsTemplateDoes()
    {
        await fixture.Kubectl.ApplyAsync(Saying.Configuration("name: plain", Saying.Template()));
        await UntilAsync("configurations", "plain", KubeHttp.IsReady);
        await fixture.Kubectl.OkAsync("label", "configuration", "plain", "label-x=abc");
        await fixture.Kubectl.OkAsync("annotate", "configuration", "plain", "annotation-a=123");
        await UntilAsync("configurations", "plain", c => KubeHttp.IsReady(c) && (string?)c["metadata"]!["annotations"]?["annotation-a"] == "123");
        var revision = await fixture.Serval.Api.GetAsync($"{Serving}/revisions/plain-00001");
        Assert.False(revision["metadata"]!["labels"]!.AsObject().ContainsKey("label-x") || revision["metadata"]!["annotations"]!.AsObject().ContainsKey("annotation-a"));

        await fixture.Kubectl.ApplyAsync(Saying.Configuration("name: plain", Saying.Template(labels: "{label-y: def}", annotations: "{annotation-b: \"456\"}")));
        await UntilAsync("configurations", "plain", c => KubeHttp.IsReady(c) && (string?)c["status"]!["latestReadyRevisionName"] == "plain-00002");
        revision = await fixture.Serval.Api.GetAsync($"{Serving}/revisions/plain-00002");
        Assert.Equal("def 456", $"{revision["metadata"]!["labels"]!["label-y"]} {revision["metadata"]!["annotations"]!["annotation-b"]}");
    }

    /// <summary>TestLabelPropagation, TestServiceGenerateName and the labels TestHelloWorld looks for.</summary>
    [Fact]
    public async Task Labels_ReachTheChildren_OfAServiceNamedByTheServer()
    {
        var name = await CreatedAsync("services", Saying.Service("NAME", Saying.Template(), labels: "{juicy: jamba}").Replace("name: NAME", "generateName: named-by-", StringComparison.Ordinal));
        Assert.Matches("^named-by-[a-z0-9]{5}$", name);
        await UntilAsync("services", name, KubeHttp.IsReady);
        Assert.Equal(200, (await _client.AskAsync(name)).Code);
        foreach (var kind in new[] { "configurations", "routes" })
        {
            await UntilAsync(kind, name, o => Label(o, "serving.knative.dev/service") == name && Label(o, "juicy") == "jamba");
        }
        await UntilAsync("revisions", name + "-00001", o => Label(o, "serving.knative.dev/service") == name && Label(o, "serving.knative.dev/configuration") == name);
        var placeholder = $"/api/v1/namespaces/default/services?fieldSelector=metadata.name={name}";
        await fixture.UntilAsync(placeholder, o => Label(o, "serving.knative.dev/service") == name && Label(o, "serving.knative.dev/route") == name && Label(o, "juicy") == "jamba");

        await fixture.Kubectl.OkAsync("label", "ksvc", name, "juicy-");
        foreach (var kind in new[] { "configurations", "routes" })
        {
            await UntilAsync(kind, name, o => Label(o, "juicy") is null);
        }
    }

    /// <summary>TestMultipleNamespace and TestConflictingRouteService: one name in two namespaces is two services, whatever else points at it.</summary>
    [Fact]
    public async Task SameName_InTwoNamespaces_AreTwo()
    {
        await fixture.Kubectl.OkAsync("create", "namespace", "other");
        await fixture.Kubectl.ApplyAsync("""
            apiVersion: v1
            kind: Service
            metadata: {name: chips, namespace: other, labels: {serving.knative.dev/route: twin}}
            spec: {type: ExternalName, externalName: some-internal-addr}
            """);
        await ApplyAsync("twin", "1");
        await fixture.Kubectl.ApplyAsync(Saying.Service("twin, namespace: other", Saying.Template(name: "twin-other")));
        await fixture.Kubectl.OkAsync("wait", "-n", "other", "--for=condition=Ready", "ksvc/twin", "--timeout=60s");
        Assert.Equal("twin-00001\n", (await _client.AskAsync("twin.default.localhost")).Text);
        await fixture.Serval.HostAnswersAsync("twin.other.localhost", 200);
        Assert.Equal("twin-other\n", (await _client.AskAsync("twin.other.localhost")).Text);
        await fixture.Kubectl.OkAsync("delete", "namespace", "other", "--wait=false");
    }

    private const string Serving = "/apis/serving.knative.dev/v1/namespaces/default";

    private async Task ApplyAsync(string name, string step, string traffic = "[{latestRevision: true, percent: 100}]")
    {
        await fixture.Kubectl.ApplyAsync(Saying.Service(name, Saying.Template(step), traffic));
        await UntilAsync("services", name, KubeHttp.IsReady);
    }

    /// <summary>The status is so, the host answers with just these revisions, and each tag with its own.</summary>
    private async Task IsAsync(string name, string shape, string[] revisions, params (string Tag, string Revision)[] tags)
    {
        Assert.Equal(shape, await fixture.Kubectl.OkAsync("get", "ksvc", name, "-o", Shape));
        var answers = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => _client.AskAsync(name)));
        Assert.Equal(revisions.Select(r => r + "\n"), answers.Select(a => a.Text).Distinct().Order(StringComparer.Ordinal));
        foreach (var (tag, revision) in tags)
        {
            Assert.Equal((200, revision + "\n"), await _client.AskAsync($"{tag}-{name}"));
        }
    }

    private async Task<string> CreatedAsync(string plural, string manifest)
    {
        var (code, output, errors) = await fixture.Kubectl.RunAsync(manifest, "create", "-f", "-", "-o", "jsonpath={.metadata.name}");
        Assert.True(code == 0, $"{plural}: {errors}");
        return output;
    }

    private async Task<List<int>> AskAsync(string host, CancellationToken ct)
    {
        var codes = new List<int>();
        while (!ct.IsCancellationRequested)
        {
            codes.Add((await _client.AskAsync(host)).Code);
        }
        return codes;
    }

    private Task UntilAsync(string plural, string name, Func<JsonObject, bool> wanted) =>
        fixture.UntilAsync($"{Serving}/{plural}?fieldSelector=metadata.name={name}", wanted, seconds: 60);

    private static IEnumerable<string?> Revisions(JsonObject routed) => routed["status"]?["traffic"]?.AsArray().Select(t => (string?)t!["revisionName"]) ?? [];

    private static string? Label(JsonObject obj, string name) => (string?)obj["metadata"]!["labels"]?[name];
}
