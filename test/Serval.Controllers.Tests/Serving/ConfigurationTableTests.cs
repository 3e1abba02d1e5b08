using Serval.Api;

namespace Serval.Controllers.Tests.Serving;

/// <summary>A Configuration, run once. The cases are those of Knative's own table (knative/serving: reconciler/configuration), as far as they apply.</summary>
public sealed class ConfigurationTableTests
{
    private static readonly Seed s_config = Some.Configuration("c");
    private static readonly Seed s_created = Some.Configuration("c", "c-00001");
    private static readonly Seed s_ready = Some.Configuration("c", "c-00001", "c-00001");
    private static readonly Seed s_other = Some.Configuration("other");
    private static readonly Seed s_named = Some.Configuration("c", revision: "c-byo");

    private static readonly Row[] s_rows =
    [
        new("key not found") { Given = [s_config], Key = "nobody" },
        new("deleting") { Given = [s_config with { Deleting = true }] },
        new("creates the revision of its generation")
        {
            Given = [s_config],
            Writes = ["create Revision c-00001", "patch Configuration c/status"],
            Status = Shown("c-00001", "", "Ready=Unknown"),
        },
        new("creates a revision of a given name")
        {
            Given = [s_named],
            Writes = ["create Revision c-byo", "patch Configuration c/status"],
            Status = Shown("c-byo", "", "Ready=Unknown"),
        },
        new("revision of a given name exists, same generation")
        {
            Given = [s_named, Some.Revision(s_named, name: "c-byo")],
            Key = "c",
            Writes = ["patch Configuration c/status"],
            Status = Shown("c-byo", "c-byo", "Ready=True"),
        },
        new("revision of a given name exists, older generation, same spec")
        {
            Given = [s_named, Some.Revision(s_named, 0, name: "c-byo")],
            Key = "c",
            Writes = ["patch Configuration c/status"],
            Status = Shown("c-byo", "c-byo", "Ready=True"),
        },
        new("revision of a given name exists, older generation, other spec")
        {
            Given = [s_named, Different(Some.Revision(s_named, 0, name: "c-byo"))],
            Key = "c",
            Writes = ["patch Configuration c/status"],
            Status = "observedGeneration: 1\nReady=False RevisionFailed: Revision creation failed with message: revisions.serving.knative.dev \"c-byo\" already exists.",
        },
        new("revision of a given name is another's: what was ready stays")
        {
            Given =
            [
                s_named.With(Some.Ready, """{"latestCreatedRevisionName":"c-00001","latestReadyRevisionName":"c-00001"}"""), s_other, Some.Revision(s_other, name: "c-byo"),
            ],
            Key = "c",
            Writes = ["patch Configuration c/status"],
            Status = Shown("c-00001", "c-00001",
                "Ready=False RevisionFailed: Revision creation failed with message: revisions.serving.knative.dev \"c-byo\" already exists."),
        },
        new("revision refused")
        {
            Given = [s_config],
            Failure = write => write == "create Revision c-00001" ? new ApiException(422, "Invalid", "no") : null,
            Writes = ["create Revision c-00001", "patch Configuration c/status"],
            Again = ["create Revision c-00001"],
            Status = "observedGeneration: 1\nReady=False RevisionFailed: Revision creation failed with message: no.",
        },
        new("revision not ready") { Given = [s_created, Some.Revision(s_config, conditions: "Ready=Unknown")], Key = "c" },
        new("revision ready")
        {
            Given = [s_created, Some.Revision(s_config)],
            Key = "c",
            Writes = ["patch Configuration c/status"],
            Status = Shown("c-00001", "c-00001", "Ready=True"),
        },
        new("steady state") { Given = [s_ready, Some.Revision(s_config)], Key = "c" },
        new("revision failed")
        {
            Given = [s_created, Some.Revision(s_config, conditions: "Ready=False ExitCode1: it broke")],
            Key = "c",
            Writes = ["patch Configuration c/status"],
            Status = Shown("c-00001", "", "Ready=False RevisionFailed: Revision \"c-00001\" failed with message: it broke."),
        },
        new("failed revision recovers")
        {
            Given = [s_created.With("Ready=False RevisionFailed: it broke"), Some.Revision(s_config)],
            Key = "c",
            Writes = ["patch Configuration c/status"],
            Status = Shown("c-00001", "c-00001", "Ready=True"),
        },
        new("latest ready fails: it stays the latest ready")
        {
            Given = [s_ready, Some.Revision(s_config, conditions: "Ready=False ExitCode1: it broke")],
            Key = "c",
            Writes = ["patch Configuration c/status"],
            Status = Shown("c-00001", "c-00001", "Ready=False RevisionFailed: Revision \"c-00001\" failed with message: it broke."),
        },
        new("latest ready is gone: the next one is found")
        {
            Given = [Some.Configuration("c", "c-00001", "c-00000"), Some.Revision(s_config)],
            Key = "c",
            Writes = ["patch Configuration c/status"],
            Status = Shown("c-00001", "c-00001", "Ready=True"),
        },
    ];

    public static TheoryData<string> Rows => Row.Names(s_rows);

    [Theory]
    [MemberData(nameof(Rows))]
    public Task Configuration(string row) => s_rows.Single(r => r.Name == row).CheckAsync(Kinds.Configuration);

    [Fact]
    public async Task ThreeRevisions_TheLastFailed_TheSecondIsLatestReady()
    {
        await using var world = await ServingWorld.StartAsync(s_config);
        world.Surroundings.Waiting.Add("c-00002");
        world.Surroundings.Failing.Add("c-00003");
        await world.SettleAsync();
        foreach (var round in (string[])["2", "3"])
        {
            await world.PatchAsync(Kinds.Configuration, "c", $$"""{"spec":{"template":{"metadata":{"annotations":{"try":"{{round}}"} } } } }""");
            await world.SettleAsync();
        }
        Assert.Contains("latestReadyRevisionName: \"c-00001\"", world.Status(Kinds.Configuration, "c"), StringComparison.Ordinal);
        world.Surroundings.Waiting.Clear();
        await world.Surroundings.ActAsync(world);
        await world.SettleAsync();
        Assert.Equal(
            """
            latestCreatedRevisionName: "c-00003"
            latestReadyRevisionName: "c-00002"
            observedGeneration: 3
            Ready=False RevisionFailed: Revision "c-00003" failed with message: it took too long.
            """, world.Status(Kinds.Configuration, "c"));
    }

    [Theory]
    [InlineData("", "pending", null)]
    [InlineData("a,b", "active", "a,b")]
    public async Task NewRevision_CarriesTheRoutesOfItsConfiguration(string routes, string state, string? carried)
    {
        await using var world = await ServingWorld.StartAsync(Some.Configuration("c", routes: routes).Annotated("note", "not passed on"));
        await world.RunAsync(Kinds.Configuration, "c");
        var metadata = world.Get(Kinds.Revision, "c-00001").Metadata;
        Assert.Equal((state, carried, "2026-01-01T12:00:00Z"), (metadata.Label("serving.knative.dev/routingState"), metadata.Annotation("serving.knative.dev/routes"),
            metadata.Annotation("serving.knative.dev/routingStateModified")));
        Assert.Equal(("c", "1", null), (metadata.Label("serving.knative.dev/configuration"), metadata.Label("serving.knative.dev/configurationGeneration"), metadata.Annotation("note")));
    }

    private static string Shown(string created, string ready, string condition) =>
        $"latestCreatedRevisionName: \"{created}\"\n{(ready.Length > 0 ? $"latestReadyRevisionName: \"{ready}\"\n" : "")}observedGeneration: 1\n{condition}";

    private static Seed Different(Seed revision)
    {
        var copy = revision.Object.DeepClone().AsObject();
        copy["spec"]!["containers"]![0]!["image"] = "dev.local/b:1";
        return revision with { Object = copy };
    }
}
