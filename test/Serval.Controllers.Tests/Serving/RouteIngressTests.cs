using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Networking;

namespace Serval.Controllers.Tests.Serving;

/// <summary>What a Route makes of its traffic: rules of the Ingress, placeholders, URLs (knative/serving: reconciler/route/resources, visibility).</summary>
public sealed class RouteIngressTests
{
    private static readonly Seed s_blue = Some.Configuration("blue", "blue-00001", "blue-00001");
    private static readonly Seed s_green = Some.Configuration("green", "green-00001", "green-00001");
    private static readonly Seed[] s_targets = [s_blue, Some.Revision(s_blue), s_green, Some.Revision(s_green)];

    [Fact]
    public async Task Split_WithTags_HasAHostATag()
    {
        await using var world = await ProgramAsync("""
            [{"configurationName":"blue","latestRevision":true,"percent":90},
             {"revisionName":"green-00001","latestRevision":false,"percent":10,"tag":"next"},
             {"configurationName":"blue","latestRevision":true,"percent":0,"tag":"now"}]
            """);
        Assert.Equal(
            """
            ClusterLocal r.default r.default.svc r.default.svc.cluster.local: 90% blue-00001 10% green-00001
            ExternalIP r.default.localhost: 90% blue-00001 10% green-00001
            ClusterLocal next-r.default next-r.default.svc next-r.default.svc.cluster.local: 100% green-00001
            ExternalIP next-r.default.localhost: 100% green-00001
            ClusterLocal now-r.default now-r.default.svc now-r.default.svc.cluster.local: 100% blue-00001
            ExternalIP now-r.default.localhost: 100% blue-00001
            """, Rules(world));
        Assert.Equal(["next-r", "now-r", "r"], Placeholders(world));
        Assert.Equal(
            """
            true 90% blue-00001
            false 10% green-00001 next http://next-r.default.localhost
            true 0% blue-00001 now http://now-r.default.localhost
            """, Traffic(world));
    }

    [Fact]
    public async Task SameRevisionTwice_IsOneSplit_AndTwoTargets()
    {
        await using var world = await ProgramAsync("""
            [{"configurationName":"blue","latestRevision":true,"percent":50},{"revisionName":"blue-00001","latestRevision":false,"percent":50}]
            """);
        Assert.Equal("ExternalIP r.default.localhost: 100% blue-00001", Rules(world).Split('\n')[1]);
        Assert.Equal("true 50% blue-00001\nfalse 50% blue-00001", Traffic(world));
    }

    [Fact]
    public async Task ClusterLocalRoute_HasNoPublicHost()
    {
        await using var world = await ProgramAsync(Some.To("blue"), Some.Route("r", Some.To("blue")).Labelled("networking.knative.dev/visibility", "cluster-local"));
        Assert.Equal("ClusterLocal r.default r.default.svc r.default.svc.cluster.local: 100% blue-00001", Rules(world));
        Assert.Equal("http://r.default.svc.cluster.local", Url(world));
        Assert.Null(world.Get(Kinds.Service, "r").Metadata.Label("networking.knative.dev/visibility")); // a placeholder's label is the user's
    }

    /// <summary>Each URL names the port of the door it leads through, unless that is 80.</summary>
    [Fact]
    public async Task Urls_NameTheirDoorsPort()
    {
        await using var world = await ServingWorld.StartAsync([.. s_targets, Some.Route("r", Some.To("blue"))]);
        world.Ports = new GatewayPorts(8880, 8881);
        await world.SettleAsync();
        Assert.Equal("http://r.default.localhost:8880", Url(world));
        Assert.Equal("http://r.default.svc.cluster.local:8881", (string?)world.Get(Kinds.Route, "r").ToTree()["status"]!["address"]!["url"]);

        await world.PatchAsync(Kinds.Route, "r", """{"metadata":{"labels":{"networking.knative.dev/visibility":"cluster-local"}}}""");
        await world.SettleAsync();
        Assert.Equal("http://r.default.svc.cluster.local:8881", Url(world));
    }

    [Theory]
    [InlineData("r", "http://r.default.svc.cluster.local", "http://next-r.default.localhost", "next-r.default.localhost")]
    [InlineData("next-r", "http://r.default.localhost", "http://next-r.default.svc.cluster.local", "r.default.localhost")]
    public async Task LabelledPlaceholder_MakesItsHostClusterLocal(string labelled, string url, string tagUrl, string publicHost)
    {
        await using var world = await ProgramAsync("""
            [{"configurationName":"blue","latestRevision":true,"percent":100},{"revisionName":"green-00001","latestRevision":false,"percent":0,"tag":"next"}]
            """);
        await world.PatchAsync(Kinds.Service, labelled, """{"metadata":{"labels":{"networking.knative.dev/visibility":"cluster-local"}}}""");
        await world.SettleAsync();
        Assert.Equal((url, tagUrl), (Url(world), Traffic(world).Split(' ')[^1]));
        Assert.Equal([publicHost], Rules(world).Split('\n').Where(l => l.StartsWith("ExternalIP", StringComparison.Ordinal)).Select(l => l.Split(' ')[1].TrimEnd(':')));

        await world.PatchAsync(Kinds.Service, labelled, """{"metadata":{"labels":{"networking.knative.dev/visibility":null}}}""");
        await world.SettleAsync();
        Assert.Equal(("http://r.default.localhost", "http://next-r.default.localhost"), (Url(world), Traffic(world).Split(' ')[^1]));
    }

    [Fact]
    public async Task H2cRevision_IsReachedOnItsPort()
    {
        var port = s_blue with { Object = JsonNode.Parse(s_blue.Object.ToJsonString().Replace("\"image\"", "\"ports\":[{\"name\":\"h2c\",\"containerPort\":8080}],\"image\"", StringComparison.Ordinal))!.AsObject() };
        var revision = Some.Revision(port);
        revision.Object["spec"]!["containers"]![0]!["ports"] = new JsonArray(new JsonObject { ["name"] = "h2c", ["containerPort"] = 8080 });
        await using var world = await ServingWorld.StartAsync(port, revision, Some.Route("r", Some.To("blue")));
        await world.RunAsync(Kinds.Route, "r");
        Assert.Equal(81, (int?)world.Get(Kinds.KIngress, "r").ToTree()["spec"]!["rules"]![0]!["http"]!["paths"]![0]!["splits"]![0]!["servicePort"]);
    }

    [Fact]
    public async Task TagHeaderRouting_LeadsTheHeaderToItsTag()
    {
        await using var world = await ServingWorld.StartAsync([.. s_targets]);
        await world.ConfigureAsync("config-features", """{"tag-header-based-routing":"Enabled"}""");
        await world.PlantAsync(Some.Route("r", """
            [{"configurationName":"blue","latestRevision":true,"percent":100},{"revisionName":"green-00001","latestRevision":false,"percent":0,"tag":"next"}]
            """));
        await world.RunAsync(Kinds.Route, "r");
        var rules = world.Get(Kinds.KIngress, "r").ToTree()["spec"]!["rules"]!.AsArray();
        var byHeader = rules[1]!["http"]!["paths"]![0]!;
        Assert.Equal(("next", "green-00001"), ((string?)byHeader["headers"]!["Knative-Serving-Tag"]!["exact"], (string?)byHeader["splits"]![0]!["serviceName"]));
        Assert.Equal("true", (string?)rules[1]!["http"]!["paths"]![1]!["appendHeaders"]!["Knative-Serving-Default-Route"]);
        Assert.Equal("next", (string?)rules[3]!["http"]!["paths"]![0]!["appendHeaders"]!["Knative-Serving-Tag"]);
    }

    [Fact]
    public async Task RouteFlip_GoesToTheNewRevisionOnlyWhenItIsReady()
    {
        await using var world = await ServingWorld.StartAsync(Some.Service("r"));
        await world.SettleAsync();
        world.Surroundings.Waiting.Add("r-00002");
        await world.PatchAsync(Kinds.KService, "r", """{"spec":{"template":{"metadata":{"annotations":{"try":"2"}}}}}""");
        await world.SettleAsync();
        Assert.Equal("ExternalIP r.default.localhost: 100% r-00001", Rules(world).Split('\n')[1]);
        world.Surroundings.Waiting.Clear();
        await world.Surroundings.ActAsync(world);
        await world.SettleAsync();
        Assert.Equal("ExternalIP r.default.localhost: 100% r-00002", Rules(world).Split('\n')[1]);
        Assert.Equal("true 100% r-00002", Traffic(world));
    }

    [Fact]
    public async Task FailedRevision_LeavesTheTrafficWhereItWas()
    {
        await using var world = await ServingWorld.StartAsync(Some.Service("r"));
        await world.SettleAsync();
        world.Surroundings.Failing.Add("r-00002");
        await world.PatchAsync(Kinds.KService, "r", """{"spec":{"template":{"metadata":{"annotations":{"try":"2"}}}}}""");
        await world.SettleAsync();
        Assert.Equal("true 100% r-00001", Traffic(world));
        Assert.Contains("\nConfigurationsReady=False RevisionFailed: Revision \"r-00002\" failed with message: it took too long.\n", world.Status(Kinds.KService, "r"), StringComparison.Ordinal);
        Assert.Contains("\nRoutesReady=True", world.Status(Kinds.KService, "r"), StringComparison.Ordinal);
    }

    private static async Task<ServingWorld> ProgramAsync(string traffic, Seed? route = null)
    {
        var world = await ServingWorld.StartAsync([.. s_targets, route ?? Some.Route("r", traffic)]);
        await world.SettleAsync();
        return world;
    }

    private static string Rules(ServingWorld world) => string.Join('\n', world.Get(Kinds.KIngress, "r").As<KIngress>().Spec.Rules.Select(rule =>
        $"{rule.Visibility} {string.Join(' ', rule.Hosts)}: {string.Join(' ', rule.Http!.Paths[^1].Splits.Select(s => $"{s.Percent}% {s.ServiceName}"))}"));

    private static string[] Placeholders(ServingWorld world) => [.. world.Client.Cache(Kinds.Service).List("default").Select(s => s.Metadata.Name).Order(StringComparer.Ordinal)];

    private static string? Url(ServingWorld world) => (string?)world.Get(Kinds.Route, "r").ToTree()["status"]!["url"];

    private static string Traffic(ServingWorld world) => string.Join('\n', world.Get(Kinds.Route, "r").ToTree()["status"]!["traffic"]!.AsArray()
        .Select(t => $"{t!["latestRevision"]!.ToJsonString()} {t["percent"]}% {t["revisionName"]} {t["tag"]} {t["url"]}".TrimEnd()));

    /// <summary>What users write on a Route is on its placeholder Services too, and stays there (serving: reconcile_resources, a union).</summary>
    [Fact]
    public async Task Annotations_ReachThePlaceholder_AndStay()
    {
        var route = Some.Route("r", Some.To("blue")).Annotated("note", "1").Annotated("kubectl.kubernetes.io/last-applied-configuration", "{}");
        await using var world = await ProgramAsync("", route);
        await world.PatchAsync(Kinds.Route, "r", """{"metadata":{"annotations":{"note":null,"later":"2"}}}""");
        await world.RunAsync(Kinds.Route, "r");
        var placeholder = world.Get(Kinds.Service, "r");
        Assert.Equal(["later=2", "note=1"], placeholder.Metadata.Annotations.Select(a => $"{a.Key}={a.Value}").Order(StringComparer.Ordinal));
        Assert.Equal("kubernetes.io/h2c", (string?)placeholder.ToTree()["spec"]!["ports"]![0]!["appProtocol"]);
        Assert.Null(world.Get(Kinds.KIngress, "r").Metadata.Annotation("note"));
    }

    [Fact]
    public async Task Ingress_CarriesWhatConcernsIt()
    {
        var route = Some.Route("r", """
                [{"configurationName":"blue","latestRevision":true,"percent":100},{"revisionName":"green-00001","latestRevision":false,"percent":0,"tag":"next"}]
                """).Annotated("networking.knative.dev/ingress-class", "mine.test").Annotated("serving.knative.dev/rollout-duration", "5s");
        await using var world = await ProgramAsync("", route);
        var annotations = world.Get(Kinds.KIngress, "r").Metadata.Annotations;
        Assert.Equal("mine.test", annotations["networking.knative.dev/ingress.class"]);
        Assert.DoesNotContain("networking.knative.dev/ingress-class", annotations.Keys);
        Assert.Equal("5s", annotations["serving.knative.dev/rollout-duration"]);
        Assert.Equal("""{"next":["next-r.default.svc.cluster.local","next-r.default.localhost"]}""", annotations["networking.internal.knative.dev/tag-to-host"]);
    }

    [Theory]
    [InlineData("enabled", "", "", "Enabled")]
    [InlineData("redirected", "", "", "Redirected")]
    [InlineData("disabled", "", "", null)]
    [InlineData("redirected", "ENABLED", "redirected", "Enabled")]
    [InlineData("enabled", "", "Redirected", "Redirected")]
    public async Task HttpOption_IsTheAnnotationsOrTheClusters(string cluster, string option, string protocol, string? expected)
    {
        await using var world = await ServingWorld.StartAsync([.. s_targets]);
        await world.ConfigureAsync("config-network", $$"""{"http-protocol":"{{cluster}}"}""");
        var route = Some.Route("r", Some.To("blue"));
        route = option.Length > 0 ? route.Annotated("networking.knative.dev/httpOption", option) : route;
        await world.PlantAsync(protocol.Length > 0 ? route.Annotated("networking.knative.dev/http-protocol", protocol) : route);
        await world.RunAsync(Kinds.Route, "r");
        Assert.Equal(expected, (string?)world.Get(Kinds.KIngress, "r").ToTree()["spec"]!["httpOption"]);
    }

    [Fact]
    public async Task HttpOption_ThatIsNone_LeavesTheIngressAndSaysSo()
    {
        await using var world = await ProgramAsync("", Some.Route("r", Some.To("blue")));
        await world.PatchAsync(Kinds.Route, "r", """{"metadata":{"annotations":{"networking.knative.dev/http-protocol":"Maybe"}},"spec":{"traffic":[{"revisionName":"green-00001","latestRevision":false,"percent":100}]}}""");
        await world.RunAsync(Kinds.Route, "r");
        Assert.Contains("100% blue-00001", Rules(world), StringComparison.Ordinal);
        Assert.Contains("IngressReady=False IngressNotConfigured: incorrect http-protocol annotation: maybe; the Ingress stays as it was", world.Status(Kinds.Route, "r"), StringComparison.Ordinal);
        Assert.Contains("Warning InternalError Route/r: incorrect http-protocol annotation: maybe", world.Events.Take());

        await world.RunAsync(Kinds.Route, "r"); // and what still serves is still said to
        Assert.Contains("\"revisionName\":\"blue-00001\"", world.Status(Kinds.Route, "r"), StringComparison.Ordinal);
        Assert.Equal("active", world.Get(Kinds.Revision, "blue-00001").Metadata.Label("serving.knative.dev/routingState"));
    }
}
