using System.Runtime.CompilerServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Controllers.Networking;
using Serval.Routing.Knative;
using Serval.Routing.Tests.Knative;

namespace Serval.Controllers.Tests.Serving;

/// <summary>
/// Route to Ingress to route model. Every folder below <c>golden/</c> is a case: <c>route.json</c> holds the Route (and data of config maps by their
/// names, where it needs any), <c>model.json</c> what comes of it: the spec of the Ingress, the Route's URLs and what the gateway reads.
/// There are two configurations, blue (revisions 1 and 2) and green (revision 1). With SERVAL_GOLDEN=write the results are written instead of compared.
/// </summary>
public sealed class RouteGoldenTests
{
    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly Seed s_blue = Some.Configuration("blue", "blue-00002", "blue-00002");
    private static readonly Seed s_green = Some.Configuration("green", "green-00001", "green-00001");

    public static TheoryData<string> Cases => [.. Directory.GetDirectories(Folder()).Select(d => Path.GetFileName(d)).Order()];

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Route_Programmed_GivesTheModel(string name)
    {
        var folder = Path.Combine(Folder(), name);
        var given = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(folder, "route.json")))!.AsObject();
        await using var world = await ServingWorld.StartAsync(
            s_blue, Some.Revision(s_blue), Some.Revision(s_blue, 2), s_green, Some.Revision(s_green), Door("blue-00001"), Door("blue-00002"), Door("green-00001"));
        foreach (var (map, data) in given.Where(g => g.Key != "route"))
        {
            await world.ConfigureAsync(map, data!.ToJsonString());
        }
        await world.PlantAsync(new Seed(Kinds.Route, given["route"]!.DeepClone().AsObject()));
        await world.SettleAsync();

        var actual = JsonSerializer.Serialize(Model(world), s_indented) + "\n";
        var file = Path.Combine(folder, "model.json");
        if (Environment.GetEnvironmentVariable("SERVAL_GOLDEN") == "write")
        {
            await File.WriteAllTextAsync(file, actual);
        }
        Assert.Equal(await File.ReadAllTextAsync(file), actual);
    }

    /// <summary>What says that a Service of that name is a revision's.</summary>
    private static Seed Door(string revision) => new(Kinds.ServerlessService, new JsonObject
    {
        ["metadata"] = new JsonObject { ["name"] = revision, ["namespace"] = "default" },
        ["spec"] = new JsonObject
        {
            ["mode"] = "Proxy",
            ["protocolType"] = "http1",
            ["objectRef"] = new JsonObject { ["apiVersion"] = "apps/v1", ["kind"] = "Deployment", ["name"] = $"{revision}-deployment" },
        },
    });

    private static JsonObject Model(ServingWorld world)
    {
        var status = world.Get(Kinds.Route, "r").ToTree()["status"]!;
        var model = new JsonObject { ["url"] = status["url"]?.DeepClone(), ["traffic"] = status["traffic"]?.DeepClone() };
        if (world.Find(Kinds.KIngress, "r") is { } ingress)
        {
            var compilation = IngressTranslator.Compile(ingress, new CacheLookup(world.Client, world.Config));
            Assert.Empty(compilation.Error);
            var set = new IngressRouteSet();
            set.Set(compilation.Ingress!);
            model["ingress"] = ingress.ToTree()["spec"]!.DeepClone();
            model["model"] = RouteTableJson.Write(set.Build(1));
        }
        return model;
    }

    private static string Folder([CallerFilePath] string here = "") => Path.Combine(Path.GetDirectoryName(here)!, "golden");
}
