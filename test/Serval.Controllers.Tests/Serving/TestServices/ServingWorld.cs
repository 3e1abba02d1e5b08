using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Serval.Api;
using Serval.ApiServer.Pipeline;
using Serval.ApiServer.Store;
using Serval.Controllers.Certificates;
using Serval.Controllers.Domains;
using Serval.Controllers.Serving;
using Serval.Controllers.Tests.TestServices;
using Serval.Kube;

namespace Serval.Controllers.Tests.Serving;

/// <summary>
/// The Serving reconcilers over the real pipeline with a store in memory. They run when told: one key for a table's row, or every key that a
/// change asks for until nothing is left (<see cref="SettleAsync"/>), one at a time, so that a case always goes the same way.
/// </summary>
internal sealed class ServingWorld : IAsyncDisposable
{
    private const int MostRuns = 400;
    private static readonly WriteOptions s_user = WriteOptions.By("test");

    private readonly SqliteStore _store;
    private readonly EmbeddedKubeClient _objects;
    private readonly IReconciler[] _reconcilers;
    private readonly List<IDisposable> _subscriptions = [];
    private readonly List<(IReconciler Reconciler, ObjectKey Key)> _later = [];
    private readonly Lock _lock = new();
    private List<(IReconciler Reconciler, ObjectKey Key)> _due = []; // guarded by _lock: the store's writer adds

    private ServingWorld(SqliteStore store)
    {
        _store = store;
        _objects = new EmbeddedKubeClient(store, TimeProvider.System, NullLoggerFactory.Instance);
        Client = new RecordingClient(_objects);
        Config = new ServingConfigSource(Client, NullLogger<ServingConfigSource>.Instance);
        _reconcilers =
        [
            new CertificateReconciler(Client, Config, Events, Time),
            new NamespaceCertificateReconciler(Client, Config, Events),
            new ServiceReconciler(Client, Events, Time),
            new ConfigurationReconciler(Client, Events, Time),
            new RevisionCollector(Client, Config, Events, Time),
            new RevisionReconciler(Client, Images, Config, Events, Time),
            new RouteReconciler(Client, Config, () => Ports, Events, Time),
            new DomainMappingReconciler(Client, Config, () => Ports, Events, Time),
        ];
    }

    internal ManualTime Time { get; } = new();

    internal GatewayPorts Ports { get; set; } = new(80, 80);

    internal RecordingClient Client { get; }

    internal RecordedEvents Events { get; } = new();

    internal TestImages Images { get; } = new();

    internal ServingConfigSource Config { get; }

    /// <summary>The cluster below: what it makes of Deployments and Ingresses while <see cref="SettleAsync"/> runs.</summary>
    internal Surroundings Surroundings { get; } = new();

    internal static async Task<ServingWorld> StartAsync(params Seed[] given)
    {
        var world = new ServingWorld(await SqliteStore.OpenAsync(new StoreOptions()));
        foreach (var name in (string[])["default", "other", "knative-serving"])
        {
            await world._objects.CreateAsync(Kinds.Namespace, Whole(Kinds.Namespace, new JsonObject { ["metadata"] = new JsonObject { ["name"] = name } }), s_user);
        }
        foreach (var seed in given)
        {
            await world.PlantAsync(seed);
        }
        world.Subscribe();
        world.Client.TakeWrites();
        return world;
    }

    public async ValueTask DisposeAsync()
    {
        _subscriptions.ForEach(s => s.Dispose());
        Config.Dispose();
        _objects.Dispose();
        await _store.DisposeAsync();
    }

    internal KubeObject? Find(ResourceKind kind, string name) => Client.Cache(kind).Get(new ObjectKey("default", name));

    internal KubeObject Get(ResourceKind kind, string name) =>
        Find(kind, name) ?? throw new InvalidOperationException($"there is no {kind.Kind} {name}");

    internal string Status(ResourceKind kind, string name) => StatusText.Of(Get(kind, name));

    /// <summary>Writes past the recorder, as a user would.</summary>
    internal async Task PlantAsync(Seed seed)
    {
        var tree = seed.Object.DeepClone().AsObject();
        if (seed.Owner is { } owner)
        {
            var present = Get(owner.Kind, owner.Name);
            tree = JsonNode.Parse(tree.ToJsonString().Replace("${uid}", present.Metadata.Uid, StringComparison.Ordinal))!.AsObject();
            tree["metadata"]!["ownerReferences"] = OwnedObjects.OwnedBy(present);
        }
        if (seed.Deleting)
        {
            tree["metadata"]!["finalizers"] = new JsonArray("test/held");
        }
        var made = await _objects.CreateAsync(seed.Kind, Whole(seed.Kind, tree), s_user);
        if (tree["status"] is JsonObject status)
        {
            status["observedGeneration"] ??= made.Metadata.Generation;
            await PatchAsync(seed.Kind, seed.Name, new JsonObject { ["status"] = status.DeepClone() }, "status");
        }
        if (seed.Deleting)
        {
            await DeleteAsync(seed.Kind, seed.Name);
        }
    }

    internal Task PatchAsync(ResourceKind kind, string name, string json) => PatchAsync(kind, name, JsonNode.Parse(json)!.AsObject(), "");

    /// <summary>The same in namespace <c>other</c>.</summary>
    internal Task PlantElsewhereAsync(Seed seed)
    {
        var tree = seed.Object.DeepClone().AsObject();
        tree["metadata"]!["namespace"] = "other";
        return _objects.CreateAsync(seed.Kind, Whole(seed.Kind, tree), s_user);
    }

    /// <summary>What an administrator does with a domain.</summary>
    internal Task GiveClaimAsync(string domain, string ns) => _objects.PatchAsync(
        Kinds.ClusterDomainClaim, new ObjectKey("", domain),
        new KubePatch(PatchType.Merge, CanonicalJson.Serialize(new JsonObject { ["spec"] = new JsonObject { ["namespace"] = ns } })), s_user);

    internal Task PatchStatusAsync(ResourceKind kind, string name, string json) =>
        PatchAsync(kind, name, new JsonObject { ["status"] = JsonNode.Parse(json) }, "status");

    internal Task DeleteAsync(ResourceKind kind, string name) => _objects.DeleteAsync(kind, new ObjectKey("default", name), DeleteOptions.Background);

    /// <summary>Creates a config map of the cluster's settings.</summary>
    internal async Task ConfigureAsync(string map, string data)
    {
        var body = new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = map, ["namespace"] = "knative-serving" },
            ["data"] = JsonNode.Parse(data),
        };
        await _objects.CreateAsync(Kinds.ConfigMap, Whole(Kinds.ConfigMap, body), s_user);
    }

    internal Task DeleteSettingsAsync(string map) => _objects.DeleteAsync(Kinds.ConfigMap, new ObjectKey("knative-serving", map), DeleteOptions.Background);

    /// <summary>Runs one key, and again when its status was to trail.</summary>
    internal async Task RunAsync(ResourceKind kind, string name)
    {
        var reconciler = _reconcilers.First(r => r.Kind == kind);
        var result = await reconciler.ReconcileAsync(new ObjectKey("default", name), CancellationToken.None);
        if (result.RequeueAfter is { } wait && wait < TimeSpan.FromSeconds(2))
        {
            Time.Advance(wait);
            await reconciler.ReconcileAsync(new ObjectKey("default", name), CancellationToken.None);
        }
    }

    /// <summary>Runs every key that changes ask for, and those they ask for, until nothing is left.</summary>
    internal async Task SettleAsync()
    {
        var runs = 0;
        var waits = 0;
        while (true)
        {
            while (TryTake(out var next))
            {
                if (++runs == MostRuns)
                {
                    Assert.Fail($"it does not come to rest; the last writes:\n{string.Join('\n', Client.TakeWrites().TakeLast(20))}");
                }
                await RunAsync(next.Reconciler, next.Key);
                await Surroundings.ActAsync(this);
            }
            if (_later.Count == 0 || ++waits > 3)
            {
                return;
            }
            Time.Advance(TimeSpan.FromMilliseconds(1050));
            lock (_lock)
            {
                _due.AddRange(_later);
            }
            _later.Clear();
        }
    }

    private static KubeObject Whole(ResourceKind kind, JsonObject tree)
    {
        tree["apiVersion"] = kind.ApiVersion;
        tree["kind"] = kind.Kind;
        return KubeObject.From(tree);
    }

    private async Task PatchAsync(ResourceKind kind, string name, JsonObject patch, string subresource) => await _objects.PatchAsync(
        kind, new ObjectKey("default", name), new KubePatch(PatchType.Merge, CanonicalJson.Serialize(patch)), WriteOptions.By("test", subresource));

    private void Subscribe()
    {
        foreach (var reconciler in _reconcilers)
        {
            reconciler.Started(key => Enqueue(reconciler, key));
            _subscriptions.Add(Client.Cache(reconciler.Kind).Subscribe(change => Enqueue(reconciler, change.New.Key)));
            foreach (var watch in reconciler.Watches)
            {
                _subscriptions.Add(Client.Cache(watch.Kind).Subscribe(change =>
                {
                    foreach (var key in watch.Map(change))
                    {
                        Enqueue(reconciler, key);
                    }
                }));
            }
        }
    }

    private void Enqueue(IReconciler reconciler, ObjectKey key)
    {
        lock (_lock)
        {
            if (!_due.Contains((reconciler, key)))
            {
                _due.Add((reconciler, key));
            }
        }
    }

    private bool TryTake(out (IReconciler Reconciler, ObjectKey Key) next)
    {
        lock (_lock)
        {
            next = _due.FirstOrDefault();
            _due = [.. _due.Skip(1)];
            return next.Reconciler is not null;
        }
    }

    private async Task RunAsync(IReconciler reconciler, ObjectKey key)
    {
        try
        {
            if ((await reconciler.ReconcileAsync(key, CancellationToken.None)).RequeueAfter is not null)
            {
                _later.Add((reconciler, key));
            }
        }
        catch (ApiException e) when (e.IsConflict || e.IsAlreadyExists || e.IsNotFound)
        {
            Enqueue(reconciler, key);
        }
    }
}
