using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Networking;
using Serval.Controllers.Tests.Autoscaler;
using Serval.Controllers.Workloads;
using Serval.Kube;

namespace Serval.Controllers.Tests.Workloads;

public sealed class SliceMirrorTests
{
    private const string Two = """[{"addresses":[{"ip":"10.0.0.1"},{"ip":"fd00::1"}],"notReadyAddresses":[{"ip":"10.0.0.2"}],"ports":[{"name":"http","port":80,"protocol":"TCP"}]}]""";
    private static readonly ObjectKey s_key = new("default", "s");

    private readonly ManualTime _time = new();
    private readonly FakeKubeClient _client;
    private readonly SliceMirror _mirror;

    public SliceMirrorTests()
    {
        _client = new FakeKubeClient(_time);
        _mirror = new SliceMirror(_client, _time);
    }

    [Fact]
    public async Task Endpoints_WithoutSelector_AreMirroredByFamily_AndFollowed()
    {
        await CreateAsync(Kinds.Service, """{"metadata":{"name":"s","namespace":"default"},"spec":{"ports":[{"port":80}]}}""");
        await CreateAsync(Kinds.Endpoints, $$"""{"metadata":{"name":"s","namespace":"default","labels":{"mine":"1"} },"subsets":{{Two}} }""");
        await RunAsync();

        Assert.Equal(["IPv4 80 10.0.0.1=True 10.0.0.2=False", "IPv6 80 fd00::1=True"], Slices());
        var labels = _client.Cache(Kinds.EndpointSlice).List()[0].Metadata.Labels;
        Assert.Equal(("s", "endpointslicemirroring-controller.k8s.io", "1"), (labels["kubernetes.io/service-name"], labels["endpointslice.kubernetes.io/managed-by"], labels["mine"]));
        var owner = _client.Cache(Kinds.EndpointSlice).List()[0].ToTree()["metadata"]!["ownerReferences"]![0]!;
        Assert.Equal(("Endpoints", "s"), ((string)owner["kind"]!, (string)owner["name"]!));

        _client.TakeWrites();
        await RunAsync();
        Assert.Empty(_client.TakeWrites());

        await PatchAsync(Kinds.Endpoints, """{"subsets":[{"addresses":[{"ip":"10.0.0.9"}],"ports":[{"name":"http","port":81,"protocol":"TCP"}]}]}""");
        await RunAsync();
        Assert.Equal(["IPv4 81 10.0.0.9=True"], Slices());
    }

    /// <summary>What follows a wake must not stand before its answer.</summary>
    [Fact]
    public async Task Slices_TrailTheirEndpoints()
    {
        await CreateAsync(Kinds.Service, """{"metadata":{"name":"s","namespace":"default"},"spec":{"ports":[{"port":80}]}}""");
        await CreateAsync(Kinds.Endpoints, $$"""{"metadata":{"name":"s","namespace":"default"},"subsets":{{Two}} }""");

        var result = await _mirror.ReconcileAsync(s_key, default);

        Assert.Equal(StatusTrail.Delay, result.RequeueAfter);
        Assert.Empty(Slices());
    }

    [Theory]
    [InlineData("""{"labels":{"endpointslice.kubernetes.io/skip-mirror":"true"}}""", "{}")]
    [InlineData("""{"annotations":{"control-plane.alpha.kubernetes.io/leader":"{}"}}""", "{}")]
    [InlineData("{}", """{"selector":{"app":"a"}}""")]
    public async Task SkippedOrSelected_HaveNoMirror_AlsoWhenTheyBecomeSo(string metadata, string spec)
    {
        await CreateAsync(Kinds.Service, """{"metadata":{"name":"s","namespace":"default"},"spec":{"ports":[{"port":80}]}}""");
        await CreateAsync(Kinds.Endpoints, $$"""{"metadata":{"name":"s","namespace":"default"},"subsets":{{Two}} }""");
        await RunAsync();
        Assert.NotEmpty(Slices());

        await PatchAsync(Kinds.Endpoints, $$"""{"metadata":{{metadata}} }""");
        await PatchAsync(Kinds.Service, $$"""{"spec":{{spec}} }""");
        await RunAsync();

        Assert.Empty(Slices());
    }

    [Fact]
    public async Task NoService_NoMirror()
    {
        await CreateAsync(Kinds.Endpoints, $$"""{"metadata":{"name":"s","namespace":"default"},"subsets":{{Two}} }""");
        await RunAsync();
        Assert.Empty(Slices());
    }

    private IEnumerable<string> Slices() => _client.Cache(Kinds.EndpointSlice).List().Select(s => s.As<EndpointSlice>())
        .Select(s => $"{s.AddressType} {s.Ports[0].Port} {string.Join(' ', s.Endpoints.Select(e => $"{e.Addresses[0]}={e.Conditions.Ready}"))}").Order(StringComparer.Ordinal);

    private Task CreateAsync(ResourceKind kind, string json)
    {
        var tree = JsonNode.Parse(json)!.AsObject();
        (tree["apiVersion"], tree["kind"]) = (kind.ApiVersion, kind.Kind);
        return _client.CreateAsync(kind, KubeObject.From(tree), WriteOptions.By("test"));
    }

    private Task PatchAsync(ResourceKind kind, string json) =>
        _client.PatchAsync(kind, s_key, new KubePatch(PatchType.Merge, System.Text.Encoding.UTF8.GetBytes(json)), WriteOptions.By("test"));

    private async Task RunAsync()
    {
        await _mirror.ReconcileAsync(s_key, default);
        _time.Advance(StatusTrail.Delay);
        await _mirror.ReconcileAsync(s_key, default);
    }
}
