using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Serval.Api;
using Serval.Api.Config;
using Serval.Api.Serving;
using Serval.Controllers.Domains;
using Serval.Controllers.Serving;
using Serval.Controllers.Tests.Autoscaler;
using Serval.Controllers.Tests.TestServices;
using Serval.Controllers.Workloads;
using Serval.Kube;

namespace Serval.Controllers.Tests.Serving;

/// <summary>What Knative's controllers tell; reasons and words as in knative/serving.</summary>
public sealed class ServingEventsTests : IDisposable
{
    private static readonly ObjectKey s_key = new("default", "hello");
    private static readonly ObjectKey s_revision = new("default", "hello-00001");

    private readonly ManualTime _time = new();
    private readonly RecordedEvents _events = new();
    private readonly FakeKubeClient _client;
    private readonly ServingConfigSource _config;
    private readonly FakeImages _images = new();

    public ServingEventsTests()
    {
        _client = new FakeKubeClient(_time);
        _config = new ServingConfigSource(_client, NullLogger<ServingConfigSource>.Instance);
    }

    public void Dispose() => _config.Dispose();

    [Fact]
    public async Task Service_Made_TellsOfItsChildrenOnce()
    {
        await CreateAsync(Kinds.KService);
        var reconciler = new ServiceReconciler(_client, _events, _time);
        await reconciler.ReconcileAsync(s_key, CancellationToken.None);
        Assert.Equal(["service-controller"], _events.Components());
        Assert.Equal(
            ["Normal Created Service/hello: Created Configuration \"hello\"", "Normal Created Service/hello: Created Route \"hello\""], _events.Take());
        await reconciler.ReconcileAsync(s_key, CancellationToken.None);
        Assert.Empty(_events.Take());
    }

    [Fact]
    public async Task Service_WhoseRouteIsAnothers_Warns()
    {
        await CreateAsync(Kinds.Route);
        await CreateAsync(Kinds.KService);
        await new ServiceReconciler(_client, _events, _time).ReconcileAsync(s_key, CancellationToken.None);
        Assert.Contains(
            "Warning InternalError Service/hello: there is an existing Route default/hello that no controller owns; delete or rename it", _events.Take());
    }

    /// <summary>Another API server than Serval's stores what Knative's webhooks would have refused.</summary>
    [Fact]
    public async Task Invalid_SaysWhy_AndMakesNothing()
    {
        var rules = new KnativeRules(() => ServingConfig.Default);
        foreach (var kind in (ResourceKind[])[Kinds.KService, Kinds.Configuration])
        {
            await CreateAsync(kind, "bad", """{"template":{"spec":{"containers":[{"image":"example.com/a:1"},{"image":"example.com/b:1"}]}}}""");
        }
        await CreateAsync(Kinds.Route, "bad", """{"traffic":[{"revisionName":"a","percent":50}]}""");
        await CreateAsync(Kinds.DomainMapping, "bad", """{"ref":{"kind":"Service","name":"hello","namespace":"another","apiVersion":"serving.knative.dev/v1"}}""");
        _client.TakeWrites();
        var key = new ObjectKey("default", "bad");
        await new ServiceReconciler(_client, _events, _time, rules).ReconcileAsync(key, CancellationToken.None);
        await new ConfigurationReconciler(_client, _events, _time, rules).ReconcileAsync(key, CancellationToken.None);
        await new RouteReconciler(_client, _config, () => new GatewayPorts(80, 80), _events, _time, rules).ReconcileAsync(key, CancellationToken.None);
        await new DomainMappingReconciler(_client, _config, () => new GatewayPorts(80, 80), _events, _time, rules).ReconcileAsync(key, CancellationToken.None);
        Assert.Equal(["patch Service bad/status", "patch Configuration bad/status", "patch Route bad/status", "patch DomainMapping bad/status"], _client.TakeWrites().Select(w => w.ToString()));
        Assert.StartsWith("validation failed: ", Why(Kinds.KService, "ConfigurationsReady"), StringComparison.Ordinal);
        Assert.Contains("spec.template.spec.containers", Why(Kinds.Configuration, "Ready"), StringComparison.Ordinal);
        Assert.Contains("Traffic targets sum to 50, want 100", Why(Kinds.Route, "AllTrafficAssigned"), StringComparison.Ordinal);

        Assert.StartsWith("validation failed: ", Why(Kinds.DomainMapping, "DomainClaimed"), StringComparison.Ordinal);

        string Why(ResourceKind kind, string type)
        {
            var condition = StatusFields.Of(_client.Cache(kind).Get(key)!)["conditions"]!.AsArray().Single(c => (string?)c!["type"] == type)!;
            Assert.Equal(("False", "Rejected"), ((string?)condition["status"], (string?)condition["reason"]));
            return (string)condition["message"]!;
        }
    }

    [Fact]
    public async Task Configuration_UntilItIsReady_TellsEachStepOnce()
    {
        await CreateAsync(Kinds.Configuration);
        var reconciler = new ConfigurationReconciler(_client, _events, _time);
        await reconciler.ReconcileAsync(s_key, CancellationToken.None);
        Assert.Equal(["Normal Created Configuration/hello: Created Revision \"hello-00001\""], _events.Take());
        await ConditionAsync(Kinds.Revision, s_revision, "True");
        await reconciler.ReconcileAsync(s_key, CancellationToken.None);
        Assert.Equal(
            [
                "Normal ConfigurationReady Configuration/hello: Configuration becomes ready",
                "Normal LatestReadyUpdate Configuration/hello: LatestReadyRevisionName updated to \"hello-00001\"",
            ],
            _events.Take());
        await reconciler.ReconcileAsync(s_key, CancellationToken.None);
        Assert.Empty(_events.Take());
        await ConditionAsync(Kinds.Revision, s_revision, "False", "exit code 1");
        await reconciler.ReconcileAsync(s_key, CancellationToken.None);
        await reconciler.ReconcileAsync(s_key, CancellationToken.None);
        Assert.Equal(["Warning LatestReadyFailed Configuration/hello: Latest ready revision \"hello-00001\" has failed"], _events.Take());
    }

    [Fact]
    public async Task Configuration_WhoseFirstRevisionFails_Warns()
    {
        await CreateAsync(Kinds.Configuration);
        var reconciler = new ConfigurationReconciler(_client, _events, _time);
        await reconciler.ReconcileAsync(s_key, CancellationToken.None);
        _events.Take();
        await ConditionAsync(Kinds.Revision, s_revision, "False", "exit code 1");
        await reconciler.ReconcileAsync(s_key, CancellationToken.None);
        await reconciler.ReconcileAsync(s_key, CancellationToken.None);
        Assert.Equal(["Warning LatestCreatedFailed Configuration/hello: Latest created revision \"hello-00001\" has failed"], _events.Take());
    }

    [Fact]
    public async Task Configuration_WhoseRevisionIsRefused_Warns()
    {
        await CreateAsync(Kinds.Configuration);
        _client.Failure = new ApiException(422, "Invalid", "no good");
        await Assert.ThrowsAsync<ApiException>(() => new ConfigurationReconciler(_client, _events, _time).ReconcileAsync(s_key, CancellationToken.None)); // its status fails too
        Assert.Equal(["Warning CreationFailed Configuration/hello: Failed to create Revision: no good"], _events.Take());
    }

    [Fact]
    public async Task Revision_WithoutImage_WarnsAndThenBecomesReady()
    {
        await CreateAsync(Kinds.Revision, s_revision.Name);
        var reconciler = new RevisionReconciler(_client, _images, _config, _events, _time);
        _images.Missing = "not here";
        await reconciler.ReconcileAsync(s_revision, CancellationToken.None);
        Assert.Equal(["Warning InternalError Revision/hello-00001: Unable to fetch image \"example.com/app:1\": not here"], _events.Take());
        _images.Missing = null;
        await reconciler.ReconcileAsync(s_revision, CancellationToken.None);
        Assert.Empty(_events.Take());

        var deployment = Assert.Single(_client.Cache(Kinds.Deployment).List()).Key;
        await PatchAsync(Kinds.Deployment, deployment,
            """{"status":{"readyReplicas":1,"conditions":[{"type":"Progressing","status":"True","reason":"NewReplicaSetAvailable"},{"type":"Available","status":"True"}]}}""");
        await PatchAsync(Kinds.PodAutoscaler, s_revision,
            """{"status":{"serviceName":"hello-00001","conditions":[{"type":"Ready","status":"True"},{"type":"ScaleTargetInitialized","status":"True"}]}}""");
        await reconciler.ReconcileAsync(s_revision, CancellationToken.None);
        await reconciler.ReconcileAsync(s_revision, CancellationToken.None);
        Assert.Equal(["Normal RevisionReady Revision/hello-00001: Revision becomes ready upon all resources being ready"], _events.Take());
    }

    /// <summary>A tag may mean another image after a power loss: what it meant is waited for, once; the rest of the status is derived.</summary>
    [Fact]
    public async Task Revision_ImageDigest_IsWrittenSynced_Once()
    {
        await CreateAsync(Kinds.Revision, s_revision.Name);
        var reconciler = new RevisionReconciler(_client, _images, _config, _events, _time);
        await reconciler.ReconcileAsync(s_revision, CancellationToken.None);
        _time.Advance(StatusTrail.Delay);
        await reconciler.ReconcileAsync(s_revision, CancellationToken.None);
        Assert.Equal("example.com/app@sha256:1", Assert.Single(_client.Cache(Kinds.Revision).Get(s_revision)!.As<Revision>().Status.ContainerStatuses).ImageDigest);
        Assert.Equal(["patch Revision hello-00001/status"], _client.Synced.Select(w => w.ToString()));

        await PatchAsync(Kinds.PodAutoscaler, s_revision, """{"status":{"actualScale":1,"conditions":[{"type":"Ready","status":"False","reason":"NoTraffic"}]}}""");
        await reconciler.ReconcileAsync(s_revision, CancellationToken.None);
        _time.Advance(StatusTrail.Delay);
        await reconciler.ReconcileAsync(s_revision, CancellationToken.None);
        Assert.Equal(1, _client.Cache(Kinds.Revision).Get(s_revision)!.As<Revision>().Status.ActualReplicas);
        Assert.Single(_client.Synced);
    }

    [Fact]
    public async Task Route_Programmed_TellsOfIngressAndPlaceholderOnce()
    {
        await CreateAsync(Kinds.Configuration);
        var configuration = new ConfigurationReconciler(_client, NoEvents.Instance, _time);
        await configuration.ReconcileAsync(s_key, CancellationToken.None);
        await ConditionAsync(Kinds.Revision, s_revision, "True");
        await configuration.ReconcileAsync(s_key, CancellationToken.None);
        await CreateAsync(Kinds.Route, spec: """{"traffic":[{"configurationName":"hello","latestRevision":true,"percent":100}]}""");
        var reconciler = new RouteReconciler(_client, _config, () => new GatewayPorts(80, 80), _events, _time);
        await reconciler.ReconcileAsync(s_key, CancellationToken.None);
        Assert.Equal(["Normal Created Route/hello: Created placeholder service \"hello\"", "Normal Created Route/hello: Created Ingress \"hello\""], _events.Take());
        await reconciler.ReconcileAsync(s_key, CancellationToken.None);
        Assert.Empty(_events.Take());
    }

    [Fact]
    public async Task Route_Refused_SaysWhatCouldNotBeCreated()
    {
        await using var world = await ServingWorld.StartAsync(Some.Service("hello"));
        await world.SettleAsync();
        world.Events.Take();
        world.Client.Failure = write => write.StartsWith("create", StringComparison.Ordinal) ? new ApiException(403, "Forbidden", "no room") : null;
        await world.PatchAsync(Kinds.Route, "hello", """{"spec":{"traffic":[{"configurationName":"hello","latestRevision":true,"percent":100,"tag":"next"}]}}""");
        await world.RunAsync(Kinds.Route, "hello");
        Assert.Equal(["Warning CreationFailed Route/hello: Failed to create placeholder service \"next-hello\": no room"], world.Events.Take());

        await world.PlantAsync(Some.Service("other"));
        await world.RunAsync(Kinds.KService, "other");
        Assert.Contains("Warning CreationFailed Service/other: Failed to create Configuration \"other\": no room", world.Events.Take());
    }

    /// <summary>A map that was stored before its rule was: what was in force stays so, and the map says it.</summary>
    [Fact]
    public async Task Settings_BadValue_IsWarnedOfOnTheMap_AndTheLastGoodStays()
    {
        using var config = new ServingConfigSource(_client, NullLogger<ServingConfigSource>.Instance, _events);
        await ConfigureAsync("15");
        await ConfigureAsync("many");
        Assert.Equal(
            ["Warning InvalidConfiguration ConfigMap/config-autoscaler: config-autoscaler: max-scale = \"many\": must be a whole number; the last good values of this ConfigMap stay in force"],
            _events.Take());
        Assert.Equal(15, config.Current.Autoscaler.MaxScale);

        async Task ConfigureAsync(string value)
        {
            var key = new ObjectKey("knative-serving", "config-autoscaler");
            if (_client.Cache(Kinds.ConfigMap).Get(key) is { } present)
            {
                await _client.PatchAsync(Kinds.ConfigMap, key, new KubePatch(PatchType.Merge, System.Text.Encoding.UTF8.GetBytes($$"""{"data":{"max-scale":"{{value}}"} }""")), WriteOptions.By("test"));
                return;
            }
            await _client.CreateAsync(Kinds.ConfigMap, KubeObject.From(JsonNode.Parse($$"""{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"{{key.Name}}","namespace":"{{key.Namespace}}"},"data":{"max-scale":"{{value}}"} }""")!.AsObject()), WriteOptions.By("test"));
        }
    }

    private Task ConditionAsync(ResourceKind kind, ObjectKey key, string ready, string message = "") => PatchAsync(
        kind, key, $$"""{"status":{"observedGeneration":1,"conditions":[{"type":"Ready","status":"{{ready}}","message":"{{message}}"}]} }""");

    private Task PatchAsync(ResourceKind kind, ObjectKey key, string patch) => _client.PatchAsync(
        kind, key, new KubePatch(PatchType.Merge, System.Text.Encoding.UTF8.GetBytes(patch)), WriteOptions.By("test", "status"));

    private async Task CreateAsync(ResourceKind kind, string name = "hello", string? spec = null)
    {
        const string container = """{"containers":[{"name":"user-container","image":"example.com/app:1"}]}""";
        spec ??= kind == Kinds.Revision ? container : $$"""{"template":{"spec":{{container}} } }""";
        var tree = new JsonObject
        {
            ["apiVersion"] = kind.ApiVersion, ["kind"] = kind.Kind, ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = "default" },
            ["spec"] = JsonNode.Parse(spec),
        };
        await _client.CreateAsync(kind, KubeObject.From(tree), WriteOptions.By("test"));
    }

    private sealed class FakeImages : IImageResolver
    {
        public string? Missing { get; set; }

        public ValueTask<ResolvedImage> ResolveAsync(string reference, CancellationToken ct) => Missing is null
            ? ValueTask.FromResult(new ResolvedImage("sha256:1", "example.com/app@sha256:1"))
            : throw new ImageNotFoundException(Missing);
    }
}
