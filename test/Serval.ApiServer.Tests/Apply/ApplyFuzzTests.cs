using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Serval.Api;
using Serval.ApiServer.Pipeline;
using Serval.ApiServer.Store;
using Serval.Kube;

namespace Serval.ApiServer.Tests.Apply;

/// <summary>Spoiled configurations on objects with spoiled managedFields: an answer for each, and none of it the server's fault. A failure prints its seed.</summary>
public sealed class ApplyFuzzTests : IAsyncLifetime
{
    private const string Config = """
        {"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d","namespace":"default","labels":{"a":"b"},"finalizers":["a/b"],"ownerReferences":[{"uid":"u","name":"n","kind":"K","apiVersion":"v1"}]},
         "spec":{"replicas":1,"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{
          "containers":[{"name":"c","image":"i","ports":[{"containerPort":80}],"env":[{"name":"E","value":"1"}],"resources":{"limits":{"cpu":"1"}}}],"volumes":[{"name":"v","emptyDir":{}}]}}}}
        """;

    private const string Managed = """
        {"metadata":{"managedFields":[
          {"manager":"m","operation":"Apply","apiVersion":"apps/v1","time":"2026-01-01T00:00:00Z","fieldsType":"FieldsV1","fieldsV1":{"f:spec":{"f:replicas":{},"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{".":{},"f:image":{}}}}}}}},
          {"manager":"u","operation":"Update","apiVersion":"v9","fieldsType":"FieldsV1","fieldsV1":{"f:metadata":{"f:finalizers":{"v:\"a/b\"":{}}}}}]}}
        """;

    private static readonly WriteOptions s_write = new() { FieldManager = "m", Tracked = true };
    private static readonly ObjectKey s_key = new("default", "d");

    private SqliteStore _store = null!;
    private EmbeddedKubeClient _client = null!;

    public async Task InitializeAsync()
    {
        _store = await SqliteStore.OpenAsync(new StoreOptions());
        _client = new EmbeddedKubeClient(_store, TimeProvider.System, NullLoggerFactory.Instance);
        await _client.CreateAsync(Kinds.Namespace, KubeObject.From(new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Namespace", ["metadata"] = new JsonObject { ["name"] = "default" } }), s_write);
    }

    public async Task DisposeAsync()
    {
        _client.Dispose();
        await _store.DisposeAsync();
    }

    [Fact]
    public async Task SpoiledApplies_AreAnswered()
    {
        for (var seed = 0; seed < 1500; seed++)
        {
            var random = new Random(seed);
            var spoil = new BodyMutator(random);
            try
            {
                await TryAsync(new KubePatch(PatchType.Apply, spoil.Spoil(Config)), s_write with { Force = random.Next(2) == 0 });
                await TryAsync(new KubePatch(PatchType.Merge, spoil.Spoil(Managed)), s_write with { FieldManager = "u" });
                await TryAsync(new KubePatch(PatchType.Apply, spoil.Spoil(Config)), s_write with { FieldManager = "kubectl", Subresource = random.Next(4) == 0 ? "status" : "" });
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"seed {seed}", e);
            }
        }
        Assert.NotEmpty((await _client.ListAsync(Kinds.Deployment, null, ListOptions.All)).Items);
    }

    private async Task TryAsync(KubePatch patch, WriteOptions options)
    {
        try
        {
            await _client.PatchAsync(Kinds.Deployment, s_key, patch, options);
        }
        catch (ApiException e)
        {
            Assert.InRange(e.Code, 400, 499);
        }
    }
}
