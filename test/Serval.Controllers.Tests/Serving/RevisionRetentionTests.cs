using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Config;
using Serval.Controllers.Serving;

namespace Serval.Controllers.Tests.Serving;

/// <summary>Which revisions config-gc lets go (knative/serving: reconciler/gc).</summary>
public sealed class RevisionRetentionTests
{
    private static readonly DateTimeOffset s_now = new(2026, 1, 8, 12, 0, 0, TimeSpan.Zero);

    /// <param name="revisions">Name, hours since its creation, hours since it was last active (- for never), and what is special about it.</param>
    /// <param name="create">retain-since-create-time in hours; -1 is disabled.</param>
    /// <param name="active">retain-since-last-active-time in hours; -1 is disabled.</param>
    /// <param name="min">min-non-active-revisions.</param>
    /// <param name="max">max-non-active-revisions; -1 is disabled.</param>
    /// <param name="gone">Whom it lets go, in order.</param>
    /// <param name="next">Hours until it looks again; -1 is never.</param>
    [Theory]
    [InlineData("a 9 9, b 8 8", -1, -1, 0, -1, "", -1)] // nothing is enabled
    [InlineData("a 9 9, b 8 8", 5, 5, 0, -1, "a b", -1)]
    [InlineData("a 9 9, b 8 8", 5, 5, 2, -1, "", -1)] // all are within the minimum
    [InlineData("a 9 9, b 8 8, c 7 7", 5, 5, 1, -1, "a b", -1)]
    [InlineData("a 9 4, b 8 8", 5, 5, 0, -1, "b", 1)] // recently active
    [InlineData("a 9 9, b 4 8", 5, 5, 0, -1, "a", 1)] // recently created
    [InlineData("a 9 4, b 4 9", -1, 5, 0, -1, "b", 1)]
    [InlineData("a 9 4, b 4 9", 5, -1, 0, -1, "a", 1)]
    [InlineData("a 9 2, b 4 3, c 1 1", 6, 5, 1, -1, "", 2)] // the one that goes first is due first
    [InlineData("a 9 1, b 8 3, c 7 2", -1, -1, 0, 1, "b c", -1)] // over the maximum, the least recently active first
    [InlineData("a 9 1, b 8 3, c 7 2", -1, -1, 0, 0, "b c a", -1)]
    [InlineData("a 9 1, b 8 3, c 7 2", 48, 15, 0, 3, "", 39)]
    [InlineData("a 90 80, b 80 70, c 7 3, d 6 2, e 5 1", 48, 15, 0, 2, "a b c", 42)] // the old ones, then those over the maximum
    [InlineData("a 90 80, b 80 70, c 7 3, d 6 2, e 5 1", 48, 15, 3, 4, "a b", -1)] // never below the minimum
    [InlineData("a 90 80, b 80 70, c 70 60", 48, 15, 1, 1, "a b", -1)]
    [InlineData("a 90 -, b 80 -", 48, 15, 0, -1, "a b", -1)] // not known when: since its creation
    [InlineData("a 90 yesterday, b 80 3", 48, 15, 0, -1, "a", 12)]
    [InlineData("a 90 90 active, b 80 80 pending, c 70 70 unlabelled", 0, 0, 0, 0, "", -1)] // only what is in reserve
    [InlineData("a 90 90 TRUE, b 80 80 false", 0, 0, 0, 0, "b", -1)] // no-gc
    [InlineData("a 90 90 latest, b 80 80", 0, 0, 0, 0, "b", -1)]
    [InlineData("a 90 90 deleting, b 80 80", 5, 5, 1, -1, "", -1)] // on its way out already: not one of those that remain
    [InlineData("b 9 9, a 9 9", 5, 5, 1, -1, "b", -1)] // as old as each other: by generation
    [InlineData("a -2 -3, b -1 -1", 5, 5, 0, -1, "", 6)] // the clock has stepped back
    [InlineData("a -2 -3, b -1 -1", 0, 0, 0, -1, "", 1)]
    [InlineData("a 900000 900000", 48, 15, 0, -1, "a", -1)]
    public void Surplus_IsWhatTheRulesSay(string revisions, int create, int active, int min, int max, string gone, int next)
    {
        var all = revisions.Split(", ").Select((r, i) => Revision(r.Split(' '), i)).ToList();
        var config = new GcConfig
        {
            RetainSinceCreateTime = create < 0 ? null : TimeSpan.FromHours(create),
            RetainSinceLastActiveTime = active < 0 ? null : TimeSpan.FromHours(active),
            MinNonActiveRevisions = min,
            MaxNonActiveRevisions = max < 0 ? null : max,
        };
        var inUse = revisions.Contains("latest", StringComparison.Ordinal) ? new HashSet<string> { "a" } : [];
        var going = RevisionRetention.Surplus(all, inUse, config, s_now, out var wait);
        Assert.Equal(gone, string.Join(' ', going.Select(r => r.Metadata.Name)));
        Assert.Equal(next < 0 ? null : TimeSpan.FromHours(next), wait);
    }

    [Fact]
    public async Task ServiceUpdated_WithTheTightestRules_LosesItsOldRevision_AndNothingElse()
    {
        await using var world = await ServingWorld.StartAsync(Some.Service("s"));
        await world.SettleAsync();
        Assert.Equal(["s-00001"], Names(world));
        await world.ConfigureAsync(
            "config-gc",
            """{"retain-since-create-time":"disabled","retain-since-last-active-time":"disabled","min-non-active-revisions":"0","max-non-active-revisions":"0"}""");
        await world.SettleAsync();
        world.Surroundings.Failing.Add("s-00003");
        for (var i = 2; i <= 3; i++)
        {
            await world.PatchAsync(Kinds.KService, "s", $$"""{"spec":{"template":{"metadata":{"annotations":{"try":"{{i}}"} } } } }""");
            await world.SettleAsync();
        }
        Assert.Equal(["s-00002", "s-00003"], Names(world)); // the latest ready one serves, the present one has failed
        Assert.Equal(["Normal RevisionDeleted Configuration/s: Deleted Revision \"s-00001\", which had no traffic (config-gc)"],
            world.Events.Take().Where(e => e.Contains(" RevisionDeleted ", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task FailedRevision_OfAServiceWithPinnedTraffic_StaysWhileItIsThePresentOne()
    {
        await using var world = await ServingWorld.StartAsync(Some.Service("s"));
        await world.SettleAsync();
        await world.ConfigureAsync("config-gc", """{"min-non-active-revisions":"0","max-non-active-revisions":"0"}""");
        world.Surroundings.Failing.Add("s-00002");
        await world.PatchAsync(Kinds.KService, "s", """
            {"spec":{"template":{"metadata":{"annotations":{"try":"2"}}},"traffic":[{"revisionName":"s-00001","latestRevision":null,"percent":100}]}}
            """);
        await world.SettleAsync();
        Assert.Equal("reserve", world.Get(Kinds.Revision, "s-00002").Metadata.Label("serving.knative.dev/routingState"));
    }

    [Fact]
    public async Task RevisionThatARouteChoseInTheMeantime_IsNotDeleted()
    {
        await using var world = await ServingWorld.StartAsync(Some.Service("s"));
        await world.SettleAsync();
        await world.PatchAsync(Kinds.KService, "s", """{"spec":{"template":{"metadata":{"annotations":{"try":"2"}}}}}""");
        await world.SettleAsync();
        world.Client.Meanwhile = write => write == "delete Revision s-00001"
            ? world.PatchAsync(Kinds.Revision, "s-00001", """{"metadata":{"labels":{"serving.knative.dev/routingState":"active"}}}""")
            : Task.CompletedTask;
        await world.ConfigureAsync("config-gc", """{"min-non-active-revisions":"0","max-non-active-revisions":"0"}""");
        await world.SettleAsync();
        Assert.Equal(["s-00001", "s-00002"], Names(world));
    }

    private static IEnumerable<string> Names(ServingWorld world) => world.Client.Cache(Kinds.Revision).List("default").Select(r => r.Metadata.Name).Order(StringComparer.Ordinal);

    private static KubeObject Revision(string[] text, int index)
    {
        var special = text.ElementAtOrDefault(3) ?? "";
        var metadata = new JsonObject
        {
            ["name"] = text[0],
            ["namespace"] = "default",
            ["creationTimestamp"] = KubeTime.Text(s_now.AddHours(-int.Parse(text[1]))),
            ["labels"] = new JsonObject { ["serving.knative.dev/configurationGeneration"] = $"{index}" },
            ["annotations"] = new JsonObject(),
        };
        if (special != "unlabelled")
        {
            metadata["labels"]!["serving.knative.dev/routingState"] = special is "active" or "pending" ? special : "reserve";
        }
        if (text[2] != "-")
        {
            metadata["annotations"]!["serving.knative.dev/routingStateModified"] = int.TryParse(text[2], out var hours) ? KubeTime.Text(s_now.AddHours(-hours)) : text[2];
        }
        if (bool.TryParse(special, out _))
        {
            metadata["annotations"]!["serving.knative.dev/no-gc"] = special;
        }
        if (special == "deleting")
        {
            metadata["deletionTimestamp"] = KubeTime.Text(s_now);
        }
        return KubeObject.From(new JsonObject { ["apiVersion"] = Kinds.Revision.ApiVersion, ["kind"] = Kinds.Revision.Kind, ["metadata"] = metadata });
    }
}
