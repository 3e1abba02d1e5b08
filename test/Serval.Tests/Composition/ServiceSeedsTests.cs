using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Serval.Api;
using Serval.Api.Core;
using Serval.ApiServer.Pipeline;
using Serval.ApiServer.Store;
using Serval.Composition;
using Serval.Kube;

namespace Serval.Tests.Composition;

public sealed class ServiceSeedsTests
{
    /// <summary>Fifteen Services of an older version, and fourteen addresses.</summary>
    [Fact]
    public async Task Plant_WhenOneServiceCannotHaveAnAddress_GivesTheOthersTheirs()
    {
        await using var store = await SqliteStore.OpenAsync(new StoreOptions());
        using var client = new EmbeddedKubeClient(store, TimeProvider.System, NullLoggerFactory.Instance);
        var options = WriteOptions.By("test");
        await client.CreateAsync(Kinds.Namespace, KubeObject.From(new JsonObject { ["metadata"] = new JsonObject { ["name"] = "default" } }), options);
        for (var i = 0; i < 15; i++)
        {
            var service = new JsonObject
            {
                ["metadata"] = new JsonObject { ["namespace"] = "default", ["name"] = $"old{i}" },
                ["spec"] = new JsonObject { ["ports"] = new JsonArray(new JsonObject { ["port"] = 80 }) },
            };
            await client.CreateAsync(Kinds.Service, KubeObject.From(service), options);
        }
        await ServiceSeeds.PlantAsync(client, IPNetwork.Parse("10.0.0.0/28"), TimeProvider.System, NullLogger.Instance, CancellationToken.None);
        Assert.Equal(14, client.Cache(Kinds.Service).List().Count(s => s.As<Service>().Spec.ClusterIP.Length > 0));
    }
}
