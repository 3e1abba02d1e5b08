using System.Text.Json.Nodes;
using Serval.Api;

namespace Serval.Controllers.Tests.Serving;

/// <summary>A Knative Service, run once. The cases are those of Knative's own table (knative/serving: reconciler/service), as far as they apply.</summary>
public sealed class ServiceTableTests
{
    private const string RouteFields = """
        {"url":"http://hello.default.localhost","address":{"url":"http://hello.default.svc.cluster.local"},
         "traffic":[{"latestRevision":true,"percent":100,"revisionName":"hello-00001"}]}
        """;

    private const string ServedBefore = """
        {"url":"http://hello.default.localhost","address":{"url":"http://hello.default.svc.cluster.local"},
         "traffic":[{"latestRevision":true,"percent":100,"revisionName":"hello-00001"}],
         "latestCreatedRevisionName":"hello-00001","latestReadyRevisionName":"hello-00001"}
        """;

    private const string Ready = "ConfigurationsReady=True\nReady=True\nRoutesReady=True";

    private const string Shown = """
        address: {"url":"http://hello.default.svc.cluster.local"}
        latestCreatedRevisionName: "hello-00001"
        latestReadyRevisionName: "hello-00001"
        observedGeneration: 1
        traffic: [{"latestRevision":true,"percent":100,"revisionName":"hello-00001"}]
        url: "http://hello.default.localhost"
        """;

    private const string NotLooked = "The Configuration is still working to reflect the latest desired specification.";
    private const string RouteNotLooked = "The Route is still working to reflect the latest desired specification.";

    private static readonly Seed s_service = Some.Service("hello");
    private static readonly Seed s_served = s_service.With(Ready, ServedBefore);
    private static readonly Seed s_bare = Some.Configuration("hello").OwnedBy(s_service).Annotated("serving.knative.dev/routes", "hello")
        .Labelled("serving.knative.dev/service", "hello").Labelled("serving.knative.dev/serviceUID", "${uid}");
    private static readonly Seed s_config = s_bare.With(Some.Ready, """{"latestCreatedRevisionName":"hello-00001","latestReadyRevisionName":"hello-00001"}""");
    private static readonly Seed s_bareRoute = Some.Route("hello").OwnedBy(s_service).Labelled("serving.knative.dev/service", "hello");
    private static readonly Seed s_route = s_bareRoute.With(Some.Ready, RouteFields);
    private static readonly Seed s_other = Some.Configuration("other");
    private static readonly Seed s_named = Some.Service("hello", revision: "hello-byo");

    private static readonly Row[] s_rows =
    [
        new("key not found") { Given = [s_service], Key = "nobody" },
        new("deleting") { Given = [s_service with { Deleting = true }] },
        new("creates configuration and route")
        {
            Given = [s_service],
            Writes = ["create Configuration hello", "create Route hello", "patch KService hello/status"],
            Status = $"""
                observedGeneration: 1
                ConfigurationsReady=Unknown OutOfDate: {NotLooked}
                Ready=Unknown OutOfDate: {NotLooked}
                RoutesReady=Unknown OutOfDate: {RouteNotLooked}
                """,
        },
        new("both ready")
        {
            Given = [s_service, s_config, s_route],
            Key = "hello",
            Writes = ["patch KService hello/status"],
            Status = $"{Shown}\n{Ready}",
        },
        new("steady state") { Given = [s_served, s_config, s_route], Key = "hello" },
        new("a named revision: the route waits for the configuration")
        {
            Given = [s_named],
            Writes = ["create Configuration hello", "patch KService hello/status"],
            Status = $"""
                observedGeneration: 1
                ConfigurationsReady=Unknown OutOfDate: {NotLooked}
                Ready=Unknown OutOfDate: {NotLooked}
                RoutesReady=Unknown
                """,
        },
        new("a named revision that is another's: what was shown stays")
        {
            Given = [s_named.With(Ready, ServedBefore), s_route, Named("hello-byo"), s_other, Some.Revision(s_other, name: "hello-byo")],
            Key = "hello",
            Writes = ["patch KService hello/status"],
            Status = $"""
                {Shown}
                ConfigurationsReady=True
                Ready=False RevisionNameTaken: The revision name "hello-byo" is taken by a conflicting Revision, so traffic will not be migrated
                RoutesReady=False RevisionNameTaken: The revision name "hello-byo" is taken by a conflicting Revision, so traffic will not be migrated
                """,
        },
        new("configuration lags: what was shown stays")
        {
            Given = [s_served, s_config with { Object = Observed(s_config, 0) }, s_route],
            Key = "hello",
            Writes = ["patch KService hello/status"],
            Status = $"{Shown}\nConfigurationsReady=Unknown OutOfDate: {NotLooked}\nReady=Unknown OutOfDate: {NotLooked}\nRoutesReady=True",
        },
        new("route lags: what was shown stays")
        {
            Given = [s_served, s_config, s_route with { Object = Observed(s_bareRoute.With("Ready=Unknown"), 0) }],
            Key = "hello",
            Writes = ["patch KService hello/status"],
            Status = $"{Shown}\nConfigurationsReady=True\nReady=Unknown OutOfDate: {RouteNotLooked}\nRoutesReady=Unknown OutOfDate: {RouteNotLooked}",
        },
        new("route of the version before, configuration ready: traffic has not arrived")
        {
            Given =
            [
                s_served, s_bare.With(Some.Ready, """{"latestCreatedRevisionName":"hello-00002","latestReadyRevisionName":"hello-00002"}"""), s_route,
            ],
            Key = "hello",
            Writes = ["patch KService hello/status"],
            Status = $"""
                {Shown.Replace("Name: \"hello-00001", "Name: \"hello-00002", StringComparison.Ordinal)}
                ConfigurationsReady=True
                Ready=Unknown TrafficNotMigrated: Traffic is not yet migrated to the latest revision.
                RoutesReady=Unknown TrafficNotMigrated: Traffic is not yet migrated to the latest revision.
                """,
        },
        new("configuration failed")
        {
            Given =
            [
                s_served, s_bare.With("Ready=False RevisionFailed: it broke", """{"latestCreatedRevisionName":"hello-00002","latestReadyRevisionName":"hello-00001"}"""),
                s_route,
            ],
            Key = "hello",
            Writes = ["patch KService hello/status"],
            Status = $"""
                {Shown.Replace("CreatedRevisionName: \"hello-00001", "CreatedRevisionName: \"hello-00002", StringComparison.Ordinal)}
                ConfigurationsReady=False RevisionFailed: it broke
                Ready=False RevisionFailed: it broke
                RoutesReady=True
                """,
        },
        new("route failed")
        {
            Given = [s_service, s_config, s_bareRoute.With("Ready=False HostConflict: the host is taken", RouteFields)],
            Key = "hello",
            Writes = ["patch KService hello/status"],
            Status = $"{Shown}\nConfigurationsReady=True\nReady=False HostConflict: the host is taken\nRoutesReady=False HostConflict: the host is taken",
        },
        new("a configuration of that name that is not its own: what was shown stays")
        {
            Given = [s_served, Some.Configuration("hello")],
            Writes = ["patch KService hello/status"],
            Status = $"""
                {Shown}
                ConfigurationsReady=False NotOwned: There is an existing Configuration "hello" that we do not own.
                Ready=False NotOwned: There is an existing Configuration "hello" that we do not own.
                RoutesReady=True
                """,
        },
        new("a route of that name that is not its own: what was shown stays")
        {
            Given = [s_served, s_config, Some.Route("hello")],
            Key = "hello",
            Writes = ["patch KService hello/status"],
            Status = $"""
                {Shown}
                ConfigurationsReady=True
                Ready=False NotOwned: There is an existing Route "hello" that we do not own.
                RoutesReady=False NotOwned: There is an existing Route "hello" that we do not own.
                """,
        },
        new("configuration refused")
        {
            Given = [s_served],
            Failure = write => write == "create Configuration hello" ? Refusal("no") : null,
            Writes = ["create Configuration hello", "patch KService hello/status"],
            Again = ["create Configuration hello"],
            Status = $"{Shown}\nConfigurationsReady=False Rejected: no\nReady=False Rejected: no\nRoutesReady=True",
        },
        new("route refused: it is the route's fault")
        {
            Given = [s_served, s_config],
            Key = "hello",
            Failure = write => write == "create Route hello" ? Refusal("no") : null,
            Writes = ["create Route hello", "patch KService hello/status"],
            Again = ["create Route hello"],
            Status = $"{Shown}\nConfigurationsReady=True\nReady=False Rejected: no\nRoutesReady=False Rejected: no",
        },
        new("children are made right again")
        {
            Given = [s_served, s_config.Annotated("stray", "1").Labelled("stray", "1"), s_route.Annotated("stray", "1")],
            Key = "hello",
            Writes = ["patch Configuration hello", "patch Route hello"],
        },
        new("routes that others wrote on the configuration stay")
        {
            Given = [s_served, s_config.Annotated("serving.knative.dev/routes", "a,hello,z"), s_route],
            Key = "hello",
        },
    ];

    public static TheoryData<string> Rows => Row.Names(s_rows);

    [Theory]
    [MemberData(nameof(Rows))]
    public Task Service(string row) => s_rows.Single(r => r.Name == row).CheckAsync(Kinds.KService);

    [Fact]
    public async Task Children_CarryWhatTheServiceSays()
    {
        await using var world = await ServingWorld.StartAsync(Some.Service("hello", traffic: """[{"revisionName":"hello-00001","percent":10,"tag":"old"},{"latestRevision":true,"percent":90}]""")
            .Labelled("team", "a").Annotated("note", "b").Annotated("serving.knative.dev/rollout-duration", "5s"));
        await world.RunAsync(Kinds.KService, "hello");
        var configuration = world.Get(Kinds.Configuration, "hello").Metadata;
        Assert.Equal(("a", "hello", world.Get(Kinds.KService, "hello").Metadata.Uid), (configuration.Label("team"), configuration.Label("serving.knative.dev/service"), configuration.Label("serving.knative.dev/serviceUID")));
        Assert.Equal(("b", "hello", null), (configuration.Annotation("note"), configuration.Annotation("serving.knative.dev/routes"), configuration.Annotation("serving.knative.dev/rollout-duration")));
        var route = world.Get(Kinds.Route, "hello");
        Assert.Equal(("a", "b", "5s"), (route.Metadata.Label("team"), route.Metadata.Annotation("note"), route.Metadata.Annotation("serving.knative.dev/rollout-duration")));
        Assert.Equal(
            """[{"latestRevision":false,"percent":10,"revisionName":"hello-00001","tag":"old"},{"configurationName":"hello","latestRevision":true,"percent":90}]""",
            route.ToTree()["spec"]!["traffic"]!.ToJsonString());
    }

    private static ApiException Refusal(string why) => new(422, "Invalid", why);

    private static Seed Named(string revision) => Some.Configuration("hello", revision: revision)
        .With(Some.Ready, """{"latestCreatedRevisionName":"hello-00001","latestReadyRevisionName":"hello-00001"}""")
        .OwnedBy(s_service).Annotated("serving.knative.dev/routes", "hello")
        .Labelled("serving.knative.dev/service", "hello").Labelled("serving.knative.dev/serviceUID", "${uid}");

    private static JsonObject Observed(Seed seed, int generation)
    {
        var copy = seed.Object.DeepClone().AsObject();
        copy["status"]!["observedGeneration"] = generation;
        return copy;
    }
}
