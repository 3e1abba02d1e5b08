using Microsoft.Extensions.Logging.Abstractions;
using Serval.Api;
using Serval.Kube;

namespace Serval.Controllers.Tests.Serving;

/// <summary>Settings that change while objects stand.</summary>
public sealed class SettingsTests
{
    [Fact]
    public async Task MapMade_Changed_Deleted_MadeAgain_IsFollowedEachTime()
    {
        await using var world = await ServingWorld.StartAsync(Some.Service("hello"));
        await world.SettleAsync();
        Assert.Equal("http://hello.default.localhost", Url(world));
        await world.ConfigureAsync("config-domain", """{"one.test":""}""");
        await world.SettleAsync();
        Assert.Equal("http://hello.default.one.test", Url(world));
        await world.DeleteSettingsAsync("config-domain");
        await world.SettleAsync();
        Assert.Equal("http://hello.default.localhost", Url(world));
        await world.ConfigureAsync("config-domain", """{"two.test":""}""");
        await world.SettleAsync();
        Assert.Equal("http://hello.default.two.test", Url(world));
    }

    [Fact]
    public async Task Start_RunsNothingForTheMapsThatAreThere()
    {
        await using var world = await ServingWorld.StartAsync();
        await world.ConfigureAsync("config-domain", """{"one.test":""}""");
        await world.SettleAsync();
        var config = new ServingConfigSource(world.Client, NullLogger<ServingConfigSource>.Instance);
        await world.PlantAsync(Some.Configuration("c"));
        var ran = new List<ObjectKey>();
        config.RunAll(world.Client, Kinds.Configuration, ran.Add);
        Assert.Empty(ran);
        await world.ConfigureAsync("config-network", """{"default-external-scheme":"https"}""");
        Assert.Equal([new ObjectKey("default", "c")], ran);
        config.Dispose();
    }

    private static string? Url(ServingWorld world) => (string?)world.Get(Kinds.KService, "hello").ToTree()["status"]!["url"];
}
