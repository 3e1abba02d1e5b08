using Serval.Api;
using Serval.ApiServer.Store;
using Serval.Kube;
using Serval.Kube.Remote;
using static Serval.StoreConformance.Objects;

namespace Serval.StoreConformance;

/// <summary>Custom kinds as another process sees them.</summary>
public sealed class RemoteKindsTests : IAsyncLifetime
{
    private static readonly ObjectKey s_definition = ObjectKey.Cluster("widgets.example.com");

    private ServedStore _server = null!;
    private HttpKubeClient _client = null!;

    public async Task InitializeAsync()
    {
        _server = await ServedStore.OpenAsync(new StoreOptions());
        _client = ServedStore.Connect(_server.Access, TimeProvider.System);
    }

    public async Task DisposeAsync()
    {
        await _client.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Kinds_ComeAndGoWithTheirDefinitions_AndTheirCachesWithThem()
    {
        await DefineAsync();
        await _server.Embedded.CreateAsync(_server.Embedded.ServedKinds.Find("example.com/v1", "Widget")!, Widget("a"), Write);
        await _client.WaitForKindsAsync();
        var kind = _client.ServedKinds.Find("example.com/v1", "Widget")!;
        Assert.Contains(kind, _client.ServedKinds.Resources);
        var followed = new List<string>();
        using (var every = new EveryResource(_client, (k, c) => Note(followed, k, c)))
        {
            every.Start();
            var cache = _client.Cache(kind);
            await cache.WaitForSyncAsync();
            Assert.Equal("a", Assert.Single(cache.List()).Metadata.Name);
            Assert.Same(cache, _client.Cache(kind));

            await _server.Embedded.DeleteAsync(_server.Embedded.ServedKinds.Find("example.com/v1", "Widget")!, new ObjectKey("facts", "a"), DeleteOptions.Background);
            await Poll.UntilAsync(() => cache.List().Count == 0);
            await _server.Embedded.CreateAsync(_server.Embedded.ServedKinds.Find("example.com/v1", "Widget")!, Widget("b"), Write);
            await Poll.UntilAsync(() => cache.List().Count == 1);
            await _server.Embedded.DeleteAsync(Kinds.CustomResourceDefinition, s_definition, DeleteOptions.Background);
            await _server.Embedded.PatchAsync(Kinds.CustomResourceDefinition, s_definition, Merge("""{"metadata":{"finalizers":null}}"""), Write);
            await Poll.UntilAsync(() => !_client.ServedKinds.Resources.Contains(kind));
            await Poll.UntilAsync(() => cache.List().Count == 0); // who asks for the kinds may be a moment ahead of who hears of them
            var after = _client.Cache(kind);
            await after.WaitForSyncAsync();
            Assert.Empty(after.List());
            Assert.Same(kind, _client.ServedKinds.FindFormer("example.com/v1", "Widget"));

            await DefineAsync();
            await Poll.UntilAsync(() => _client.ServedKinds.Resources.Contains(kind));
            await Poll.UntilAsync(() => _client.Cache(kind).List().Count == 1);
            await Poll.UntilAsync(() => Count(followed) == 3);
        }
        Assert.Equal(["Added a", "Deleted a", "Added b", "Deleted b", "Added b"], followed);
    }

    private static void Note(List<string> followed, ResourceKind kind, CacheChange change)
    {
        if (kind.Kind == "Widget")
        {
            lock (followed)
            {
                followed.Add($"{change.Type} {change.New.Metadata.Name}");
            }
        }
    }

    private static int Count(List<string> followed)
    {
        lock (followed)
        {
            return followed.Count(f => f.StartsWith("Added", StringComparison.Ordinal));
        }
    }

    private async Task DefineAsync()
    {
        await _server.Embedded.CreateAsync(Kinds.CustomResourceDefinition, Parse("""
            {"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"widgets.example.com"},
             "spec":{"group":"example.com","scope":"Namespaced","names":{"plural":"widgets","kind":"Widget"},"versions":[{"name":"v1","served":true,"storage":true,
              "schema":{"openAPIV3Schema":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}]}}
            """), Write);
        await _server.Embedded.PatchAsync(Kinds.CustomResourceDefinition, s_definition, Merge("""
            {"status":{"acceptedNames":{"plural":"widgets","kind":"Widget"},"conditions":[{"type":"Established","status":"True"}]}}
            """), Status);
    }

    private static KubeObject Widget(string name) =>
        Parse($$$"""{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"{{{name}}}","namespace":"facts"}}""");
}
