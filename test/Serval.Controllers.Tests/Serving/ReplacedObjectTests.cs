using System.Text.Json.Nodes;
using Serval.Api;

namespace Serval.Controllers.Tests.Serving;

/// <summary>An object that is deleted and made again while a controller is at work on the old one.</summary>
public sealed class ReplacedObjectTests
{
    [Theory]
    [InlineData("patch Route config/status", "Route")]
    [InlineData("patch Ingress config", "Ingress")]
    [InlineData("patch Revision config-00001", "Revision")]
    public async Task NewObject_DoesNotGetWhatWasMeantForTheOld(string write, string kind)
    {
        var configuration = Some.Configuration("config", "config-00001", "config-00001");
        var route = Some.Route("config");
        var ingress = Some.Of(Kinds.KIngress, "config", """{"rules":[{"hosts":["x.test"],"http":{"paths":[{"splits":[{"serviceName":"s","serviceNamespace":"default","servicePort":80,"percent":100}]}]}}]}""")
            .OwnedBy(route);
        var revision = Some.Revision(configuration);
        await using var world = await ServingWorld.StartAsync(configuration, revision, route, ingress);
        world.Client.Meanwhile = async what =>
        {
            if (what == write)
            {
                world.Client.Meanwhile = _ => Task.CompletedTask;
                var seed = kind switch { "Route" => route, "Ingress" => ingress, _ => revision };
                await world.DeleteAsync(seed.Kind, seed.Name);
                await world.PlantAsync(seed with { Object = Bare(seed) });
            }
        };
        var raced = await Assert.ThrowsAsync<ApiException>(() => world.RunAsync(Kinds.Route, "config"));
        Assert.True(raced.IsConflict, raced.Message);
        var made = kind switch { "Route" => world.Get(Kinds.Route, "config"), "Ingress" => world.Get(Kinds.KIngress, "config"), _ => world.Get(Kinds.Revision, "config-00001") };
        Assert.Null(made.ToTree()["status"]);
        Assert.Equal(1, made.Metadata.Generation);
        Assert.Null(made.Metadata.Annotation("serving.knative.dev/routes"));
    }

    private static JsonObject Bare(Seed seed)
    {
        var copy = seed.Object.DeepClone().AsObject();
        copy.Remove("status");
        return copy;
    }
}
