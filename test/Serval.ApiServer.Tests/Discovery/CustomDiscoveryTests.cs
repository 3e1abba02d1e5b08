using Microsoft.Extensions.Logging.Abstractions;
using Serval.Api;
using Serval.ApiServer.Pipeline;
using Serval.ApiServer.Store;

namespace Serval.ApiServer.Tests.Discovery;

/// <summary>Discovery and paths follow the kinds of the server.</summary>
public sealed class CustomDiscoveryTests
{
    [Fact]
    public async Task AKindThatComes_IsListedAndReached_UntilItGoes()
    {
        await using var store = await SqliteStore.OpenAsync(new StoreOptions());
        using var client = new EmbeddedKubeClient(store, TimeProvider.System, NullLoggerFactory.Instance);
        await using var server = await ApiServerFixture.StartAsync(o => o with { Client = client });
        Assert.DoesNotContain("example.com", await GroupsAsync(server));
        store.Kinds.Set(new CustomResource
        {
            Group = "example.com", Plural = "widgets", Kind = "Widget", Namespaced = false,
            Versions =
            [
                new("v1beta1", Served: true, Stored: true, new KindShape { Singular = "widget", ListKind = "WidgetList", ShortNames = ["wg"], HasStatus = true }),
                new("v1", Served: true, Stored: false, new KindShape { Singular = "widget", ListKind = "Widgets" }),
                new("v1alpha1", Served: false, Stored: false, new KindShape { Singular = "widget", ListKind = "WidgetList" }),
            ],
        });
        var groups = (await GroupsAsync(server)).ToList();
        Assert.InRange(groups.IndexOf("example.com"), groups.IndexOf("autoscaling.internal.knative.dev"), groups.IndexOf("networking.internal.knative.dev"));
        var group = await server.GetAsync("/apis/example.com");
        Assert.Equal("v1", (string?)group["preferredVersion"]!["version"]);
        Assert.Equal(["v1", "v1beta1"], group["versions"]!.AsArray().Select(v => (string?)v!["version"]));
        var resources = (await server.GetAsync("/apis/example.com/v1beta1"))["resources"]!.AsArray();
        Assert.Equal(["widgets", "widgets/status"], resources.Select(r => (string?)r!["name"]));
        var other = (await server.GetAsync("/apis/example.com/v1"))["resources"]![0]!["storageVersionHash"]!;
        Assert.Equal((string?)resources[0]!["storageVersionHash"], (string?)other);
        Assert.Equal("wg", (string?)resources[0]!["shortNames"]![0]);
        Assert.Equal("Widgets", (string?)(await server.GetAsync("/apis/example.com/v1/widgets"))["kind"]);
        Assert.Equal(404, await StatusAsync(server, "/apis/example.com/v1alpha1/widgets"));
        store.Kinds.Remove("widgets.example.com");
        Assert.DoesNotContain("example.com", await GroupsAsync(server));
        Assert.Equal(404, await StatusAsync(server, "/apis/example.com/v1/widgets"));
    }

    private static async Task<IEnumerable<string?>> GroupsAsync(ApiServerFixture server) =>
        (await server.GetAsync("/apis"))["groups"]!.AsArray().Select(g => (string?)g!["name"]);

    private static async Task<int> StatusAsync(ApiServerFixture server, string path) => (int)(await server.SendAsync(HttpMethod.Get, path)).Response.StatusCode;
}
