using Serval.Api;
using Serval.Api.Serving;

namespace Serval.Controllers.Tests.Serving;

/// <summary>DomainMappings while the world around them changes.</summary>
public sealed class DomainMappingTests
{
    private const string Host = "hello.example.com";
    private static readonly Seed s_mapping = Mapping(Host, "hello");

    [Fact]
    public async Task Mapping_OfAService_ComesAndGoesWithIt()
    {
        await using var world = await ServingWorld.StartAsync(s_mapping);
        await world.SettleAsync();
        Assert.Equal("ResolveFailed", Ready(world, Host).Reason);
        Assert.Null(world.Find(Kinds.KIngress, Host));

        await world.PlantAsync(Some.Service("hello"));
        await world.SettleAsync();
        Assert.Equal("True", Ready(world, Host).Status);
        Assert.Equal("http://hello.example.com", world.Get(Kinds.DomainMapping, Host).As<DomainMapping>().Status.Url);

        await world.DeleteAsync(Kinds.KService, "hello");
        await world.SettleAsync();
        Assert.Equal("ResolveFailed", Ready(world, Host).Reason);
    }

    [Fact]
    public async Task Mapping_Deleted_LeavesTheNameToAnotherNamespaces()
    {
        await using var world = await ServingWorld.StartAsync(Some.Service("hello"), s_mapping);
        await world.SettleAsync();
        await world.PlantElsewhereAsync(s_mapping);
        await world.SettleAsync();
        Assert.Equal("True", Ready(world, Host).Status);
        Assert.Equal("DomainAlreadyClaimed", Elsewhere(world).Reason);

        await world.DeleteAsync(Kinds.DomainMapping, Host);
        await world.SettleAsync();
        Assert.Equal("ResolveFailed", Elsewhere(world).Reason); // it has the name now, and no service there
        Assert.True(Claims(world) is ["other"]);
    }

    [Fact]
    public async Task Mapping_Retargeted_FollowsOnlyTheNewTarget()
    {
        await using var world = await ServingWorld.StartAsync(Some.Service("hello"), Some.Service("other"), s_mapping);
        await world.SettleAsync();
        await world.PatchAsync(Kinds.DomainMapping, Host, """{"spec":{"ref":{"name":"other"}}}""");
        await world.SettleAsync();
        Assert.Contains("other.default.svc.cluster.local", world.Get(Kinds.KIngress, Host).ToTree().ToJsonString(), StringComparison.Ordinal);
        await world.DeleteAsync(Kinds.KService, "hello");
        await world.SettleAsync();
        Assert.Equal("True", Ready(world, Host).Status);
    }

    [Fact]
    public async Task Settings_Changed_RunMappings()
    {
        await using var world = await ServingWorld.StartAsync(Some.Service("hello"));
        await world.ConfigureAsync("config-network", """{"autocreate-cluster-domain-claims":"false"}""");
        await world.PlantAsync(s_mapping);
        await world.SettleAsync();
        Assert.Equal("DomainAlreadyClaimed", Ready(world, Host).Reason);

        await world.DeleteSettingsAsync("config-network");
        await world.SettleAsync();
        Assert.Equal("True", Ready(world, Host).Status);

        await world.ConfigureAsync("config-network", """{"autocreate-cluster-domain-claims":"false","default-external-scheme":"https"}""");
        await world.SettleAsync();
        Assert.Equal("https://hello.example.com", world.Get(Kinds.DomainMapping, Host).As<DomainMapping>().Status.Url);
        await world.DeleteAsync(Kinds.DomainMapping, Host);
        await world.SettleAsync();
        Assert.True(Claims(world) is ["default"]); // an administrator's matter

        await world.DeleteSettingsAsync("config-network");
        await world.SettleAsync();
        Assert.Empty(Claims(world));
    }

    [Fact]
    public async Task Claim_GivenToAnotherNamespace_IsLost()
    {
        await using var world = await ServingWorld.StartAsync(Some.Service("hello"), s_mapping);
        await world.SettleAsync();
        await world.GiveClaimAsync(Host, "other");
        await world.SettleAsync();
        Assert.Equal("DomainAlreadyClaimed", Ready(world, Host).Reason);
    }

    [Fact]
    public async Task Events_TellWhatWasMadeAndWhatIsMissing()
    {
        await using var world = await ServingWorld.StartAsync(s_mapping);
        await world.RunAsync(Kinds.DomainMapping, Host);
        Assert.Equal(["domainmapping-controller"], world.Events.Components());
        Assert.Equal(
            [$"Warning InternalError DomainMapping/{Host}: resolving reference: failed to get object default/hello: services.serving.knative.dev \"hello\" not found"], world.Events.Take());
        await world.PlantAsync(Some.Service("hello").With("Ready=True", """{"address":{"url":"http://hello.default.svc.cluster.local"}}"""));
        await world.RunAsync(Kinds.DomainMapping, Host);
        Assert.Equal([$"Normal Created DomainMapping/{Host}: Created Ingress \"{Host}\""], world.Events.Take());
        await world.GiveClaimAsync(Host, "other");
        await world.RunAsync(Kinds.DomainMapping, Host);
        Assert.Equal([$"Warning InternalError DomainMapping/{Host}: namespace \"default\" does not own ClusterDomainClaim for \"{Host}\""], world.Events.Take());
    }

    [Fact]
    public async Task Mapping_WithALongName_HasAnIngressOfAShortOne()
    {
        var host = $"{new string('a', 60)}.example.com";
        await using var world = await ServingWorld.StartAsync(Some.Service("hello"), Mapping(host, "hello"));
        await world.SettleAsync();
        Assert.Equal("True", Ready(world, host).Status);
        Assert.Contains(world.Client.Cache(Kinds.KIngress).List("default"), i => i.Metadata.Name.Length == 63);
    }

    private static Seed Mapping(string host, string service) =>
        Some.Of(Kinds.DomainMapping, host, $$"""{"ref":{"apiVersion":"serving.knative.dev/v1","kind":"Service","name":"{{service}}"} }""");

    private static Condition Ready(ServingWorld world, string name) => Ready(world.Get(Kinds.DomainMapping, name));

    private static Condition Ready(KubeObject mapping) => mapping.As<DomainMapping>().Status.Conditions.Single(c => c.Type == "Ready");

    private static Condition Elsewhere(ServingWorld world) => Ready(world.Client.Cache(Kinds.DomainMapping).Get(new ObjectKey("other", Host))!);

    private static string[] Claims(ServingWorld world) =>
        [.. world.Client.Cache(Kinds.ClusterDomainClaim).List().Select(c => (string)c.ToTree()["spec"]!["namespace"]!)];
}
