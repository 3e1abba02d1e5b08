using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Core;
using Serval.ApiServer.Store;
using Serval.Kube;
using static Serval.StoreConformance.Objects;

namespace Serval.StoreConformance;

/// <summary>The short way of a status patch must end where the long way ends.</summary>
public sealed class StatusPatchTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task BothWays_GiveTheSameObject(int seed)
    {
        var random = new Random(seed);
        await using var opened = await OpenedStore.OpenAsync(new StoreOptions());
        await opened.Client.CreateAsync(Kinds.Deployment, Deployment("short"), Write);
        await opened.Client.CreateAsync(Kinds.Deployment, Deployment("long"), Write);
        for (var i = 0; i < 150; i++)
        {
            var patch = new JsonObject { ["status"] = RandomStatus(random) }.ToJsonString();
            var quick = await opened.Client.PatchAsync(Kinds.Deployment, new ObjectKey("facts", "short"), Merge(patch), WriteOptions.By("facts", "status"));
            var slow = await opened.Client.PatchAsync(Kinds.Deployment, new ObjectKey("facts", "long"), Merge(patch), Status with { FieldValidation = FieldValidation.Warn });
            Assert.True(JsonNode.DeepEquals(slow.Node("status") ?? new JsonObject(), quick.Node("status") ?? new JsonObject()), $"seed {seed}, round {i}: {patch}");
            Assert.Equal(quick.Json.ToArray(), CanonicalJson.Rewrite(quick.Json));
            Assert.Equal("1", quick.Text("spec", "replicas"));
        }
    }

    [Fact]
    public async Task AValueOfTheWrongType_IsRefusedAsOnTheLongWay()
    {
        await using var opened = await OpenedStore.OpenAsync(new StoreOptions());
        await opened.Client.CreateAsync(Kinds.Deployment, Deployment("a"), Write);
        await Refused(422, () => opened.Client.PatchAsync(
            Kinds.Deployment, new ObjectKey("facts", "a"), Merge("""{"status":{"replicas":"many"}}"""), WriteOptions.By("facts", "status")));
    }

    [Theory]
    [InlineData(FieldValidation.Ignore)] // the short way
    [InlineData(FieldValidation.Warn)] // the long way
    public async Task AUid_IsAPrecondition(FieldValidation validation)
    {
        await using var opened = await OpenedStore.OpenAsync(new StoreOptions());
        var made = await opened.Client.CreateAsync(Kinds.Deployment, Deployment("a"), Write);
        var options = WriteOptions.By("facts", "status") with { FieldValidation = validation };
        var key = new ObjectKey("facts", "a");
        var stored = await opened.Client.PatchAsync(Kinds.Deployment, key, Merge($$"""{"metadata":{"uid":"{{made.Metadata.Uid}}"},"status":{"replicas":2} }"""), options);
        Assert.Equal(("2", made.Metadata.Uid), (stored.Text("status", "replicas"), stored.Metadata.Uid));
        await Refused(409, () => opened.Client.PatchAsync(Kinds.Deployment, key, Merge("""{"metadata":{"uid":"another"},"status":{"replicas":3}}"""), options));
        Assert.Equal("2", opened.Client.Cache(Kinds.Deployment).Get(key)!.Text("status", "replicas"));
    }

    /// <summary>registry/core/pod: preserveOldObservedGeneration.</summary>
    [Theory]
    [InlineData(FieldValidation.Ignore)] // the short way
    [InlineData(FieldValidation.Warn)] // the long way
    public async Task Generations_OfAPodsStatus_StayWhereTheyAreLeftOut(FieldValidation validation)
    {
        await using var opened = await OpenedStore.OpenAsync(new StoreOptions());
        await opened.Client.CreateAsync(Kinds.Pod, Pod("p"), Write);
        var options = WriteOptions.By("facts", "status") with { FieldValidation = validation };
        var key = new ObjectKey("facts", "p");
        await PatchAsync("""
            {"status":{"observedGeneration":3,"conditions":[
                {"type":"A","status":"True","observedGeneration":1},{"type":"B","status":"True"},{"type":"A","status":"False","observedGeneration":2}]}}
            """);
        var next = await PatchAsync("""
            {"status":{"observedGeneration":null,"qosClass":null,"conditions":[
                {"type":"A","status":"True","observedGeneration":null},{"type":"A","status":"False"},{"type":"A","status":"Unknown"},{"type":"B","status":"True","observedGeneration":4}]}}
            """);
        Assert.Equal(("3", "BestEffort"), (next.Text("status", "observedGeneration"), next.Text("status", "qosClass")));
        Assert.Equal([1, 2, 0, 4], next.As<Pod>().Status.Conditions.Select(c => c.ObservedGeneration));

        Task<KubeObject> PatchAsync(string patch) => opened.Client.PatchAsync(Kinds.Pod, key, Merge(patch), options);
    }

    private static JsonObject RandomStatus(Random random)
    {
        var status = new JsonObject();
        foreach (var field in new[] { "replicas", "readyReplicas", "observedGeneration", "unknownField" })
        {
            switch (random.Next(4))
            {
                case 0:
                    status[field] = random.Next(3);
                    break;
                case 1:
                    status[field] = null;
                    break;
                default:
                    break;
            }
        }
        if (random.Next(3) == 0)
        {
            status["conditions"] = random.Next(4) == 0 ? null : new JsonArray([.. Enumerable.Range(0, random.Next(3)).Select(c => new JsonObject
            {
                ["type"] = $"C{c}", ["status"] = "True", ["message"] = null, ["lastUpdateTime"] = "2026-01-01T00:00:00.5Z",
            })]);
        }
        return status;
    }
}
