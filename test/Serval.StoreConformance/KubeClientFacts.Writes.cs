using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Kube;
using static Serval.StoreConformance.Objects;

namespace Serval.StoreConformance;

public abstract partial class KubeClientFacts
{
    [Fact]
    public async Task Create_StampsWhatTheSystemOwns()
    {
        var stored = await Create(Deployment("a"));
        Assert.Equal(36, stored.Metadata.Uid.Length);
        Assert.True(stored.Version > 0);
        Assert.Equal(1, stored.Metadata.Generation);
        Assert.Equal(0, stored.Metadata.CreationTimestamp!.Value.Ticks % TimeSpan.TicksPerSecond);
        var map = await Create(ConfigMap("a"));
        Assert.True(map.SameAs(await Client.GetAsync(Kinds.ConfigMap, Key("a"))));
    }

    [Fact]
    public async Task Create_OfATakenName_IsRefused()
    {
        await Create(ConfigMap("a"));
        var refused = await Refused(409, () => Create(ConfigMap("a", "other")));
        Assert.True(refused.IsAlreadyExists);
        Assert.Equal("configmaps \"a\" already exists", refused.Message);
        Assert.Equal("v", (await Client.GetAsync(Kinds.ConfigMap, Key("a"))).Text("data", "key"));
    }

    [Fact]
    public async Task Create_WithGenerateName_GetsARandomName()
    {
        var obj = Parse("""{"apiVersion":"v1","kind":"ConfigMap","metadata":{"generateName":"job-","namespace":"facts"}}""");
        var names = new HashSet<string>();
        for (var i = 0; i < 20; i++)
        {
            var name = (await Create(obj)).Metadata.Name;
            Assert.Matches("^job-[bcdfghjklmnpqrstvwxz2456789]{5}$", name);
            Assert.True(names.Add(name));
        }
    }

    [Theory]
    [InlineData("BestEffort", "{}")]
    [InlineData("BestEffort", """{"limits":{"example.com/gpu":"1"}}""")]
    [InlineData("BestEffort", """{"requests":{"cpu":"0","memory":"0"}}""")]
    [InlineData("Burstable", """{"requests":{"cpu":"100m"}}""")]
    [InlineData("Burstable", """{"limits":{"memory":"1Gi"}}""")]
    [InlineData("Burstable", """{"requests":{"cpu":"100m"},"limits":{"cpu":"1","memory":"1Gi"}}""")]
    [InlineData("Burstable", """{"requests":{"cpu":"0"},"limits":{"cpu":"1","memory":"1Gi"}}""")]
    [InlineData("Guaranteed", """{"limits":{"cpu":"1","memory":"1Gi"}}""")]
    [InlineData("Guaranteed", """{"requests":{"cpu":"1000m","memory":"1024Mi"},"limits":{"cpu":"1","memory":"1Gi"}}""")]
    [InlineData("Burstable", """{"limits":{"cpu":"1","memory":"1Gi"}}""", "{}")]
    [InlineData("Burstable", "{}", """{"limits":{"cpu":"1","memory":"1Gi"}}""")]
    [InlineData("Guaranteed", """{"limits":{"cpu":"1","memory":"1Gi"}}""", """{"limits":{"cpu":"2","memory":"2Gi"}}""")]
    public async Task Create_OfAPod_TellsItsQualityOfService(string expected, string main, string? init = null)
    {
        var stored = await Create(Pod("a").With(t =>
        {
            var spec = t["spec"]!;
            spec["containers"]![0]!["resources"] = JsonNode.Parse(main);
            if (init is not null)
            {
                spec["initContainers"] = new JsonArray(new JsonObject { ["name"] = "init", ["image"] = "example.com/app:1", ["resources"] = JsonNode.Parse(init) });
            }
        }));
        Assert.Equal(("Pending", expected), (stored.Text("status", "phase"), stored.Text("status", "qosClass")));
    }

    // Kubernetes answers 500, without a reason.
    [Fact]
    [Trait(Needs, Serval)]
    public async Task Create_OfWhatHasAVersion_IsRefused() => await Refused(400, () => Create(ConfigMap("a").WithVersion(5)));

    [Fact]
    public async Task Create_ThatCannotBe_IsRefused()
    {
        await Refused(422, () => Create(ConfigMap("Not_A_Name")));
        var lost = await Refused(404, () => Create(ConfigMap("a", ns: "nowhere")));
        Assert.Equal("namespaces \"nowhere\" not found", lost.Message);
        await Refused(400, () => Create(ConfigMap("a").With(t => t["datum"] = "x")));
        await Refused(404, () => Client.GetAsync(Kinds.ConfigMap, Key("a")));
    }

    [Fact]
    public async Task Create_WithAnUnknownField_WarnsAndDropsIt()
    {
        var warnings = new List<string>();
        var stored = await Client.CreateAsync(Kinds.ConfigMap, ConfigMap("a").With(t => t["datum"] = "x"),
            Write with { FieldValidation = FieldValidation.Warn, Warn = warnings.Add });
        Assert.Contains("unknown field \"datum\"", Assert.Single(warnings), StringComparison.Ordinal);
        Assert.Null(stored.Node("datum"));
    }

    [Fact]
    public async Task DryRun_StoresNothing()
    {
        var before = (await Client.ListAsync(Kinds.ConfigMap, null, ListOptions.All)).ResourceVersion;
        var shown = await Client.CreateAsync(Kinds.ConfigMap, ConfigMap("a"), Write with { DryRun = true });
        Assert.NotEmpty(shown.Metadata.Uid);
        await Refused(404, () => Client.GetAsync(Kinds.ConfigMap, Key("a")));
        var stored = await Create(ConfigMap("b"));
        Assert.True((await Refused(409, () => Client.CreateAsync(Kinds.ConfigMap, ConfigMap("b"), Write with { DryRun = true }))).IsAlreadyExists);
        await Client.PatchAsync(Kinds.ConfigMap, Key("b"), Merge("""{"data":{"key":"x"}}"""), Write with { DryRun = true });
        await Client.DeleteAsync(Kinds.ConfigMap, Key("b"), new DeleteOptions { DryRun = true });
        Assert.True(stored.SameAs(await Client.GetAsync(Kinds.ConfigMap, Key("b"))));
        Assert.True(stored.Version > before);
    }

    [Fact]
    public async Task Update_FromAStaleVersion_Conflicts()
    {
        var first = await Create(ConfigMap("a"));
        var second = await Client.UpdateAsync(Kinds.ConfigMap, first.With(t => t["data"]!["key"] = "2"), Write);
        Assert.True(second.Version > first.Version);
        var refused = await Refused(409, () => Client.UpdateAsync(Kinds.ConfigMap, first.With(t => t["data"]!["key"] = "3"), Write));
        Assert.True(refused.IsConflict);
        Assert.Equal(
            "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please apply your changes to the latest version and try again",
            refused.Message);
        var blind = await Client.UpdateAsync(Kinds.ConfigMap, ConfigMap("a", "4"), Write);
        Assert.Equal("4", blind.Text("data", "key"));
        Assert.Equal(first.Metadata.Uid, blind.Metadata.Uid);
        Assert.Equal(first.Metadata.CreationTimestamp, blind.Metadata.CreationTimestamp);
    }

    [Fact]
    public async Task Update_OfAKindThatInsists_NeedsAVersion()
    {
        await Create(Lease("a"));
        var refused = await Refused(422, () => Client.UpdateAsync(Kinds.Lease, Lease("a", "b"), Write));
        Assert.Contains("metadata.resourceVersion: Invalid value: 0: must be specified for an update", refused.Message, StringComparison.Ordinal);
    }

    /// <summary>Kubernetes answers 500, in the words of its etcd.</summary>
    [Fact]
    [Trait(Needs, Serval)]
    public async Task AnObjectThatGrowsTooLarge_IsRefused()
    {
        await Create(Deployment("a"));
        await Refused(413, async () =>
        {
            for (var i = 1; i < 20; i++)
            {
                await Client.PatchAsync(Kinds.Deployment, Key("a"),
                    Json($$"""[{"op":"add","path":"/spec/template/spec/containers/0/args","value":["{{new string('x', i * 200_000)}}"]}]"""), Write);
            }
        });
    }

    [Fact]
    public async Task Update_OfAMissingObject_IsNotFound() =>
        await Refused(404, () => Client.UpdateAsync(Kinds.ConfigMap, ConfigMap("a"), Write));

    [Fact]
    public async Task Write_ThatChangesNothing_KeepsTheVersion()
    {
        var stored = await Create(Objects.Service("a"));
        var again = await Client.UpdateAsync(Kinds.Service, stored, Write);
        Assert.Equal(stored.Version, again.Version);
        again = await Client.PatchAsync(Kinds.Service, Key("a"), Merge("""{"spec":{"sessionAffinity":"None"}}"""), Write);
        Assert.Equal(stored.Version, again.Version);
    }

    [Fact]
    public async Task Update_CannotChangeWhatTheSystemOwns()
    {
        var stored = await Create(ConfigMap("a"));
        await Refused(409, () => Client.UpdateAsync(Kinds.ConfigMap, stored.With(t => t["metadata"]!["uid"] = "other"), Write));
        var kept = await Client.UpdateAsync(Kinds.ConfigMap, stored.With(t =>
        {
            t["metadata"]!["creationTimestamp"] = "2001-01-01T00:00:00Z";
            t["metadata"]!["generation"] = 77;
        }), Write);
        Assert.Equal(stored.Metadata.CreationTimestamp, kept.Metadata.CreationTimestamp);
        Assert.Equal(stored.Metadata.Generation, kept.Metadata.Generation);
    }

    [Fact]
    public async Task Update_BeginsNoDeletion()
    {
        var stored = await Create(ConfigMap("a"));
        var refused = await Refused(422, () => Client.UpdateAsync(Kinds.ConfigMap, stored.With(t =>
        {
            t["metadata"]!["deletionTimestamp"] = "2001-01-01T00:00:00Z";
            t["metadata"]!["deletionGracePeriodSeconds"] = 5;
        }), Write));
        Assert.Equal(
            [("metadata.deletionTimestamp", "Invalid value: \"2001-01-01T00:00:00Z\": field is immutable"), ("metadata.deletionGracePeriodSeconds", "Invalid value: 5: field is immutable")],
            refused.Causes.Select(c => (c.Field, c.Message)).Distinct()); // Kubernetes looks twice at built-in kinds
        var ending = await Create(ConfigMap("b").With(t => t["metadata"]!["finalizers"] = new JsonArray("example.com/wait")));
        await Client.DeleteAsync(Kinds.ConfigMap, Key("b"), s_delete);
        ending = await Client.GetAsync(Kinds.ConfigMap, ending.Key);
        var kept = await Client.UpdateAsync(Kinds.ConfigMap, ending.With(t => t["metadata"]!["deletionTimestamp"] = "2001-01-01T00:00:00Z"), Write);
        Assert.Equal(ending.Metadata.DeletionTimestamp, kept.Metadata.DeletionTimestamp);
    }

    [Fact]
    public async Task Generation_CountsChangesOfTheSpecOnly()
    {
        await Create(Deployment("a"));
        var labelled = await Client.PatchAsync(Kinds.Deployment, Key("a"), Merge("""{"metadata":{"labels":{"x":"y"}}}"""), Write);
        Assert.Equal(1, labelled.Metadata.Generation);
        var status = await Client.PatchAsync(Kinds.Deployment, Key("a"), Merge("""{"status":{"replicas":1}}"""), Status);
        Assert.Equal(1, status.Metadata.Generation);
        var scaled = await Client.PatchAsync(Kinds.Deployment, Key("a"), Merge("""{"spec":{"replicas":3}}"""), Write);
        Assert.Equal(2, scaled.Metadata.Generation);
    }

    [Fact]
    public async Task StatusAndSpec_AreWrittenApart()
    {
        var created = await Create(Deployment("a").With(t => t["status"] = new JsonObject { ["replicas"] = 9 }));
        Assert.Null(created.Node("status", "replicas"));
        var status = await Client.PatchAsync(Kinds.Deployment, Key("a"),
            Merge("""{"metadata":{"labels":{"x":"y"}},"spec":{"replicas":5},"status":{"collisionCount":2}}"""), Status); // a cluster's own controllers leave that one alone
        Assert.Equal("2", status.Text("status", "collisionCount"));
        Assert.Equal("1", status.Text("spec", "replicas"));
        Assert.Null(status.Metadata.Label("x"));
        var main = await Client.UpdateAsync(Kinds.Deployment, status.With(t =>
        {
            t["metadata"]!.AsObject().Remove("resourceVersion");
            t["spec"]!["replicas"] = 4;
            t["status"]!["collisionCount"] = 8;
        }), Write);
        Assert.Equal("2", main.Text("status", "collisionCount"));
        Assert.Equal("4", main.Text("spec", "replicas"));
    }

    [Fact]
    public async Task StatusOfAPod_MayCarryAnnotations()
    {
        await Create(Pod("a", "n1"));
        var pod = await Client.PatchAsync(Kinds.Pod, Key("a"), Merge("""{"metadata":{"annotations":{"ports":"1"}},"status":{"phase":"Running"}}"""), Status);
        Assert.Equal("1", pod.Metadata.Annotation("ports"));
        Assert.Equal("Running", pod.Text("status", "phase"));
    }

    [Fact]
    public async Task Scale_ReadsAndWritesReplicas()
    {
        await Create(Deployment("a"));
        var scale = await Client.PatchAsync(Kinds.Deployment, Key("a"), Merge("""{"spec":{"replicas":3}}"""), Scale);
        Assert.Equal("Scale", scale.Kind);
        Assert.Equal("3", scale.Text("spec", "replicas"));
        Assert.Equal("app=a", scale.Text("status", "selector"));
        var deployment = await Client.GetAsync(Kinds.Deployment, Key("a"));
        Assert.Equal("3", deployment.Text("spec", "replicas"));
        Assert.Equal(2, deployment.Metadata.Generation);
        Assert.InRange(scale.Version, 1, deployment.Version); // another's status may have come between
        await Refused(409, () => Client.UpdateAsync(Kinds.Deployment, scale.WithVersion(1), Scale));
        var put = await ToNoneAsync();
        Assert.Null(put.Text("spec", "replicas")); // a zero is left out, as autoscaling/v1 has it (omitempty)
        await Refused(422, () => Client.PatchAsync(Kinds.Deployment, Key("a"), Merge("""{"spec":{"replicas":-1}}"""), Scale));
        await Refused(404, () => Client.PatchAsync(Kinds.ConfigMap, Key("a"), Merge("""{"spec":{"replicas":1}}"""), Scale));

        async Task<KubeObject> ToNoneAsync()
        {
            while (true)
            {
                var read = await Client.PatchAsync(Kinds.Deployment, Key("a"), Merge("{}"), Scale);
                try
                {
                    return await Client.UpdateAsync(Kinds.Deployment, read.With(t => t["spec"]!["replicas"] = 0), Scale);
                }
                catch (ApiException e) when (e.IsConflict)
                {
                    continue; // a running server's controllers write its status
                }
            }
        }
    }

    [Fact]
    public async Task Patch_TakesThreeForms()
    {
        await Create(Deployment("a"));
        await Client.PatchAsync(Kinds.Deployment, Key("a"), Json("""[{"op":"test","path":"/spec/replicas","value":1},{"op":"replace","path":"/spec/replicas","value":2}]"""), Write);
        var merged = await Client.PatchAsync(Kinds.Deployment, Key("a"),
            Strategic("""{"spec":{"template":{"spec":{"containers":[{"name":"side","image":"example.com/side:1"}]}}}}"""), Write);
        Assert.Equal(2, merged.Node("spec", "template", "spec", "containers")!.AsArray().Count);
        Assert.Equal("2", merged.Text("spec", "replicas"));
        await Refused(422, () => Client.PatchAsync(Kinds.Deployment, Key("a"), Json("""[{"op":"test","path":"/spec/replicas","value":7}]"""), Write));
        await Refused(400, () => Client.PatchAsync(Kinds.Deployment, Key("a"), Merge("{"), Write));
        await Refused(404, () => Client.PatchAsync(Kinds.Deployment, Key("b"), Merge("{}"), Write));
        await Refused(415, () => Client.PatchAsync(Kinds.KService, Key("a"), Strategic("{}"), Write));
        await Refused(409, () => Client.PatchAsync(Kinds.Deployment, Key("a"), Merge("""{"metadata":{"resourceVersion":"1"},"spec":{"replicas":6}}"""), Write));
    }

    [Fact]
    public async Task Patches_ByManyAtOnce_AllSurvive()
    {
        await Create(ConfigMap("a"));
        await Task.WhenAll(Enumerable.Range(0, 16).Select(writer => Task.Run(async () =>
        {
            for (var i = 0; i < 20; i++)
            {
                await Client.PatchAsync(Kinds.ConfigMap, Key("a"), Merge($$$"""{"data":{"w{{{writer}}}-{{{i}}}":"x"}}"""), Write);
            }
        })));
        Assert.Equal(321, (await Client.GetAsync(Kinds.ConfigMap, Key("a"))).Node("data")!.AsObject().Count);
    }

    [Fact]
    public async Task Creates_OfOneNameByManyAtOnce_OneWins()
    {
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 16).Select(i => Task.Run(async () =>
        {
            try
            {
                await Create(ConfigMap("a", $"{i}"));
                return 1;
            }
            catch (ApiException e) when (e.IsAlreadyExists)
            {
                return 0;
            }
        })));
        Assert.Equal(1, outcomes.Sum());
    }
}
